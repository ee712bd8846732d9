"""Noise on sound: raw bits and normal noise for each channel, and its limits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from avplug.core.randomness import KeyedRandom
from avplug.signal.quantiles import looked_up, normal_table


def channel_bits(rng: KeyedRandom, shape: tuple[int, ...]) -> NDArray[np.uint16]:
    """Return uniform 16-bit integers, uint16 [C, N], independent in each channel.

    A channel's bits do not depend on how many channels there are.
    """
    if shape[0] == 1:
        return rng.stream("channel", 0).uint16(shape[1]).reshape(shape)
    bits = np.empty(shape, np.uint16)
    for channel, row in enumerate(bits):
        row[:] = rng.stream("channel", channel).uint16(row.size)
    return bits


def white_noise(rng: KeyedRandom, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return standard normal noise, float32 [C, N], independent in each channel."""
    return looked_up(normal_table(), channel_bits(rng, shape))


def limited(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return samples clipped to -1..1, in place: what a recording can hold."""
    return np.clip(samples, -1, 1, out=samples)
