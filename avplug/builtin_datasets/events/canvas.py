"""Antialiased shapes from signed distances, at any picture size."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, cos, floor, sin

import numpy as np
from numpy.typing import NDArray

Colour = NDArray[np.float32]
_Field = NDArray[np.float32]


class Canvas:
    """A square picture, float32 [size, size, 3] in 0..1, centred on (0, 0).

    x grows to the right and y downwards; each goes from -1 to 1.
    """

    def __init__(self, pixels: NDArray[np.float32]) -> None:
        self.pixels = pixels
        self.size = len(pixels)
        self.axis = ((np.arange(self.size) + 0.5) * 2 / self.size - 1).astype(
            np.float32
        )

    def copy(self) -> Canvas:
        """Return a canvas with the same picture, to paint on."""
        return Canvas(self.pixels.copy())

    def bytes(self, noise: NDArray[np.float32] | float = 0.0) -> NDArray[np.uint8]:
        """Return the picture, with noise in 0..255 added, as uint8 [size, size, 3]."""
        levels = self.pixels * 255 + (noise + np.float32(0.5))
        return np.clip(levels, 0, 255).astype(np.uint8)


class Pen:
    """Paints shapes on a canvas, in coordinates of its own.

    Args:
        canvas: What is painted on, in place.
        x: Where the pen's origin is on the canvas.
        y: The same, downwards.
        scale: Canvas units of one unit of the pen.
        mirrored: Whether the pen's x grows to the left.
    """

    def __init__(
        self,
        canvas: Canvas,
        x: float = 0.0,
        y: float = 0.0,
        scale: float = 1.0,
        mirrored: bool = False,
    ) -> None:
        self._canvas = canvas
        self._origin = (x, y)
        self._scale = (-scale if mirrored else scale, scale)
        self._sharpness = np.float32(canvas.size / 2 * scale)
        self._x = (canvas.axis - np.float32(x)) / np.float32(self._scale[0])
        self._y = ((canvas.axis - np.float32(y)) / np.float32(scale))[:, None]

    def ellipse(
        self,
        x: float,
        y: float,
        rx: float,
        ry: float,
        colour: Colour,
        *,
        angle: float = 0.0,
        alpha: float = 1.0,
    ) -> None:
        """Paint an ellipse with half axes ``rx`` and ``ry``, turned by radians."""
        window = self._window(x, y, max(rx, ry), max(rx, ry))
        u, v = self._turned(window, x, y, angle)
        distance = (_length(u / np.float32(rx), v / np.float32(ry)) - 1) * np.float32(
            min(rx, ry)
        )
        self._paint(window, distance, colour, alpha)

    def disc(
        self, x: float, y: float, r: float, colour: Colour, *, alpha: float = 1.0
    ) -> None:
        """Paint a disc."""
        self.ellipse(x, y, r, r, colour, alpha=alpha)

    def ring(
        self,
        x: float,
        y: float,
        r: float,
        width: float,
        colour: Colour,
        *,
        alpha: float = 1.0,
    ) -> None:
        """Paint a circle of radius ``r`` with a line of some width."""
        window = self._window(x, y, r + width, r + width)
        u, v = self._turned(window, x, y, 0.0)
        distance = np.abs(_length(u, v) - np.float32(r)) - np.float32(width / 2)
        self._paint(window, distance, colour, alpha)

    def box(
        self,
        x: float,
        y: float,
        rx: float,
        ry: float,
        colour: Colour,
        *,
        angle: float = 0.0,
        rounding: float = 0.0,
        alpha: float = 1.0,
    ) -> None:
        """Paint a rectangle with half sides ``rx`` and ``ry``."""
        reach = (rx, ry) if angle == 0 else (rx + ry, rx + ry)
        window = self._window(x, y, *reach)
        u, v = self._turned(window, x, y, angle)
        du = np.abs(u) - np.float32(rx - rounding)
        dv = np.abs(v) - np.float32(ry - rounding)
        outside = _length(np.maximum(du, 0), np.maximum(dv, 0))
        inside = np.minimum(np.maximum(du, dv), 0)
        self._paint(window, outside + inside - np.float32(rounding), colour, alpha)

    def line(
        self,
        start: tuple[float, float],
        end: tuple[float, float],
        width: float,
        colour: Colour,
        *,
        alpha: float = 1.0,
    ) -> None:
        """Paint a straight line with round ends."""
        (x, y), half = start, width / 2
        dx, dy = end[0] - x, end[1] - y
        reach = (abs(dx) / 2 + half, abs(dy) / 2 + half)
        window = self._window(x + dx / 2, y + dy / 2, *reach)
        u, v = self._turned(window, x, y, 0.0)
        reciprocal = np.float32(1 / max(dx * dx + dy * dy, 1e-9))
        along = (u * np.float32(dx) + v * np.float32(dy)) * reciprocal
        along = np.clip(along, 0, 1)
        distance = _length(u - along * np.float32(dx), v - along * np.float32(dy))
        self._paint(window, distance - np.float32(half), colour, alpha)

    def polygon(
        self,
        corners: Sequence[tuple[float, float]],
        colour: Colour,
        *,
        alpha: float = 1.0,
    ) -> None:
        """Paint a convex polygon, its corners in either order."""
        xs, ys = [c[0] for c in corners], [c[1] for c in corners]
        middle = (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2
        window = self._window(*middle, max(xs) - middle[0], max(ys) - middle[1])
        u, v = self._turned(window, 0.0, 0.0, 0.0)
        following = [*corners[1:], corners[0]]
        area = sum(
            a[0] * b[1] - b[0] * a[1] for a, b in zip(corners, following, strict=True)
        )
        turn = 1.0 if area > 0 else -1.0
        distance = np.full((len(v), len(u)), -np.inf, np.float32)
        for (ax, ay), (bx, by) in zip(corners, following, strict=True):
            length = turn * max(np.hypot(bx - ax, by - ay), 1e-9)
            nx, ny = np.float32((by - ay) / length), np.float32((ax - bx) / length)
            edge = u * nx + (v * ny - np.float32(ax * nx + ay * ny))
            np.maximum(distance, edge, out=distance)
        self._paint(window, distance, colour, alpha)

    def _window(self, x: float, y: float, rx: float, ry: float) -> tuple[slice, slice]:
        """Return the rows and columns that a shape can touch."""
        size, spans = self._canvas.size, []
        for centre, reach, origin, scale in zip(
            (y, x), (ry, rx), self._origin[::-1], self._scale[::-1], strict=True
        ):
            middle = (origin + centre * scale + 1) * size / 2
            extent = abs(reach * scale) * size / 2 + 1
            first = min(max(floor(middle - extent), 0), size)
            spans.append(slice(first, max(min(ceil(middle + extent), size), first)))
        return spans[0], spans[1]

    def _turned(
        self, window: tuple[slice, slice], x: float, y: float, angle: float
    ) -> tuple[_Field, _Field]:
        rows, columns = window
        u, v = self._x[columns] - np.float32(x), self._y[rows] - np.float32(y)
        if angle == 0:
            return u, v
        c, s = np.float32(cos(angle)), np.float32(sin(angle))
        return u * c + v * s, v * c - u * s

    def _paint(
        self,
        window: tuple[slice, slice],
        distance: _Field,
        colour: Colour,
        alpha: float,
    ) -> None:
        cover = np.clip(np.float32(0.5) - distance * self._sharpness, 0, 1)
        part = self._canvas.pixels[window]
        part += (colour - part) * (cover * np.float32(alpha))[..., None]


def _length(u: _Field, v: _Field) -> _Field:
    length: _Field = np.sqrt(u * u + v * v)
    return length
