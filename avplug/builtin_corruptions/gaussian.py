"""Gaussian noise: a hot sensor and a noisy microphone amplifier."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from avplug.builtin_corruptions.pixels import (
    Book,
    Pixels,
    add_and_subtract,
    signed_books,
    spoil_frames,
)
from avplug.builtin_corruptions.sound import white_noise
from avplug.core.clip import ClipInfo
from avplug.core.corruption import Corruption
from avplug.core.randomness import KeyedRandom
from avplug.signal.mixing import mix_at_snr
from avplug.signal.quantiles import normal_table

SIGMA = (0.08, 0.12, 0.18, 0.26, 0.38)
SNR_DB = {
    "paper": (40.0, 30.0, 20.0, 10.0, 0.0),
    # The public code takes the severity number for the SNR: 1 is the worst.
    "released": (1.0, 2.0, 3.0, 4.0, 5.0),
}


@dataclass(frozen=True, slots=True)
class GaussianScene:
    """Standard deviation of the pixel noise (pixels in 0..1), and the audio's SNR."""

    sigma: float
    snr_db: float


class Gaussian(Corruption):
    """Independent normal noise on every channel value and every sample.

    Picture: ``x + sigma n``, rounded and clipped. Sound: white noise at an SNR, not
    clipped. In profile ``released`` the sound gets *better* with severity, as in the
    public code. Source: AVRobustBench (arXiv:2506.00358).
    """

    def scene(self, info: ClipInfo, severity: int, rng: KeyedRandom) -> GaussianScene:
        """Return the parameters of a severity from 1 to 5."""
        level = severity - 1
        return GaussianScene(SIGMA[level], SNR_DB[self.profile][level])

    def video(
        self,
        frames: Pixels,
        times: NDArray[np.float64],
        scene: GaussianScene,
        rng: KeyedRandom,
    ) -> Pixels:
        """Return noisy frames, uint8 [T, H, W, 3]."""
        books = noise_books(scene.sigma)
        return spoil_frames(frames, times, rng, books, add_and_subtract)

    def audio(
        self,
        samples: NDArray[np.float32],
        sample_rate: int,
        scene: GaussianScene,
        rng: KeyedRandom,
    ) -> NDArray[np.float32]:
        """Return noisy sound, float32 [C, N]; it may leave -1..1."""
        noise = white_noise(rng, samples.shape)
        return mix_at_snr(samples, noise, scene.snr_db, reuse=True)


@lru_cache(maxsize=len(SIGMA))
def noise_books(sigma: float) -> tuple[Book, Book]:
    """Return normal noise in levels, of a standard deviation given in 0..1."""
    return signed_books(np.rint(255 * sigma * normal_table()))
