"""Concert: lights that dazzle the camera, and music over everything else."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import pi, sqrt

import cv2
import numpy as np
from numpy.typing import NDArray

from avplug.builtin_corruptions.background import (
    BackgroundCorruption,
    add_background,
)
from avplug.builtin_corruptions.draws import uniforms
from avplug.builtin_corruptions.frame_memory import new_frames
from avplug.builtin_corruptions.pixels import Pixels
from avplug.builtin_corruptions.timeline import Drift, Envelope
from avplug.core.clip import ClipInfo
from avplug.core.randomness import KeyedRandom

VALUE_SHIFT = (0.1, 0.2, 0.3, 0.4, 0.5)
SNR_DB = {
    "paper": (40.0, 30.0, 20.0, 10.0, 0.0),
    "released": (20.0, 15.0, 10.0, 5.0, 0.0),
}
#: Tempo of dance music, beats a minute.
SLOWEST, FASTEST = 118.0, 132.0
#: How much the lights and the music's loudness swing with the beat.
SWING = 0.1


@dataclass(frozen=True, slots=True)
class ConcertScene:
    """Mean rise of the HSV value (0..1), the music's SNR, and the beat of both."""

    value_shift: float
    snr_db: float
    beat: Envelope


def drawn_beat(rng: KeyedRandom) -> Envelope:
    """Draw a beat with mean 1: its tempo, where it starts, every second one louder."""
    tempo, start = uniforms(rng, 2)
    frequency = (SLOWEST + (FASTEST - SLOWEST) * tempo) / 60
    pulse = Drift(
        np.array([frequency, frequency / 2]),
        2 * pi * start * np.array([2.0, 1.0]),
        np.array([sqrt(1.6), sqrt(0.4)]),
    )
    return Envelope(pulse, SWING)


class Concert(BackgroundCorruption):
    """The HSV value of each pixel rises on the beat, with music at an SNR.

    Picture: ``V + c`` in HSV, clipped, where c swings around the severity's value with
    the beat; hue and saturation stay, black turns grey. Sound: concert music that gets
    louder on the same beat, not clipped. Source: AVRobustBench (arXiv:2506.00358).
    """

    def scene(self, info: ClipInfo, severity: int, rng: KeyedRandom) -> ConcertScene:
        """Draw the beat, and return the parameters of a severity from 1 to 5."""
        level = severity - 1
        return ConcertScene(
            VALUE_SHIFT[level],
            SNR_DB[self.profile][level],
            drawn_beat(rng.stream("beat")),
        )

    def video(
        self,
        frames: Pixels,
        times: NDArray[np.float64],
        scene: ConcertScene,
        rng: KeyedRandom,
    ) -> Pixels:
        """Return frames in the lights, uint8 [T, H, W, 3]."""
        lit = new_frames(frames.shape)
        shifts = 255 * scene.value_shift * scene.beat.at(times)
        brighten = Brightener(*frames.shape[1:3])
        for frame, shift, target in zip(frames, shifts, lit, strict=True):
            # Cut to whole levels: the public code truncates.
            brighten(frame, int(shift), target)
        return lit

    def audio(
        self,
        samples: NDArray[np.float32],
        sample_rate: int,
        scene: ConcertScene,
        rng: KeyedRandom,
    ) -> NDArray[np.float32]:
        """Return sound with music, float32 [C, N]; it may leave -1..1."""
        return add_background(
            samples, sample_rate, "concert", scene.snr_db, rng, scene.beat
        )


@lru_cache(maxsize=256)
def factors(shift: int) -> NDArray[np.float32]:
    """Return the factor of each largest channel V, float32 [256], read-only."""
    value = np.arange(256, dtype=np.float64)
    raised = np.minimum(value + shift, 255)
    factor = (raised / np.maximum(value, 1)).astype(np.float32)
    factor.flags.writeable = False
    return factor


class Brightener:
    """Raises the HSV value of frames of one size, whose memory it keeps."""

    def __init__(self, height: int, width: int) -> None:
        self._planes = [np.empty((height, width), np.uint8) for _ in range(3)]
        self._largest = np.empty((height, width), np.uint8)
        self._gain = np.empty((height, width), np.float32)

    def __call__(self, frame: Pixels, shift: int, out: Pixels) -> None:
        """Write a frame whose HSV value is raised by ``shift`` levels.

        All channels grow by one factor, ``min(V + shift, 255) / V`` of the largest
        channel V, which is what the way through HSV comes to. Black has no hue and
        turns grey.

        Args:
            frame: uint8 [H, W, 3].
            shift: Whole levels, 0 to 255.
            out: uint8 [H, W, 3].
        """
        factor = factors(shift)
        planes, largest, gain = self._planes, self._largest, self._gain
        cv2.split(frame, planes)
        cv2.max(planes[0], planes[1], dst=largest)
        cv2.max(largest, planes[2], dst=largest)
        cv2.LUT(largest, factor, dst=gain)
        for plane in planes:
            cv2.multiply(plane, gain, dst=plane, dtype=cv2.CV_8U)
        if cv2.countNonZero(largest) < largest.size:
            black = np.zeros(256, np.uint8)
            black[0] = shift
            cv2.LUT(largest, black, dst=largest)
            for plane in planes:
                cv2.add(plane, largest, dst=plane)
        cv2.merge(planes, out)
