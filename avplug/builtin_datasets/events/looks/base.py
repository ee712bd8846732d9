"""What every look has in common."""

from __future__ import annotations

from abc import ABC, abstractmethod

from avplug.builtin_datasets.events.canvas import Pen
from avplug.builtin_datasets.events.draw import Draw
from avplug.builtin_datasets.events.rhythm import Rhythm
from avplug.builtin_datasets.events.stage import Palette


class Look(ABC):
    """A moving thing whose picture is a function of time.

    It knows neither the class nor the sound, so that classes that share a look cannot
    be told apart by eye.

    Args:
        draw: Gives the shape of this clip's thing; used up by the constructor.
        rhythm: The beats, at each of which it does what makes its sound.
        palette: Its colours.
    """

    def __init__(self, draw: Draw, rhythm: Rhythm, palette: Palette) -> None:
        self.rhythm = rhythm
        self.palette = palette

    @abstractmethod
    def paint(self, pen: Pen, time: float) -> None:
        """Paint the thing as it is at ``time`` seconds, within about -1 .. 1."""
