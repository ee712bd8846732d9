"""Tables that turn raw random bits into numbers of a law, the same on every machine."""

from __future__ import annotations

from functools import lru_cache
from math import exp, pi, sqrt
from statistics import NormalDist
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

_Number = TypeVar("_Number", np.uint8, np.float32, np.float64)
_NORMAL = NormalDist()


@lru_cache(maxsize=1)
def normal_levels() -> NDArray[np.float64]:
    """Return 256 equally likely levels that stand for a standard normal variable.

    Each level is the root mean square of its 256th of the distribution, with its
    sign, so that 8 random bits give unit variance exactly (plain quantiles lose half
    a percent of the standard deviation in the tails).

    Returns:
        float64 [256], ascending, antisymmetric, read-only, within -3..3.
    """
    edges = [_NORMAL.inv_cdf(0.5 + i / 256) for i in range(128)]
    # edge times density at the edge; it vanishes in the tail.
    moments = [z * exp(-z * z / 2) / sqrt(2 * pi) for z in edges] + [0.0]
    upper = [sqrt(1 + 256 * (moments[i] - moments[i + 1])) for i in range(128)]
    return _mirrored(np.array(upper))


@lru_cache(maxsize=1)
def normal_table() -> NDArray[np.float32]:
    """Return the standard normal quantiles of 65,536 equally likely values.

    Indexed with raw 16-bit integers it draws normal noise. No entry is zero.

    Returns:
        float32 [65536], ascending, antisymmetric, read-only, within -4.33..4.33.
    """
    half = 1 << 15
    upper = [_NORMAL.inv_cdf(0.5 + (i + 0.5) / (2 * half)) for i in range(half)]
    table = _mirrored(np.array(upper)).astype(np.float32)
    table.flags.writeable = False
    return table


def looked_up(
    table: NDArray[_Number],
    bits: NDArray[np.uint16],
    out: NDArray[_Number] | None = None,
) -> NDArray[_Number]:
    """Return ``table[bits]``, of the shape of ``bits``.

    Args:
        table: 65,536 entries, uint8, float32 or float64; moved as bytes.
        bits: uint16 of any shape.
        out: Where to write, contiguous and of the shape of ``bits``; else a new array.
    """
    if out is None:
        out = np.empty(bits.shape, table.dtype)
    if bits.size and _has_wide_tables():
        row = out.reshape(1, -1)
        cv2.LUT(bits.reshape(1, -1), table.reshape(1, -1), dst=row)
        return out
    # No index is out of range; mode="wrap" keeps take from buffering.
    return table.take(bits, out=out, mode="wrap")


@lru_cache(maxsize=1)
def _has_wide_tables() -> bool:
    """Return whether OpenCV looks up 16 bits, as from version 5: faster than take."""
    try:
        cv2.LUT(np.zeros((1, 1), np.uint16), np.zeros((1, 65_536), np.uint8))
    except cv2.error:
        return False
    return True


def _mirrored(upper: NDArray[np.float64]) -> NDArray[np.float64]:
    table = np.concatenate([-upper[::-1], upper])
    table.flags.writeable = False
    return table
