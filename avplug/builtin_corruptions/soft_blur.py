"""A Gaussian blur of bytes, made of a few short box and binomial filters.

Short boxes and the binomial [1 2 1] run on whole numbers, several times faster than
OpenCV's Gaussian of any width. Variances of filters in a row add up, and by the central
limit theorem their product soon is a Gaussian (P. Kovesi, "Fast almost-Gaussian
filtering", DICTA 2010).
"""

from __future__ import annotations

from functools import lru_cache
from itertools import combinations_with_replacement
from math import sqrt

import cv2
import numpy as np

from avplug.builtin_corruptions.pixels import Pixels

#: Stands for the binomial filter among the sides of boxes, which are odd.
BINOMIAL = 0
#: Filters in a row; more would cost what the Gaussian itself does.
_MOST = 4
_MOST_BINOMIAL, _MOST_BOXES = 2, 3


def variance(filters: tuple[int, ...]) -> float:
    """Return the variance of filters in a row, in square pixels."""
    return sum(0.5 if side == BINOMIAL else (side**2 - 1) / 12 for side in filters)


@lru_cache(maxsize=256)
def filters_for(wanted: float) -> tuple[int, ...]:
    """Return the filters in a row whose variance is nearest to the one wanted.

    Boxes have the same side or two neighbouring ones, as unequal ones are no Gaussian.

    Args:
        wanted: Square pixels.

    Returns:
        Sides of boxes, and :data:`BINOMIAL` for each binomial filter; maybe none.
    """
    longest = int(sqrt(12 * wanted + 1)) + 2
    rows: set[tuple[int, ...]] = set()
    for side in range(3, longest + 1, 2):
        for boxes in range(_MOST_BOXES + 1):
            for chosen in combinations_with_replacement((side, side + 2), boxes):
                for binomials in range(_MOST_BINOMIAL + 1):
                    rows.add((BINOMIAL,) * binomials + chosen)
    fit = [row for row in rows if len(row) <= _MOST and _is_smooth(row)]
    return min(fit, key=lambda row: (abs(variance(row) - wanted), _cost(row), row))


def _is_smooth(row: tuple[int, ...]) -> bool:
    """Return whether no box is so large that it shows as a square."""
    largest = max(row, default=0)
    boxes = sum(side != BINOMIAL for side in row)
    return largest < 5 or boxes == _MOST_BOXES or (largest == 5 and len(row) > 2)


def _cost(row: tuple[int, ...]) -> float:
    """Return the time the filters take, in that of a small one (measured)."""
    return sum(1.0 if side <= 5 else 2.5 for side in row)


class SoftBlur:
    """Blurs frames of one size, whose memory it keeps.

    Args:
        shape: Of a frame: (H, W, 3).
        wanted: Variance in square pixels.
    """

    def __init__(self, shape: tuple[int, ...], wanted: float) -> None:
        self._filters = filters_for(wanted)
        self._memory = [np.empty(shape, np.uint8) for _ in self._filters[:2]]

    def __call__(self, frame: Pixels) -> Pixels:
        """Return a blurred frame, uint8 [H, W, 3], valid until the next one is."""
        for number, side in enumerate(self._filters):
            blurred = self._memory[number % 2]
            if side == BINOMIAL:
                cv2.GaussianBlur(frame, (3, 3), 0, dst=blurred)
            else:
                cv2.blur(frame, (side, side), dst=blurred)
            frame = blurred
        return frame
