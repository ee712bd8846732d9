"""Noise on sound: normal noise for each channel, and its limits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from avplug.builtin_corruptions.codebook import drawn_normals
from avplug.core.randomness import KeyedRandom


def white_noise(rng: KeyedRandom, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return standard normal noise, float32 [C, N], independent in each channel.

    A channel's noise does not depend on how many channels there are.
    """
    if shape[0] == 1:
        return drawn_normals(rng.stream("channel", 0), shape[1]).reshape(shape)
    noise = np.empty(shape, np.float32)
    for channel, row in enumerate(noise):
        row[:] = drawn_normals(rng.stream("channel", channel), row.size)
    return noise


def limited(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return samples clipped to -1..1, in place: what a recording can hold."""
    return np.clip(samples, -1, 1, out=samples)
