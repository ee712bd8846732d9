"""Shot noise: few photons in the dark, and noise that follows the waveform."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from math import lgamma, prod, sqrt

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
from avplug.signal.quantiles import looked_up

PHOTONS = (60.0, 25.0, 12.0, 5.0, 3.0)
SNR_DB = (40.0, 30.0, 20.0, 10.0, 0.0)
AUDIO_EVENTS = 50.0


@dataclass(frozen=True, slots=True)
class ShotScene:
    """Mean counts of a white pixel and of the waveform's peak, and the audio's SNR."""

    photons: float
    events: float
    snr_db: float


class Shot(Corruption):
    """Poisson noise: its power grows with the brightness, or with the waveform.

    Picture: ``Poisson(c x) / c``. Sound: ``Poisson(m) - m`` at an SNR, clipped to
    -1..1, where m is the waveform scaled to 0..50 by its own extremes. With a mean
    near 25 in pauses the variable is as good as continuous: a normal one with the
    Poisson variable's variance and skewness. Both profiles are alike. Source:
    AVRobustBench (arXiv:2506.00358).
    """

    def scene(self, info: ClipInfo, severity: int, rng: KeyedRandom) -> ShotScene:
        """Return the parameters of a severity from 1 to 5."""
        return ShotScene(PHOTONS[severity - 1], AUDIO_EVENTS, SNR_DB[severity - 1])

    def video(
        self,
        frames: Pixels,
        times: NDArray[np.float64],
        scene: ShotScene,
        rng: KeyedRandom,
    ) -> Pixels:
        """Return noisy frames, uint8 [T, H, W, 3]."""
        table = poisson_table(scene.photons)
        # A draw, and 256 times the value.
        index = np.empty((1, prod(frames.shape[1:]), 2), np.uint8)

        def count(values: Pixels, out: Pixels, draws: Pixels) -> None:
            cv2.merge((draws, values), dst=index)
            looked_up(table, index.view("<u2")[..., 0], out)

        return spoil_frames(frames, times, rng, (uniform_book(),), count)

    def audio(
        self,
        samples: NDArray[np.float32],
        sample_rate: int,
        scene: ShotScene,
        rng: KeyedRandom,
    ) -> NDArray[np.float32]:
        """Return noisy sound, float32 [C, N], in -1..1."""
        # The first terms of the Cornish-Fisher expansion of the Poisson quantile, times
        # six: z (6 sqrt(mean) + z) - 1, in place to spare the memory. The SNR sets the
        # scale.
        normal = white_noise(rng, samples.shape)
        noise = _expected_counts(samples, 36 * scene.events)
        np.sqrt(noise, out=noise)
        noise += normal
        noise *= normal
        noise -= np.float32(1)
        return limited(mix_at_snr(samples, noise, scene.snr_db, reuse=True))


def _expected_counts(
    samples: NDArray[np.float32], events: float
) -> NDArray[np.float32]:
    """Return samples scaled to 0..events by their extremes, half if all are equal."""
    low = samples.min(initial=np.inf)
    span = samples.max(initial=-np.inf) - low
    if not span > 0:
        return np.full_like(samples, events / 2)
    counts: NDArray[np.float32] = samples - low
    counts *= np.float32(events) / span
    return counts


@cache
def uniform_book() -> Book:
    """Return 256 equally likely bytes."""
    return byte_book((np.arange(1 << 16) >> 8).astype(np.uint8))


@lru_cache(maxsize=8)
def poisson_table(photons: float) -> NDArray[np.uint8]:
    """Return what a channel value becomes, for each of 256 equally likely draws.

    Args:
        photons: Mean count that 255 stands for.

    Returns:
        uint8 [65536], read-only; entry ``256 value + draw``.
    """
    counts = np.arange(round(photons + 10 * sqrt(photons)) + 10)
    log_factorial = np.array([lgamma(k + 1) for k in counts])
    draws = (np.arange(256) + 0.5) / 256
    table = np.zeros((256, 256), np.uint8)
    for value in range(1, 256):
        mean = photons * value / 255
        mass = np.exp(counts * np.log(mean) - mean - log_factorial)
        count = np.searchsorted(np.cumsum(mass), draws)
        table[value] = np.rint(255 * np.minimum(count / photons, 1))
    table.flags.writeable = False
    return table.ravel()
