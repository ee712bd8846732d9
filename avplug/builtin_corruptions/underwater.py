"""Underwater: red fades, edges blur and haze veils; the sound is that of a dive."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from avplug.builtin_corruptions.background import (
    BackgroundCorruption,
    add_background,
)
from avplug.builtin_corruptions.frame_memory import new_frames
from avplug.builtin_corruptions.pixels import Pixels
from avplug.builtin_corruptions.soft_blur import SoftBlur
from avplug.builtin_corruptions.timeline import Envelope, pixel_scale
from avplug.core.clip import ClipInfo
from avplug.core.randomness import KeyedRandom

BLUR_KERNEL = (3, 5, 7, 11, 15)
COLOUR_KEPT = (0.9, 0.7, 0.5, 0.3, 0.1)
CONTRAST = (0.9, 0.8, 0.7, 0.6, 0.5)
HAZE = (20.0, 40.0, 60.0, 80.0, 100.0)
#: Share of the picture that the haze leaves.
CLEAR = 0.85
SNR_DB = {
    "paper": (40.0, 30.0, 20.0, 10.0, 0.0),
    "released": (20.0, 15.0, 10.0, 5.0, 0.0),
}
#: How much the waves above sway the light and the sound, and over how many seconds.
SWAY, SWAY_TAU = 0.04, 1.5


@dataclass(frozen=True, slots=True)
class UnderwaterScene:
    """Blur in pixels at 224, factors, haze in levels, the SNR, and the waves above.

    ``red_kept`` is the factor of red (profile ``paper``), ``blue_kept`` that of blue
    (profile ``released``, which also swaps the two); the other is 1.
    """

    blur_kernel: int
    contrast: float
    haze: float
    snr_db: float
    waves: Envelope
    red_kept: float = 1.0
    blue_kept: float = 1.0


class Underwater(BackgroundCorruption):
    """Red attenuated, blurred, low in contrast and veiled; a dive's sound at an SNR.

    Picture: ``0.85 contrast blur(x) + 0.15 haze``, red times a factor, the light
    swaying a little under the waves. Profile ``released`` keeps the public code's
    swap of red and blue, so that the factor hits blue. Sound: underwater noise that
    sways alike, not clipped. Source: AVRobustBench (arXiv:2506.00358).
    """

    def scene(self, info: ClipInfo, severity: int, rng: KeyedRandom) -> UnderwaterScene:
        """Draw the waves, and return the parameters of a severity from 1 to 5."""
        level = severity - 1
        kept = "red_kept" if self.profile == "paper" else "blue_kept"
        return UnderwaterScene(
            BLUR_KERNEL[level],
            CONTRAST[level],
            HAZE[level],
            SNR_DB[self.profile][level],
            Envelope.drawn(rng.stream("waves"), SWAY, SWAY_TAU),
            **{kept: COLOUR_KEPT[level]},
        )

    def video(
        self,
        frames: Pixels,
        times: NDArray[np.float64],
        scene: UnderwaterScene,
        rng: KeyedRandom,
    ) -> Pixels:
        """Return frames seen through water, uint8 [T, H, W, 3]."""
        murky = new_frames(frames.shape)
        wanted = blur_variance(scene.blur_kernel, *frames.shape[1:3])
        blur = SoftBlur(frames.shape[1:], wanted)
        # One product of each pixel with a matrix dims, swaps and veils.
        colours = np.zeros((3, 4), np.float32)
        kept = np.diag([scene.red_kept, 1.0, scene.blue_kept])
        kept = kept[::-1] if self.profile == "released" else kept
        colours[:, 3] = (1 - CLEAR) * scene.haze
        lights = CLEAR * scene.contrast * scene.waves.at(times)
        for frame, light, target in zip(frames, lights, murky, strict=True):
            colours[:, :3] = light * kept
            cv2.transform(blur(frame), colours, dst=target)
        return murky

    def audio(
        self,
        samples: NDArray[np.float32],
        sample_rate: int,
        scene: UnderwaterScene,
        rng: KeyedRandom,
    ) -> NDArray[np.float32]:
        """Return sound under water, float32 [C, N]; it may leave -1..1."""
        return add_background(
            samples, sample_rate, "underwater", scene.snr_db, rng, scene.waves
        )


def blur_variance(kernel: int, height: int, width: int) -> float:
    """Return the variance in square pixels of a blur that has ``kernel`` taps at 224.

    Sigma follows OpenCV's rule at 224, and from there sigma and taps both follow the
    short side. As the taps end early, the variance is smaller than sigma's square.
    """
    scale = pixel_scale(height, width)
    sigma = scale * (0.3 * ((kernel - 1) / 2 - 1) + 0.8)
    reach = round((kernel - 1) / 2 * scale)
    taps = np.arange(-reach, reach + 1)
    weights = np.exp(-((taps / sigma) ** 2) / 2)
    return float(weights @ taps**2 / weights.sum())
