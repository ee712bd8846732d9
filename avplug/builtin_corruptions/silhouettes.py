"""People as seen against the light: outlines drawn from a few random proportions."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from avplug.builtin_corruptions.pixels import Pixels
from avplug.core.randomness import KeyedRandom

#: Height and width in pixels at which people are drawn. The margin left and right is
#: such that a person hides some 40 % of it, as in the authors' public pictures.
TALL, WIDE = 400, 170

#: How many people there are.
COUNT = 16

#: Softness of an outline in pixels of the drawing.
_SOFT = 1.5

Point = tuple[float, float]


@cache
def silhouette(number: int) -> tuple[Pixels, ...]:
    """Return one of ``COUNT`` people at several sizes, largest first.

    Each is uint8 [TALL, WIDE] and half, a quarter, ... of that: how much a person
    hides of each pixel, 0 to 255. Someone stands or walks, in trousers or a coat,
    bare-headed or with long hair, from the upper to the lower edge.
    """
    sizes = [_drawn(KeyedRandom(("silhouette", number)))]
    while sizes[-1].shape[0] > 16:
        height, width = sizes[-1].shape
        half = (width // 2, height // 2)
        sizes.append(_resize(sizes[-1], half, cv2.INTER_AREA))
    for one in sizes:
        one.flags.writeable = False
    return tuple(sizes)


@cache
def opaque(number: int) -> float:
    """Return the share of the drawing that one of ``COUNT`` people hides."""
    return float(silhouette(number)[0].mean()) / 255


def resized(number: int, height: int, width: int) -> Pixels:
    """Return a person of another size, uint8 [height, width], maybe squeezed."""
    sizes = silhouette(number)
    nearest = sizes[0]
    for smaller in sizes[1:]:
        if len(smaller) < height:
            break
        nearest = smaller
    return _resize(nearest, (width, height), cv2.INTER_LINEAR)


def _resize(drawing: Pixels, size: tuple[int, int], how: int) -> Pixels:
    return np.asarray(cv2.resize(drawing, size, interpolation=how), np.uint8)


def _drawn(rng: KeyedRandom) -> Pixels:
    draw = iter(rng.generator().random(20))

    def between(low: float, high: float) -> float:
        return low + (high - low) * float(next(draw))

    canvas = np.zeros((TALL, WIDE), np.uint8)
    head, shoulders, waist = between(24, 28), between(36, 43), between(25, 31)
    neck, hip = 2.3 * head, between(192, 208)
    stride, lean = between(8, 26), between(-6, 6)
    middle = WIDE / 2
    chest = middle + lean

    face = middle + 1.2 * lean
    _ellipse(canvas, (face, 1.25 * head), (head, 1.22 * head))
    if between(0, 1) < 0.35:
        _ellipse(canvas, (face, 1.7 * head), (1.1 * head, 1.6 * head))
    _limb(canvas, (face, 2 * head), (chest, neck + 14), 13, 20)
    _between(canvas, (neck - 2, chest, 0.5 * shoulders), (neck + 14, chest, shoulders))
    _between(canvas, (neck + 14, chest, shoulders), (hip - 50, middle, waist))
    _between(canvas, (hip - 50, middle, waist), (hip + 12, middle, waist + 5))
    ahead = 14 if lean > 0 else -14
    for side in (-1, 1):
        outer = chest + side * shoulders
        elbow = (outer + side * between(0, 16), neck + between(75, 95))
        hand = (
            middle + side * (shoulders + between(-14, 14)),
            hip + between(-25, 25),
        )
        _limb(canvas, (outer - side * 8, neck + 20), elbow, 13, 10)
        _limb(canvas, elbow, hand, 10, 8)
        knee = (middle + side * (13 + 0.35 * stride), 300.0)
        foot = (middle + side * (9 + stride), TALL - 10.0)
        _limb(canvas, (middle + side * 15, hip), knee, 19, 13)
        _limb(canvas, knee, foot, 13, 8)
        _limb(canvas, foot, (foot[0] + ahead, foot[1]), 8, 7)
    if between(0, 1) < 0.3:
        hem = hip + between(60, 110)
        _between(canvas, (hip - 40, middle, waist), (hem, middle, waist + 14))
    soft: Pixels = cv2.GaussianBlur(canvas, (0, 0), _SOFT).astype(np.uint8)
    return soft


def _between(
    canvas: Pixels,
    upper: tuple[float, float, float],
    lower: tuple[float, float, float],
) -> None:
    """Fill from one level to another; each is y, the middle's x, half the width."""
    (top, first, narrow), (bottom, second, wide) = upper, lower
    corners = [
        (first - narrow, top),
        (first + narrow, top),
        (second + wide, bottom),
        (second - wide, bottom),
    ]
    _outline(canvas, corners)


def _ellipse(canvas: Pixels, centre: Point, axes: Point) -> None:
    x, y = (round(value) for value in centre)
    width, height = (round(value) for value in axes)
    cv2.ellipse(canvas, (x, y), (width, height), 0, 0, 360, 255, cv2.FILLED)


def _outline(canvas: Pixels, corners: list[Point]) -> None:
    cv2.fillConvexPoly(canvas, np.rint(np.array(corners)).astype(np.int32), 255)


def _limb(canvas: Pixels, start: Point, end: Point, first: float, last: float) -> None:
    """Draw a limb with round ends; ``first`` and ``last`` are half its thickness."""
    a, b = np.array(start), np.array(end)
    along = b - a
    length = max(float(np.hypot(*along)), 1.0)
    across = np.array([-along[1], along[0]]) / length
    sides: NDArray[np.float64] = np.array(
        [a + first * across, a - first * across, b - last * across, b + last * across]
    )
    cv2.fillConvexPoly(canvas, np.rint(sides).astype(np.int32), 255)
    _ellipse(canvas, start, (first, first))
    _ellipse(canvas, end, (last, last))
