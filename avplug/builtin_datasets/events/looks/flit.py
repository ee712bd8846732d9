"""A small winged creature that darts about."""

from __future__ import annotations

from math import sin

from avplug.builtin_datasets.events.canvas import Pen
from avplug.builtin_datasets.events.draw import Draw
from avplug.builtin_datasets.events.looks.base import Look
from avplug.builtin_datasets.events.rhythm import Rhythm
from avplug.builtin_datasets.events.stage import Palette


class Flit(Look):
    """Darts to another place at each beat, its wings beating all the time."""

    def __init__(self, draw: Draw, rhythm: Rhythm, palette: Palette) -> None:
        super().__init__(draw, rhythm, palette)
        self._size = draw.between(0.75, 1.0)
        self._wingbeat = draw.between(30, 70)
        self._wing = draw.between(0.4, 0.55)
        self._places = [
            (draw.between(-0.45, 0.45), draw.between(-0.5, 0.5)) for _ in rhythm.times
        ]

    def paint(self, pen: Pen, time: float) -> None:
        """Paint the body, the wings and the head."""
        x, y = self._place(time)
        size, colours = self._size, self.palette
        flap = 0.55 + 0.45 * sin(self._wingbeat * time)
        for side in (-1, 1):
            pen.ellipse(
                x + side * 0.3 * size,
                y - 0.22 * size,
                self._wing * size,
                0.18 * size,
                colours.second,
                angle=side * (-0.9 * flap + 0.35),
            )
        pen.ellipse(x, y + 0.1 * size, 0.17 * size, 0.4 * size, colours.main)
        pen.box(x, y + 0.12 * size, 0.16 * size, 0.05 * size, colours.accent)
        pen.disc(x, y - 0.34 * size, 0.17 * size, colours.main)
        for side in (-1, 1):
            pen.disc(x + side * 0.08 * size, y - 0.38 * size, 0.05, colours.accent)

    def _place(self, time: float) -> tuple[float, float]:
        beat, progress = self.rhythm.beat(time), self.rhythm.progress(time)
        share = min(1.0, progress / 0.4)
        share = share * share * (3 - 2 * share)
        (ax, ay), (bx, by) = self._places[beat - 1], self._places[beat]
        hover = 0.05 * sin(5 * time)
        return ax + (bx - ax) * share, ay + (by - ay) * share + hover
