"""A steam engine that crosses the picture."""

from __future__ import annotations

from math import pi

from avplug.builtin_datasets.events.canvas import Pen
from avplug.builtin_datasets.events.draw import Draw
from avplug.builtin_datasets.events.looks.base import Look
from avplug.builtin_datasets.events.rhythm import DURATION, Rhythm
from avplug.builtin_datasets.events.stage import Palette


class Cross(Look):
    """Rolls on rails; a puff of steam leaves its chimney at each beat."""

    def __init__(self, draw: Draw, rhythm: Rhythm, palette: Palette) -> None:
        super().__init__(draw, rhythm, palette)
        self._start = draw.between(-0.3, 0.0)
        self._speed = draw.between(0.05, 0.3) / DURATION
        self._wheels = 3 + draw.below(2)
        self._boiler = draw.between(0.2, 0.27)
        self._chimney = draw.between(0.26, 0.4)

    def paint(self, pen: Pen, time: float) -> None:
        """Paint the rails, the steam, the engine and its wheels."""
        x, colours = self._start + self._speed * time, self.palette
        pen.box(0, 0.83, 1.1, 0.04, colours.second)
        self._steam(pen, time)
        top = 0.2 - self._boiler
        pen.box(x + 0.5, top - self._chimney / 2, 0.09, self._chimney, colours.main)
        pen.box(x + 0.2, 0.2, 0.55, self._boiler, colours.main, rounding=0.1)
        pen.box(x - 0.5, 0.05, 0.28, 0.45, colours.main)
        pen.box(x - 0.5, -0.12, 0.15, 0.14, colours.accent)
        pen.box(x - 0.02, 0.48, 0.78, 0.08, colours.second)
        for wheel in range(self._wheels):
            at = x - 0.6 + 1.2 * wheel / (self._wheels - 1)
            pen.disc(at, 0.62, 0.19, colours.main)
            pen.disc(at, 0.62, 0.08, colours.accent)

    def _steam(self, pen: Pen, time: float) -> None:
        """Each puff starts at the chimney's mouth, then grows, rises and fades."""
        beat = self.rhythm.beat(time)
        mouth = 0.2 - self._boiler - 1.5 * self._chimney
        for past in range(2, -1, -1):
            born = self.rhythm.times[beat - past]
            age = time - born
            if age > 1:
                continue
            x = self._start + self._speed * born + 0.5 - 0.5 * age
            r = 0.1 + 0.2 * min(1.0, 3 * age)
            fade = 0.9 * (1 - age) ** 2
            pen.disc(x, mouth - 0.25 * age, r, self.palette.accent, alpha=fade)
            pen.disc(x + r / pi, mouth, r * 0.6, self.palette.accent, alpha=fade)
