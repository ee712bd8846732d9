"""Turning a frame by whole degrees, exactly the same on every machine."""

from __future__ import annotations

from functools import lru_cache
from math import cos, radians, sin

import cv2
import numpy as np
from numpy.typing import NDArray

from avplug.builtin_corruptions.pixels import Pixels

#: Bits after the point of the sine and the cosine.
_BITS = 16
_NO_FRACTIONS = np.empty(0, np.uint16)


@lru_cache(maxsize=16)
def source_map(degrees: int, height: int, width: int) -> NDArray[np.int16]:
    """Return where each pixel of a turned frame comes from, int16 [H, W, 2], (x, y).

    The frame turns about its centre, counterclockwise. The nearest pixel is found
    in whole numbers, so that no rounding differs between machines; outside the frame
    the place is outside too.
    """
    cosine = round(cos(radians(degrees)) * 2**_BITS)
    sine = round(sin(radians(degrees)) * 2**_BITS)
    # Twice the distance from the centre is a whole number for even sizes too.
    x = 2 * np.arange(width, dtype=np.int64) - (width - 1)
    y = (2 * np.arange(height, dtype=np.int64) - (height - 1))[:, None]
    shift = _BITS + 1
    found = np.empty((height, width, 2), np.int16)
    found[..., 0] = _nearest(cosine * x + (width << _BITS), -sine * y, shift)
    found[..., 1] = _nearest(sine * x + (height << _BITS), cosine * y, shift)
    found.flags.writeable = False
    return found


def _nearest(
    along: NDArray[np.int64], down: NDArray[np.int64], shift: int
) -> NDArray[np.int64] | NDArray[np.int32]:
    largest = int(np.abs(along).max()) + int(np.abs(down).max())
    if largest < 2**31:
        return (along.astype(np.int32) + down.astype(np.int32)) >> shift
    return (along + down) >> shift


def turn(frame: Pixels, degrees: int, out: Pixels) -> None:
    """Write ``frame`` turned about its centre, uint8 [H, W, 3], to ``out``.

    Each pixel is the nearest of the frame; the corners that open are black.
    """
    if degrees % 360 == 0:
        out[:] = frame
        return
    height, width = frame.shape[:2]
    cv2.remap(
        np.ascontiguousarray(frame),
        source_map(degrees, height, width),
        _NO_FRACTIONS,
        cv2.INTER_NEAREST,
        dst=out,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=0,
    )
