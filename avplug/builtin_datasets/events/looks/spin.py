"""A wheel of blades that turns on a post."""

from __future__ import annotations

from math import cos, pi, sin

from avplug.builtin_datasets.events.canvas import Pen
from avplug.builtin_datasets.events.draw import Draw
from avplug.builtin_datasets.events.looks.base import Look
from avplug.builtin_datasets.events.rhythm import Rhythm
from avplug.builtin_datasets.events.stage import Palette


class Spin(Look):
    """Turns so that one of its blades passes the post at each beat."""

    def __init__(self, draw: Draw, rhythm: Rhythm, palette: Palette) -> None:
        super().__init__(draw, rhythm, palette)
        self._blades = 4 + draw.below(4)
        self._length = draw.between(0.75, 0.95)
        self._width = draw.between(0.12, 0.2)
        self._way = 1 if draw.flip() else -1

    def paint(self, pen: Pen, time: float) -> None:
        """Paint the post, the blades and the hub."""
        step = 2 * pi / self._blades
        turned = self.rhythm.beat(time) + self.rhythm.progress(time)
        colours, length, width = self.palette, self._length, self._width
        pen.line((0, 0), (0, 1.1), 0.13, colours.second)
        for blade in range(self._blades):
            angle = pi / 2 + self._way * step * (turned + blade)
            c, s = cos(angle), sin(angle)
            pen.polygon(
                [
                    (0, 0),
                    (length * 0.6 * c - width * s, length * 0.6 * s + width * c),
                    (length * c, length * s),
                ],
                colours.main,
            )
        pen.disc(0, 0, 0.2, colours.main)
        pen.disc(0, 0, 0.1, colours.accent)
