"""A rescue van whose roof light flashes."""

from __future__ import annotations

from avplug.builtin_datasets.events.canvas import Pen
from avplug.builtin_datasets.events.draw import Draw
from avplug.builtin_datasets.events.looks.base import Look
from avplug.builtin_datasets.events.rhythm import Rhythm
from avplug.builtin_datasets.events.stage import Palette


class Flash(Look):
    """Stands with a cross on its side; its light flares up at each beat."""

    def __init__(self, draw: Draw, rhythm: Rhythm, palette: Palette) -> None:
        super().__init__(draw, rhythm, palette)
        self._height = draw.between(0.42, 0.55)
        self._wheel = draw.between(0.18, 0.24)
        self._lamp = draw.between(-0.3, 0.1)

    def paint(self, pen: Pen, time: float) -> None:
        """Paint the glow, the van, its window and cross, the wheels and the lamp."""
        glow = self.rhythm.glow(time, 0.12)
        colours, high = self.palette, self._height
        roof = 0.5 - 2 * high
        pen.disc(self._lamp, roof, 0.15 + 0.45 * glow, colours.accent, alpha=0.5 * glow)
        pen.disc(self._lamp, roof - 0.02, 0.13, colours.accent)
        pen.box(-0.25, 0.5 - high, 0.65, high, colours.main, rounding=0.06)
        pen.polygon(
            [(0.35, roof + 0.1), (0.65, 0.05), (0.9, 0.15), (0.9, 0.5), (0.35, 0.5)],
            colours.main,
        )
        pen.polygon([(0.38, roof + 0.2), (0.56, 0.08), (0.38, 0.08)], colours.accent)
        cross = (-0.35, 0.5 - high)
        pen.box(*cross, 0.24, 0.075, colours.accent)
        pen.box(*cross, 0.075, 0.24, colours.accent)
        for x in (-0.55, 0.5):
            pen.disc(x, 0.55, self._wheel, colours.second)
            pen.disc(x, 0.55, self._wheel * 0.45, colours.accent)
        pen.box(0, 0.55 + self._wheel, 1.0, 0.03, colours.second)
