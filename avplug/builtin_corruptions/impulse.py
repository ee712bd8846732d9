"""Impulse noise: dead and hot pixels, clicks of a bad connection."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import log1p, prod, sqrt

import cv2
import numpy as np
from numpy.typing import NDArray

from avplug.builtin_corruptions.codebook import byte_book
from avplug.builtin_corruptions.pixels import Book, Pixels, spoil_frames
from avplug.builtin_corruptions.sound import limited
from avplug.core.clip import ClipInfo
from avplug.core.corruption import Corruption
from avplug.core.randomness import KeyedRandom
from avplug.signal.mixing import mix_at_snr

AMOUNT = (0.03, 0.06, 0.09, 0.17, 0.27)
SNR_DB = (40.0, 30.0, 20.0, 10.0, 0.0)
CLICK_PROBABILITY = 0.05

#: What becomes of a channel value, where it does not stay as it is.
_PEPPER, _SALT = 1, 255


@dataclass(frozen=True, slots=True)
class ImpulseScene:
    """Share of channel values replaced, share of samples with a click, audio's SNR."""

    amount: float
    click_probability: float
    snr_db: float


class Impulse(Corruption):
    """Salt and pepper in the picture, positive and negative clicks in the sound.

    Picture: each channel value is replaced with probability ``amount``, half by 0 and
    half by 255; what a severity replaces, the next one replaces too. Sound: clicks of
    one height, scaled to an SNR, clipped to -1..1; their density is the same at all
    severities. Both profiles are alike. Source: AVRobustBench (arXiv:2506.00358).
    """

    def scene(self, info: ClipInfo, severity: int, rng: KeyedRandom) -> ImpulseScene:
        """Return the parameters of a severity from 1 to 5."""
        level = severity - 1
        return ImpulseScene(AMOUNT[level], CLICK_PROBABILITY, SNR_DB[level])

    def video(
        self,
        frames: Pixels,
        times: NDArray[np.float64],
        scene: ImpulseScene,
        rng: KeyedRandom,
    ) -> Pixels:
        """Return frames with salt and pepper, uint8 [T, H, W, 3]."""
        pepper = np.full((1, prod(frames.shape[1:])), _PEPPER, np.uint8)
        kept = np.empty_like(pepper)

        def replace(values: Pixels, out: Pixels, fates: Pixels) -> None:
            cv2.bitwise_or(values, fates, dst=out)
            cv2.compare(fates, pepper, cv2.CMP_NE, dst=kept)
            cv2.bitwise_and(out, kept, dst=out)

        books = (impulse_book(scene.amount),)
        return spoil_frames(frames, times, rng, books, replace)

    def audio(
        self,
        samples: NDArray[np.float32],
        sample_rate: int,
        scene: ImpulseScene,
        rng: KeyedRandom,
    ) -> NDArray[np.float32]:
        """Return sound with clicks, float32 [C, N], in -1..1."""
        clicks = np.zeros(samples.shape, np.float32)
        for channel, row in enumerate(clicks):
            places, signs = click_places(
                scene.click_probability, row.size, rng.stream("channel", channel)
            )
            row[places] = signs
        return limited(mix_at_snr(samples, clicks, scene.snr_db, reuse=True))


@lru_cache(maxsize=len(AMOUNT))
def impulse_book(amount: float) -> Book:
    """Return the fates of values: half of the share is salt, half of it pepper."""
    half = round(amount / 2 * (1 << 16))
    fates = np.zeros(1 << 16, np.uint8)
    fates[:half], fates[-half:] = _PEPPER, _SALT
    return byte_book(fates)


def click_places(
    probability: float, count: int, rng: KeyedRandom
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return which samples have a click, each one with the probability.

    Drawn are the gaps between clicks, which are far fewer than the samples.

    Args:
        probability: Of a click, at least 0.01.
        count: Samples.
        rng: What it is for.

    Returns:
        int64 [K], ascending, and float32 [K], 1 or -1.
    """
    expected = count * probability
    # Eight standard deviations more than are needed on average.
    bits = rng.uint16(int(expected + 8 * sqrt(expected)) + 32)
    places = np.cumsum(_gaps(probability).take(bits >> 1)) - 1
    inside = int(np.searchsorted(places, count))
    signs = (bits[:inside] & 1).astype(np.float32)
    signs *= 2
    signs -= 1
    return places[:inside], signs


@lru_cache(maxsize=4)
def _gaps(probability: float) -> NDArray[np.int64]:
    """Return equally likely distances from a click to the next, int64 [32768]."""
    beyond = (np.arange(1 << 15) + 0.5) / (1 << 15)
    gaps = 1 + np.floor(np.log(beyond) / log1p(-probability)).astype(np.int64)
    gaps.flags.writeable = False
    return gaps
