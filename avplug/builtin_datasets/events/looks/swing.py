"""A weight that swings on a rod."""

from __future__ import annotations

from math import cos, pi, sin

from avplug.builtin_datasets.events.canvas import Pen
from avplug.builtin_datasets.events.draw import Draw
from avplug.builtin_datasets.events.looks.base import Look
from avplug.builtin_datasets.events.rhythm import Rhythm
from avplug.builtin_datasets.events.stage import Palette


class Swing(Look):
    """Hangs from a beam, and is as far out as it goes at each beat."""

    def __init__(self, draw: Draw, rhythm: Rhythm, palette: Palette) -> None:
        super().__init__(draw, rhythm, palette)
        self._reach = draw.between(0.4, 0.85)
        self._rod = draw.between(1.2, 1.45)
        self._bob = draw.between(0.24, 0.34)
        self._beam = draw.between(0.5, 0.9)

    def paint(self, pen: Pen, time: float) -> None:
        """Paint the beam, the rod and the weight."""
        beat, progress = self.rhythm.beat(time), self.rhythm.progress(time)
        side = 1 if beat % 2 else -1
        angle = side * self._reach * cos(pi * progress)
        x, y = self._rod * sin(angle), -0.85 + self._rod * cos(angle)
        colours = self.palette
        pen.box(0, -0.9, self._beam, 0.08, colours.second)
        pen.line((0, -0.85), (x, y), 0.09, colours.main)
        pen.disc(0, -0.85, 0.11, colours.accent)
        pen.disc(x, y, self._bob, colours.main)
        pen.disc(x, y, self._bob * 0.45, colours.accent)
