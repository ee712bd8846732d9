"""A loudspeaker whose cones throb."""

from __future__ import annotations

from avplug.builtin_datasets.events.canvas import Pen
from avplug.builtin_datasets.events.draw import Draw
from avplug.builtin_datasets.events.looks.base import Look
from avplug.builtin_datasets.events.rhythm import Rhythm
from avplug.builtin_datasets.events.stage import Palette


class Pulse(Look):
    """Stands still; its cones jump forward at each beat and waves leave them."""

    def __init__(self, draw: Draw, rhythm: Rhythm, palette: Palette) -> None:
        super().__init__(draw, rhythm, palette)
        self._width = draw.between(0.5, 0.65)
        self._woofer = draw.between(0.32, 0.42)
        self._tweeter = draw.between(0.17, 0.24)

    def paint(self, pen: Pen, time: float) -> None:
        """Paint the cabinet, the waves and both cones."""
        beat = self.rhythm.beat(time)
        glow = self.rhythm.strengths[beat] * self.rhythm.glow(time, 0.15)
        colours, age = self.palette, time - self.rhythm.times[beat]
        pen.box(0, 0, self._width, 0.95, colours.main, rounding=0.08)
        for y, radius in ((0.38, self._woofer), (-0.5, self._tweeter)):
            size = radius * (1 + 0.15 * glow)
            pen.disc(0, y, size, colours.accent)
            pen.ring(0, y, size * 0.75, 0.06, colours.main)
            pen.disc(0, y, size * 0.35, colours.second)
        wave = 0.45 + 1.2 * age
        pen.ring(
            0, 0.38, wave, 0.06, colours.accent, alpha=0.6 * max(0.0, 1 - age / 0.5)
        )
