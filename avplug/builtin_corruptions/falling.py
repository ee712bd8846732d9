"""Layers that fall past the frame, and sway."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, radians, sin

import cv2
import numpy as np
from numpy.typing import NDArray

from avplug.builtin_corruptions.pixels import Pixels


@dataclass(frozen=True, slots=True, eq=False)
class FallingLayer:
    """A torus of streaks, and how it moves.

    Args:
        tiles: uint8 [2 H, 2 W + margin], the torus repeated.
        height: H, its period in pixels.
        width: W, its period in pixels.
        down: Pixels a second.
        right: Pixels a second.
    """

    tiles: Pixels
    height: int
    width: int
    down: float
    right: float

    @classmethod
    def of(
        cls, torus: Pixels, margin: int, degrees: float, speed: float
    ) -> FallingLayer:
        """Repeat a torus, and let it move away from where its blur reads.

        Args:
            torus: uint8 [H, W].
            margin: Largest width of a window beyond W, in pixels.
            degrees: Where the blur reads.
            speed: Frame heights a second.
        """
        height, width = torus.shape
        across = -(-(2 * width + margin) // width)
        tiles = np.asarray(cv2.repeat(torus, 2, across), np.uint8)
        pace = speed * height
        turn = radians(degrees)
        return cls(tiles, height, width, -pace * sin(turn), -pace * cos(turn))

    def window(self, seconds: float, left: int, width: int) -> Pixels:
        """Return what is before the columns ``left .. left + width``, a view."""
        top = -round(self.down * seconds) % self.height
        start = (left - round(self.right * seconds)) % self.width
        return self.tiles[top : top + self.height, start : start + width]


def sheared(wide: Pixels, starts: NDArray[np.int64], width: int) -> Pixels:
    """Return a stretch of each row of a picture.

    Args:
        wide: uint8 [H, W + margin].
        starts: int64 [H], the column at which each stretch begins, 0 to margin.
        width: W.

    Returns:
        uint8 [H, W], a new array.
    """
    wide = np.ascontiguousarray(wide)
    # Every stretch of W pixels, as a view; those that begin in their rows are copied.
    stretches = np.ndarray(
        (wide.size - width + 1, width), np.uint8, wide.data, strides=(1, 1)
    )
    rows: Pixels = stretches[starts + np.arange(len(wide)) * wide.shape[1]]
    return rows
