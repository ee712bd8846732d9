"""Noise on pixels, drawn for each frame from the bits that its time names."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from avplug.core.randomness import KeyedRandom

Pixels: TypeAlias = NDArray[np.uint8]


def spoil_frames(
    frames: Pixels,
    times: NDArray[np.float64],
    rng: KeyedRandom,
    spoil: Callable[[Pixels, KeyedRandom, Pixels], object],
) -> Pixels:
    """Return frames, each spoilt with the random numbers of its own time.

    Args:
        frames: uint8 [T, H, W, 3].
        times: float64 [T], seconds.
        rng: The clip's stream for the picture.
        spoil: Called with the channel values of a frame, uint8 [1, H W 3], the stream
            of its time, and where to write, uint8 [1, H W 3]. (Rows of one array, as
            OpenCV takes short one-dimensional arrays for scalars.)

    Returns:
        uint8 [T, H, W, 3], a new array.
    """
    spoilt = np.empty(frames.shape, np.uint8)
    for frame, time, target in zip(frames, times, spoilt, strict=True):
        spoil(frame.reshape(1, -1), rng.at(float(time)), target.reshape(1, -1))
    return spoilt
