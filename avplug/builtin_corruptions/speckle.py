"""Speckle: noise that multiplies what it meets, as in coherent imaging."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from avplug.builtin_corruptions.codebook import byte_book
from avplug.builtin_corruptions.pixels import Book, Pixels, spoil_frames
from avplug.builtin_corruptions.sound import limited, white_noise
from avplug.core.clip import ClipInfo
from avplug.core.corruption import Corruption
from avplug.core.randomness import KeyedRandom
from avplug.signal.mixing import mix_at_snr
from avplug.signal.quantiles import normal_levels

SIGMA = (0.15, 0.2, 0.35, 0.45, 0.6)
SNR_DB = (40.0, 30.0, 20.0, 10.0, 0.0)

#: Gains are bytes, multiples of 1/128, or of 1/64 where they exceed 2: their products
#: with pixels are then exact in single precision, and round alike on every machine.
_FINE, _COARSE = 128, 64
#: The public code cuts to whole levels, which takes half a level; this takes about a
#: half of that, and brings all statistics nearer.
_DARKER = 1 / 512


@dataclass(frozen=True, slots=True)
class SpeckleScene:
    """Standard deviation of the pixels' gain, and the audio's SNR."""

    sigma: float
    snr_db: float


class Speckle(Corruption):
    """Normal noise times the picture, and times the waveform.

    Picture: ``x (1 + sigma n)``, rounded and clipped. Sound: ``x n`` added at an SNR,
    clipped to -1..1, so that pauses stay silent. Both profiles are alike. Source:
    AVRobustBench (arXiv:2506.00358).
    """

    def scene(self, info: ClipInfo, severity: int, rng: KeyedRandom) -> SpeckleScene:
        """Return the parameters of a severity from 1 to 5."""
        return SpeckleScene(SIGMA[severity - 1], SNR_DB[severity - 1])

    def video(
        self,
        frames: Pixels,
        times: NDArray[np.float64],
        scene: SpeckleScene,
        rng: KeyedRandom,
    ) -> Pixels:
        """Return noisy frames, uint8 [T, H, W, 3]."""

        book, steps = gain_book(scene.sigma)

        def multiply(values: Pixels, out: Pixels, gains: Pixels) -> None:
            cv2.multiply(values, gains, dst=out, scale=1 / steps)

        return spoil_frames(frames, times, rng, (book,), multiply)

    def audio(
        self,
        samples: NDArray[np.float32],
        sample_rate: int,
        scene: SpeckleScene,
        rng: KeyedRandom,
    ) -> NDArray[np.float32]:
        """Return noisy sound, float32 [C, N], in -1..1."""
        noise = white_noise(rng, samples.shape)
        noise *= samples
        return limited(mix_at_snr(samples, noise, scene.snr_db, reuse=True))


@lru_cache(maxsize=len(SIGMA))
def gain_book(sigma: float) -> tuple[Book, int]:
    """Return normal gains in whole steps, and how many of these make a gain of 1."""
    gains = 1 - _DARKER + sigma * normal_levels()
    steps = _FINE if gains.max() * _FINE < 255 else _COARSE
    whole = np.rint(steps * gains).clip(0, 255).astype(np.uint8)
    return byte_book(whole.repeat(256)), steps
