"""Crowd: people walk in front of the camera, and their voices cover the sound."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from avplug.builtin_corruptions import passers_by
from avplug.builtin_corruptions.background import (
    BackgroundCorruption,
    add_background,
)
from avplug.builtin_corruptions.draws import uniforms
from avplug.builtin_corruptions.frame_memory import new_frames
from avplug.builtin_corruptions.passers_by import Box, Person
from avplug.builtin_corruptions.pixels import Pixels
from avplug.builtin_corruptions.silhouettes import resized
from avplug.builtin_corruptions.timeline import Envelope
from avplug.core.clip import ClipInfo
from avplug.core.randomness import KeyedRandom

SIDE_FRACTION = (0.1, 0.2, 0.3, 0.4, 0.5)
SNR_DB = {
    "paper": (40.0, 30.0, 20.0, 10.0, 0.0),
    "released": (20.0, 15.0, 10.0, 5.0, 0.0),
}
#: Of a square of that side, the share that the authors' public silhouettes hide.
OPAQUE = 0.4
#: What a shadow takes of the light.
DARKNESS = 0.96
#: How much steeper the outline of a person of few pixels is than shrinking makes it,
#: by steepness times height: such people would hide twice their area, if faintly.
STEEP = 300
SOFTEST, STEEPEST = 2, 6
#: The same where a pixel is hidden or not.
HARD = 256
#: How much nearer and farther the crowd comes: variation of its area and loudness.
NEARNESS = 0.3
NEARNESS_TAU = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class CrowdScene:
    """The occluders' size, the voices' SNR, who walks there and how near they are.

    ``nearness`` scales the area of the people and the loudness of their voices; it is
    None for the one person of profile ``released``, who stays as near.
    """

    side_fraction: float
    snr_db: float
    people: tuple[Person, ...]
    nearness: Envelope | None

    def boxes(
        self, times: NDArray[np.float64], size: tuple[int, int]
    ) -> list[list[Box]]:
        """Return where each person is at each time.

        Args:
            times: float64 [T], seconds.
            size: Height and width of the picture in pixels.
        """
        moments = times.tolist()
        if self.nearness is None:
            side = self.side_fraction
            return [
                [p.pacing(time, side, size) for p in self.people] for time in moments
            ]
        hidden = OPAQUE * self.side_fraction**2 * self.nearness.at(times)
        return [
            [person.crossing(time, share, size) for person in self.people]
            for time, share in zip(moments, hidden.tolist(), strict=True)
        ]


class Crowd(BackgroundCorruption):
    """Shadows of people who walk through the picture; babble at an SNR.

    Profile ``paper``: two to four people of natural shape, dark with soft outlines,
    walk through the picture, enter and leave. Together they hide 0.4, 1.6, 3.6, 6.4 or
    10 % of it on average; when they come nearer they grow and get louder, by one
    envelope. Profile ``released``: one opaque black person, squeezed to the shape of
    the frame as in the authors' public code, walks to and fro. Both: a clip keeps its
    people at all severities. Source: AVRobustBench (arXiv:2506.00358).
    """

    def scene(self, info: ClipInfo, severity: int, rng: KeyedRandom) -> CrowdScene:
        """Draw who is there, for a severity from 1 to 5."""
        level = severity - 1
        side, snr_db = SIDE_FRACTION[level], SNR_DB[self.profile][level]
        people = rng.stream("people")
        if self.profile == "released":
            return CrowdScene(side, snr_db, passers_by.drawn(people, 1), None)
        count = 2 + int(uniforms(rng.stream("count"), 1)[0] * 3)
        nearness = Envelope.drawn(rng.stream("nearness"), NEARNESS, NEARNESS_TAU)
        return CrowdScene(side, snr_db, passers_by.drawn(people, count), nearness)

    def video(
        self,
        frames: Pixels,
        times: NDArray[np.float64],
        scene: CrowdScene,
        rng: KeyedRandom,
    ) -> Pixels:
        """Return frames behind people, uint8 [T, H, W, 3]."""
        hidden = new_frames(frames.shape)
        size = (frames.shape[1], frames.shape[2])
        hard = scene.nearness is None
        for frame, target, boxes in zip(
            frames, hidden, scene.boxes(times, size), strict=True
        ):
            target[:] = frame
            for person, box in zip(scene.people, boxes, strict=True):
                _shade(target, person.figure, box, hard)
        return hidden

    def audio(
        self,
        samples: NDArray[np.float32],
        sample_rate: int,
        scene: CrowdScene,
        rng: KeyedRandom,
    ) -> NDArray[np.float32]:
        """Return sound behind voices, float32 [C, N]; it may leave -1..1."""
        return add_background(
            samples, sample_rate, "crowd", scene.snr_db, rng, scene.nearness
        )


def _shade(frame: Pixels, figure: int, box: Box, hard: bool) -> None:
    """Darken what a person hides, in place; the person may reach over the edges."""
    left, top, width, height, density = box
    above, before = max(-top, 0), max(-left, 0)
    seen = frame[top + above : top + height, left + before : left + width]
    if not seen.size:
        return
    shadow = resized(figure, height, width)
    if seen.shape[:2] != shadow.shape:
        shadow = shadow[above:, before:][: seen.shape[0], : seen.shape[1]]
        shadow = np.ascontiguousarray(shadow)
    steepness = min(max(STEEP // height, SOFTEST), STEEPEST) if not hard else HARD
    kept = cv2.LUT(shadow, _kept(steepness, density))
    kept = cv2.cvtColor(kept, cv2.COLOR_GRAY2RGB)
    cv2.multiply(seen, kept, dst=seen, scale=1 / 255)


@lru_cache(maxsize=256)
def _kept(steepness: int, density: float) -> Pixels:
    """Return the light that is left, by how much of a pixel a person hides."""
    darkness = 1.0 if steepness == HARD else DARKNESS
    hides = np.clip(steepness * (np.arange(256) - 127.5) + 127.5, 0, 255)
    kept: Pixels = np.rint(255 - darkness * density * hides).astype(np.uint8)
    return kept
