"""Sounds at another sample rate, as ``avplug.media`` resamples those of files."""

from __future__ import annotations

from math import gcd

import numpy as np
from numpy.typing import NDArray


def resampled(
    sound: NDArray[np.float32], rate: int, target: int
) -> NDArray[np.float32]:
    """Return float32 [N] of ``rate`` Hz at ``target`` Hz; 0 keeps the rate."""
    if target in (0, rate):
        return sound
    from scipy.signal import resample_poly

    common = gcd(rate, target)
    other: NDArray[np.float32] = resample_poly(sound, target // common, rate // common)
    return other.astype(np.float32, copy=False)
