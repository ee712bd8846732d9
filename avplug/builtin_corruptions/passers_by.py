"""People who walk through the picture: where each of them is at a moment."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil, floor, sqrt
from typing import NamedTuple

from avplug.builtin_corruptions.draws import uniforms
from avplug.builtin_corruptions.silhouettes import COUNT, TALL, WIDE, opaque
from avplug.core.randomness import KeyedRandom

#: Fastest walk, in ways across the picture a second (a way includes leaving it).
_FASTEST = 0.12


class Box(NamedTuple):
    """Where a person is: corner and size in pixels, and how dense the shadow is."""

    left: int
    top: int
    width: int
    height: int
    density: float = 1.0


@dataclass(frozen=True, slots=True)
class Person:
    """Someone with a size, a height in the picture, a start and a pace.

    Args:
        figure: Which silhouette.
        share: Of what the people hide together; all shares add up to 1.
        start: Where on the way, 0..1, at 0 s.
        pace: Ways a second; negative to the left.
        level: 0 at the upper edge, 1 at the lower one.
    """

    figure: int
    share: float
    start: float
    pace: float
    level: float

    def crossing(self, seconds: float, hidden: float, size: tuple[int, int]) -> Box:
        """Return where the person is who enters, crosses the picture and leaves.

        Args:
            seconds: The moment.
            hidden: Share of the picture that the people hide together, on average.
            size: Height and width of the picture.
        """
        frame_height, frame_width = size
        aspect = WIDE / TALL
        pixels = hidden * self.share * frame_height * frame_width
        pixels /= opaque(self.figure)
        # Part of the time somebody is only half there.
        pixels *= 1 + sqrt(pixels * aspect) / frame_width
        width, height = sqrt(pixels * aspect), sqrt(pixels / aspect)
        way = (self.start + self.pace * seconds) % 1.0
        return _box(
            way * (frame_width + width) - width,
            self.level * (frame_height - height),
            width,
            height,
        )

    def pacing(self, seconds: float, side: float, size: tuple[int, int]) -> Box:
        """Return where the person is who walks to and fro and never leaves.

        Args:
            seconds: The moment.
            side: Height and width of the person over those of the picture.
            size: Height and width of the picture.
        """
        frame_height, frame_width = size
        height = max(int(side * frame_height), 1)
        width = max(int(side * frame_width), 1)
        # There and back again is two ways; the start is one of all of these.
        turn = 2 * (self.start + self.pace / 2 * seconds) % 2.0
        return _box(
            min(turn, 2.0 - turn) * (frame_width - width),
            self.level * (frame_height - height),
            width,
            height,
        )


def drawn(rng: KeyedRandom, count: int) -> tuple[Person, ...]:
    """Draw people. The first two walk alike, far apart: one of them is always seen."""
    draws = uniforms(rng, 4 * (count + 1)).reshape(-1, 4)
    first, upper = float(draws[count, 0]), float(draws[count, 1])
    people = []
    for number, (look, weight, place, pace) in enumerate(draws[:count].tolist()):
        if number < 2:
            start, pace = first + number * (0.25 + place / 2), float(draws[0, 3])
        else:
            start = place
        people.append(
            Person(
                figure=int(look * COUNT),
                share=0.5 + weight,
                start=start,
                pace=_FASTEST * (2 * pace - 1),
                level=(upper + number / count) % 1.0,
            )
        )
    together = sum(person.share for person in people)
    return tuple(replace(one, share=one.share / together) for one in people)


def _box(left: float, top: float, width: float, height: float) -> Box:
    """Return a box of whole pixels; what rounding adds, the shadow lacks in density."""
    columns, rows = max(round(width), 1), max(round(height), 1)
    # In steps, so that there are few kinds of shadow.
    density = ceil(16 * min(width * height / (columns * rows), 1.0)) / 16
    return Box(floor(left + 0.5), floor(top + 0.5), columns, rows, density)
