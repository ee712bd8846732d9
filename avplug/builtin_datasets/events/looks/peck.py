"""A bird that pecks at a trunk."""

from __future__ import annotations

from math import cos, sin

from avplug.builtin_datasets.events.canvas import Pen
from avplug.builtin_datasets.events.draw import Draw
from avplug.builtin_datasets.events.looks.base import Look
from avplug.builtin_datasets.events.rhythm import Rhythm
from avplug.builtin_datasets.events.stage import Palette


class Peck(Look):
    """Clings to a trunk; its beak touches the wood at each beat."""

    def __init__(self, draw: Draw, rhythm: Rhythm, palette: Palette) -> None:
        super().__init__(draw, rhythm, palette)
        self._trunk = draw.between(0.2, 0.3)
        self._lean = draw.between(0.35, 0.6)
        self._belly = draw.between(0.24, 0.3)
        self._perch = draw.between(-0.1, 0.3)

    def paint(self, pen: Pen, time: float) -> None:
        """Paint the trunk, the bird's tail, body and head, and its beak."""
        progress = self.rhythm.progress(time)
        back = self._lean * min(1.0, 4 * progress * (1 - progress))
        bark, colours, y = 1 - 2 * self._trunk, self.palette, self._perch
        x = bark - 0.45
        pen.box(1 - self._trunk, 0, self._trunk, 1, colours.second)
        pen.line((1 - self._trunk, -0.7), (1 - self._trunk, 0.4), 0.05, colours.accent)
        pen.line((x - 0.1, y + 0.3), (bark - 0.1, y + 0.75), 0.16, colours.main)
        pen.ellipse(x, y + 0.1, self._belly, 0.48, colours.main, angle=-0.35)
        pen.ellipse(x, y + 0.15, 0.12, 0.3, colours.second, angle=-0.35)
        # The head turns about the neck: at a beat the beak's tip is at the bark.
        c, s = cos(back), sin(back)
        neck = (x + 0.02, y - 0.25)
        head = (neck[0] - 0.2 * s, neck[1] - 0.2 * c)
        tip = (head[0] + 0.43 * c, head[1] - 0.43 * s)
        pen.polygon(
            [
                (head[0] - 0.13 * s, head[1] - 0.13 * c),
                (head[0] + 0.13 * s, head[1] + 0.13 * c),
                tip,
            ],
            colours.accent,
        )
        pen.disc(*head, 0.2, colours.main)
        pen.disc(head[0] + 0.06 * c, head[1] - 0.06 * s, 0.055, colours.accent)
