"""Turning a frame by whole degrees, exactly the same on every machine."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from math import cos, radians, sin

import cv2
import numpy as np
from numpy.typing import NDArray

from avplug.builtin_corruptions.pixels import Pixels
from avplug.signal.quantiles import looked_up

#: Bits after the point of the sine and the cosine.
_BITS = 16
#: Places in small frames, and the one outside, take 16 bits: all angles are kept.
_PLACES = 1 << 16


@lru_cache(maxsize=72)
def _short_index(degrees: int, height: int, width: int) -> NDArray[np.uint16]:
    """Return :func:`source_index` of a small frame, uint16; all 71 angles are kept."""
    index = source_index(degrees, height, width).astype(np.uint16)
    index.flags.writeable = False
    return index


def source_index(degrees: int, height: int, width: int) -> NDArray[np.intp]:
    """Return which pixel each one of a turned frame is, intp [H W], row by row.

    The frame turns about its centre, counterclockwise. The nearest pixel is found
    in whole numbers, so that no rounding differs between machines; outside the frame
    it is ``height * width``, one past the last.
    """
    cosine = round(cos(radians(degrees)) * 2**_BITS)
    sine = round(sin(radians(degrees)) * 2**_BITS)
    # Twice the distance from the centre is a whole number for even sizes too.
    x = 2 * np.arange(width, dtype=np.int64) - (width - 1)
    y = (2 * np.arange(height, dtype=np.int64) - (height - 1))[:, None]
    column = _nearest(cosine * x + (width << _BITS), -sine * y)
    found = _nearest(sine * x + (height << _BITS), cosine * y)
    # Negative places are huge when read without a sign: one comparison does for both.
    outside = column.view(np.uint32) >= width
    outside |= found.view(np.uint32) >= height
    found *= width
    found += column
    found[outside] = height * width
    # What take wants; it would convert it for every frame.
    index = found.ravel().astype(np.intp)
    index.flags.writeable = False
    return index


def _nearest(along: NDArray[np.int64], down: NDArray[np.int64]) -> NDArray[np.int32]:
    largest = int(np.abs(along).max()) + int(np.abs(down).max())
    if largest < 2**31:
        total = along.astype(np.int32) + down.astype(np.int32)
        total >>= _BITS + 1
        return total
    return ((along + down) >> (_BITS + 1)).astype(np.int32)


class Turner:
    """Turns frames of one size, whose memory it keeps.

    Numbers of four bytes are gathered faster than three bytes are: pixels are moved as
    single precision, as which nobody reads them.
    """

    def __init__(self, height: int, width: int) -> None:
        count = height * width
        # After the last pixel comes the black one outside the frame.
        self._source = np.empty(max(count + 1, _PLACES), np.float32)
        self._source[count] = 0
        self._turned = np.empty(count, np.float32)
        self._source_pixels = self._source[:count].view(np.uint8)
        self._source_pixels = self._source_pixels.reshape(height, width, 4)
        self._turned_pixels = self._turned.view(np.uint8).reshape(height, width, 4)

    def __call__(self, frames: Pixels, degrees: int, out: Pixels) -> None:
        """Write frames turned about their centre, uint8 [T, H, W, 3], to ``out``.

        Each pixel is the nearest of the frame; the corners that open are black.
        """
        if degrees % 360 == 0:
            out[:] = frames
            return
        gather = self._gather(degrees, *self._source_pixels.shape[:2])
        for frame, target in zip(frames, out, strict=True):
            cv2.cvtColor(frame, cv2.COLOR_RGB2RGBA, dst=self._source_pixels)
            gather()
            cv2.cvtColor(self._turned_pixels, cv2.COLOR_RGBA2RGB, dst=target)

    def _gather(self, *place: int) -> Callable[[], object]:
        """Return what moves the pixels; ``place`` is that of :func:`source_index`."""
        source, turned = self._source, self._turned
        if source.size == _PLACES:
            return partial(looked_up, source, _short_index(*place), turned)
        # No index is out of range; mode="wrap" keeps take from buffering.
        return partial(source.take, source_index(*place), out=turned, mode="wrap")


def turn(frame: Pixels, degrees: int, out: Pixels) -> None:
    """Write one frame turned about its centre, uint8 [H, W, 3], to ``out``."""
    Turner(*frame.shape[:2])(frame[None], degrees, out[None])
