"""The beats of a clip: what the picture shows happening and the sound lets one hear.

Every class draws its beats from the same distribution. So timing ties the two senses
together without telling either of them the class.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from math import exp

import numpy as np
from numpy.typing import NDArray

from avplug.builtin_datasets.events.draw import Draw
from avplug.core.randomness import KeyedRandom

#: Length of every clip in seconds.
DURATION = 3.0

#: Beats go on this long before and after the clip, so that motion has no ends in it.
_MARGIN = 1.0


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Beats, from before the clip's start to after its end.

    Args:
        times: When they happen, in seconds, increasing.
        strengths: How strong each is, 0.6 .. 1.
    """

    times: tuple[float, ...]
    strengths: tuple[float, ...]

    @classmethod
    def drawn(cls, rng: KeyedRandom) -> Rhythm:
        """Draw the beats of a clip: 3.5 to 1.3 a second, none quite regular."""
        draw = Draw(rng)
        period = draw.ratio(0.29, 0.75)
        now = -_MARGIN - period * draw.between(0, 1)
        times = [now]
        while now < DURATION + _MARGIN:
            now += period * draw.between(0.88, 1.12)
            times.append(now)
        return cls(tuple(times), tuple(draw.between(0.6, 1) for _ in times))

    def beat(self, time: float) -> int:
        """Return the index of the last beat at or before a time in the clip."""
        return bisect_right(self.times, time) - 1

    def interval(self, beat: int) -> float:
        """Return the seconds from a beat to the next."""
        return self.times[beat + 1] - self.times[beat]

    def progress(self, time: float) -> float:
        """Return how much of the way to the next beat has gone, 0 .. 1."""
        beat = self.beat(time)
        return (time - self.times[beat]) / self.interval(beat)

    def glow(self, time: float, fade: float) -> float:
        """Return 1 at a beat, falling by the factor e within ``fade`` seconds."""
        return exp((self.times[self.beat(time)] - time) / fade)

    def position(self, times: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the beat count at each time [N], fractional between beats."""
        return np.interp(times, self.times, np.arange(len(self.times)))
