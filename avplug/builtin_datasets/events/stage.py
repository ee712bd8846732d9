"""Where a look stands, in which colours, and what is behind it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from avplug.builtin_datasets.events.canvas import Canvas, Colour, Pen
from avplug.builtin_datasets.events.draw import Draw
from avplug.core.randomness import KeyedRandom

_LUMA = np.array((0.299, 0.587, 0.114), np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Palette:
    """The colours of a clip, each float32 [3] in 0..1; ``main`` stands out most."""

    top: Colour
    bottom: Colour
    main: Colour
    second: Colour
    accent: Colour

    @classmethod
    def drawn(cls, draw: Draw) -> Palette:
        """Draw a light background and darker things before it."""
        behind, gap = draw.between(0.6, 0.9), draw.between(0.38, 0.55)
        return cls(
            top=_colour(draw, behind + draw.between(-0.1, 0.1), 0.5),
            bottom=_colour(draw, behind + draw.between(-0.1, 0.1), 0.5),
            main=_colour(draw, behind - gap, 0.9),
            second=_colour(draw, behind - 0.7 * gap, 0.9),
            accent=_colour(draw, behind + 0.3 * gap, 0.9),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """A background, and the place of a look before it."""

    x: float
    y: float
    scale: float
    mirrored: bool
    grain: float
    palette: Palette
    clutter: KeyedRandom

    @classmethod
    def drawn(cls, rng: KeyedRandom) -> Stage:
        """Draw the stage of a clip."""
        draw = Draw(rng.stream("place"))
        scale = draw.between(0.72, 0.95)
        room = 1.05 - scale
        return cls(
            x=draw.between(-room, room),
            y=draw.between(-room, room),
            scale=scale,
            mirrored=draw.flip(),
            grain=draw.between(2, 8),
            palette=Palette.drawn(Draw(rng.stream("palette"))),
            clutter=rng.stream("clutter"),
        )

    def background(self, size: int) -> Canvas:
        """Return a new canvas with what stands still: a gradient and faint shapes."""
        colours = self.palette
        down = ((np.arange(size) + 0.5) / size).astype(np.float32)[:, None, None]
        pixels = colours.top + (colours.bottom - colours.top) * down
        canvas = Canvas(np.repeat(pixels, size, axis=1))
        pen, draw = Pen(canvas), Draw(self.clutter)
        for _ in range(3 + draw.below(4)):
            _faint_shape(pen, draw, colours)
        return canvas

    def pen(self, canvas: Canvas) -> Pen:
        """Return the pen with which the look is painted."""
        return Pen(canvas, self.x, self.y, self.scale, self.mirrored)


def _faint_shape(pen: Pen, draw: Draw, palette: Palette) -> None:
    colour = palette.second if draw.flip() else palette.accent
    x, y = draw.between(-1, 1), draw.between(-1, 1)
    rx, ry = draw.between(0.08, 0.3), draw.between(0.08, 0.3)
    angle, alpha = draw.between(0, 3), draw.between(0.05, 0.25)
    if draw.flip():
        pen.box(x, y, rx, ry, colour, angle=angle, alpha=alpha)
    else:
        pen.ellipse(x, y, rx, ry, colour, angle=angle, alpha=alpha)


def _colour(draw: Draw, luma: float, saturation: float) -> Colour:
    """Draw a hue, and return the colour of that hue with about the given luma."""
    hue, saturation = draw.between(0, 6), draw.between(0.2, saturation)
    offsets = np.array((0.0, 4.0, 2.0), np.float32)
    ramp = np.abs((offsets + np.float32(hue)) % 6 - 3) - 1
    pure = 1 - np.float32(saturation) * (1 - np.clip(ramp, 0, 1))
    colour: Colour = np.clip(pure + np.float32(luma) - pure @ _LUMA, 0, 1)
    return colour
