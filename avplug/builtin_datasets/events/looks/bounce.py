"""A ball that bounces on the ground."""

from __future__ import annotations

from avplug.builtin_datasets.events.canvas import Pen
from avplug.builtin_datasets.events.draw import Draw
from avplug.builtin_datasets.events.looks.base import Look
from avplug.builtin_datasets.events.rhythm import Rhythm
from avplug.builtin_datasets.events.stage import Palette


class Bounce(Look):
    """Touches the ground at each beat and flies on a parabola between two beats."""

    def __init__(self, draw: Draw, rhythm: Rhythm, palette: Palette) -> None:
        super().__init__(draw, rhythm, palette)
        self._radius = draw.between(0.3, 0.42)
        self._height = draw.between(0.6, 1.0)
        self._drift = draw.between(-0.25, 0.25)
        self._ground = draw.between(0.8, 0.95)

    def paint(self, pen: Pen, time: float) -> None:
        """Paint the ground, the ball's shadow and the ball."""
        progress = self.rhythm.progress(time)
        lift = 4 * progress * (1 - progress) * self._height
        squash = 1 - 0.25 * max(0.0, 1 - lift / 0.15)
        radius, ground, colours = self._radius, self._ground, self.palette
        x = self._drift * (time - 1.5)
        y = ground - radius * squash - lift
        pen.box(0, ground + 0.06, 1, 0.06, colours.second)
        pen.ellipse(x, ground + 0.05, radius * (1 - 0.3 * lift), 0.05, colours.main)
        pen.ellipse(x, y, radius / squash, radius * squash, colours.main)
        pen.ellipse(x, y, radius * 0.95, radius * 0.16, colours.second, angle=2 * time)
        pen.disc(x - radius * 0.35, y - radius * 0.4, radius * 0.2, colours.accent)
