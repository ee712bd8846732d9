"""Interference: a transmission that drops out, and a picture that tumbles with it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from avplug.builtin_corruptions.frame_memory import new_frames
from avplug.builtin_corruptions.glitches import Glitches
from avplug.builtin_corruptions.pixels import Pixels
from avplug.builtin_corruptions.rotation import Turner
from avplug.core.clip import ClipInfo
from avplug.core.corruption import Corruption
from avplug.core.randomness import KeyedRandom

MAX_ROTATION_DEG = (11, 17, 23, 29, 35)
MUTED_FRACTION = (0.1, 0.2, 0.3, 0.4, 0.5)
CHUNKS = (2, 4, 6, 8, 10)
MIN_CHUNK_S = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class InterferenceScene:
    """The largest angle in whole degrees, what is muted, and when.

    ``muted_fraction`` of the clip would be muted if no two chunks overlapped.
    """

    max_rotation_deg: int
    muted_fraction: float
    chunks: int
    min_chunk_s: float
    glitches: Glitches

    def turns(
        self, times: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the angles at some times, each whole number equally often.

        Args:
            times: float64 [T], seconds.

        Returns:
            Degrees, int64 [T], and how many borders of muted chunks were passed,
            int64 [T]: between two of them the angle stays.
        """
        disturbances, passed = self.glitches.disturbances(times)
        # Rounded to the nearest one, away from zero.
        half = np.copysign(0.5, disturbances)
        angles = np.trunc(disturbances * (self.max_rotation_deg + 0.5) + half)
        return angles.astype(np.int64), passed


class Interference(Corruption):
    """Chunks of silence in the sound; the picture turns where they begin and end.

    Sound: chunks of 5 % of the clip, or 0.1 s if that is longer, are muted; they start
    anywhere and may overlap. Clips shorter than 0.2 s lose chunks of half their length.
    Picture: turned about its centre by a whole number of degrees, up to 11 to 35, with
    black corners. The angle holds from one border of a muted chunk to the next. What a
    severity mutes, the next one mutes too, and it turns no frame less. At an angle of
    0, once in 23 to 71 moments, the picture is as it was. Both profiles are alike.
    Source: AVRobustBench (arXiv:2506.00358).
    """

    def scene(
        self, info: ClipInfo, severity: int, rng: KeyedRandom
    ) -> InterferenceScene:
        """Draw when the signal drops out, for a severity from 1 to 5."""
        level = severity - 1
        chunks, muted = CHUNKS[level], MUTED_FRACTION[level]
        shortest = min(MIN_CHUNK_S, info.duration / 2)
        length = max(muted / chunks * info.duration, shortest)
        glitches = Glitches.drawn(rng, info.duration, length, chunks, CHUNKS[0])
        return InterferenceScene(
            MAX_ROTATION_DEG[level], muted, chunks, MIN_CHUNK_S, glitches
        )

    def video(
        self,
        frames: Pixels,
        times: NDArray[np.float64],
        scene: InterferenceScene,
        rng: KeyedRandom,
    ) -> Pixels:
        """Return turned frames, uint8 [T, H, W, 3]."""
        turned = new_frames(frames.shape)
        turn = Turner(*frames.shape[1:3])
        degrees, passed = scene.turns(times)
        # Frames of a piece that follow each other share the way of every pixel.
        first = 0
        for _, piece in groupby(passed.tolist()):
            last = first + len([*piece])
            turn(frames[first:last], int(degrees[first]), turned[first:last])
            first = last
        return turned

    def audio(
        self,
        samples: NDArray[np.float32],
        sample_rate: int,
        scene: InterferenceScene,
        rng: KeyedRandom,
    ) -> NDArray[np.float32]:
        """Return sound with silent chunks, float32 [C, N]."""
        return scene.glitches.mute(samples, sample_rate)
