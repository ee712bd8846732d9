"""Smoke: a drifting veil before the camera, a crackling fire and a siren."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import cos, pi, sin, sqrt

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
from avplug.builtin_corruptions.textures import SIDE, fitted, fractal, levels
from avplug.builtin_corruptions.timeline import Envelope, pixel_scale
from avplug.core.clip import ClipInfo
from avplug.core.randomness import KeyedRandom

AMPLITUDE = (1.5, 2.0, 2.5, 2.5, 3.0)
BLUR_SIGMA = (2.0, 2.0, 1.7, 1.5, 1.4)
SNR_DB = {
    "paper": (40.0, 30.0, 20.0, 10.0, 0.0),
    "released": (20.0, 15.0, 10.0, 5.0, 0.0),
}
#: Speed of the drift in short sides of the frame a second.
SPEED = 0.05
#: How much the density and the fire's loudness swell, and over how many seconds.
SWELL, SWELL_TAU = 0.1, 3.0
TEXTURES = 4
#: Standard deviation in levels of the billows, and of the wisps at severity 1.
BILLOWS, WISPS = 20.0, 12.0


@dataclass(frozen=True, slots=True)
class SmokeScene:
    """Mean thickness, what the public code's grain is blurred by, the SNR, the drift.

    ``blur_sigma`` is in pixels at 224; the smaller, the more contrast has the smoke.
    ``place`` is the corner of the frame in the field at time 0, in sides of the field;
    ``course`` the drift's direction in radians; ``fire`` swells smoke and sound.
    """

    amplitude: float
    blur_sigma: float
    snr_db: float
    texture: int
    place: tuple[float, float]
    course: float
    fire: Envelope


class Smoke(BackgroundCorruption):
    """A fractal field of smoke drifts over the picture; fire and siren are heard.

    Picture: ``(x + a P) m / (m + a)`` with m the frame's largest value and P a field
    with mean 0.5 over the frame. The public code's P is blurred noise, drawn anew for
    each frame, and looks like grain; this one is smoke of the same mean. Its density
    swells with the fire's sound, which is added at an SNR and not clipped. Source:
    AVRobustBench (arXiv:2506.00358).
    """

    def scene(self, info: ClipInfo, severity: int, rng: KeyedRandom) -> SmokeScene:
        """Draw the smoke, and return the parameters of a severity from 1 to 5."""
        level = severity - 1
        which, row, column, turn = uniforms(rng.stream("field"), 4).tolist()
        return SmokeScene(
            AMPLITUDE[level],
            BLUR_SIGMA[level],
            SNR_DB[self.profile][level],
            int(which * TEXTURES),
            (row, column),
            2 * pi * turn,
            Envelope.drawn(rng.stream("fire"), SWELL, SWELL_TAU),
        )

    def video(
        self,
        frames: Pixels,
        times: NDArray[np.float64],
        scene: SmokeScene,
        rng: KeyedRandom,
    ) -> Pixels:
        """Return frames behind smoke, uint8 [T, H, W, 3]."""
        height, width = frames.shape[1:3]
        field = canvas(scene.texture, scene.blur_sigma, height, width)
        corners = places(scene, times, min(height, width))
        amplitudes = scene.amplitude * scene.fire.at(times)
        part = np.empty((height, width), np.uint8)
        veil = np.empty(frames.shape[1:], np.uint8)
        veiled = new_frames(frames.shape)
        for frame, (top, left), amplitude, target in zip(
            frames, corners.tolist(), amplitudes.tolist(), veiled, strict=True
        ):
            part[:] = field[top : top + height, left : left + width]
            largest = float(frame.max())
            kept = largest / (largest + 255 * amplitude)
            share = amplitude * kept
            cv2.cvtColor(part, cv2.COLOR_GRAY2RGB, dst=veil)
            # The mean over the frame is exact: smoke does not flicker as it drifts.
            level = share * (127.5 - cv2.mean(part)[0])
            cv2.addWeighted(frame, kept, veil, share, level, dst=target)
        return veiled

    def audio(
        self,
        samples: NDArray[np.float32],
        sample_rate: int,
        scene: SmokeScene,
        rng: KeyedRandom,
    ) -> NDArray[np.float32]:
        """Return sound with fire and siren, float32 [C, N]; it may leave -1..1."""
        return add_background(
            samples, sample_rate, "fire_and_siren", scene.snr_db, rng, scene.fire
        )


@lru_cache(maxsize=TEXTURES)
def smoke_textures(number: int) -> tuple[Pixels, Pixels]:
    """Return billows and wisps of smoke, each uint8 [SIDE, SIDE], without seams.

    Both have a mean of 127.5. They are the same for every clip, and are built once a
    process.
    """
    rng = KeyedRandom(("smoke texture", number))
    billows = fractal(rng.stream("billows"), (5, 10, 21), 0.6)
    wisps = fractal(rng.stream("wisps"), (31, 62, 125), 0.55)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    bend = [fractal(rng.stream("bend", i), (6, 13, 27), 0.5) * 14 for i in range(2)]
    at = (
        (rows + np.rint(bend[0]).astype(np.int64)) % SIDE,
        (columns + np.rint(bend[1]).astype(np.int64)) % SIDE,
    )
    return levels(billows[at], BILLOWS), levels(wisps[at], WISPS)


@lru_cache(maxsize=TEXTURES)
def canvas(texture: int, blur_sigma: float, height: int, width: int) -> Pixels:
    """Return a field of smoke, uint8 [side + H, side + W], at the scale of a frame.

    All clips of a severity share the few fields that there are, each at a place and on
    a course of its own. Wherever the frame's corner lies in the first ``side`` rows and
    columns, the frame fits; what is beyond repeats the beginning.
    """
    billows, wisps = smoke_textures(texture)
    # Severities 3 and 4 differ in nothing but the grain: small frames, which show no
    # wisps, need billows that grow as well.
    fine = BLUR_SIGMA[0] / blur_sigma
    coarse = sqrt(fine)
    rest = 127.5 * (1 - coarse - fine)
    field = cv2.addWeighted(billows, coarse, wisps, fine, rest)
    side = field_side(min(height, width))
    field = fitted(np.asarray(field, np.uint8), side, side)
    wrapped = cv2.copyMakeBorder(field, 0, height, 0, width, cv2.BORDER_WRAP)
    wrapped.flags.writeable = False
    return np.asarray(wrapped, np.uint8)


def field_side(short: int) -> int:
    """Return the side of the field in pixels for a frame's short side."""
    return round(SIDE * pixel_scale(short, short))


def places(
    scene: SmokeScene, times: NDArray[np.float64], short: int
) -> NDArray[np.int64]:
    """Return row and column of the frame's corner in the field, int64 [T, 2]."""
    way = SPEED * short * times[:, None]
    side = field_side(short)
    start = side * np.array(scene.place)
    moved = start + way * np.array([sin(scene.course), cos(scene.course)])
    corners: NDArray[np.int64] = np.floor(moved).astype(np.int64) % side
    return corners
