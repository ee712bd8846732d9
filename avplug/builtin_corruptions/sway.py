"""Directions that sway slowly about a base, yet are uniform at any moment."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from avplug.builtin_corruptions.draws import uniforms
from avplug.builtin_corruptions.timeline import Drift
from avplug.core.randomness import KeyedRandom


@dataclass(frozen=True, slots=True, eq=False)
class Sway:
    """An angle over time, in degrees, within limits about a middle.

    The drift is reflected at the limits: what is uniform to begin with then stays
    uniform at every moment, as the published draw for a frame is.

    Args:
        middle: Centre of the limits.
        width: From the middle to each limit.
        base: Where the clip's angle stays on average, from -width to width.
        drift: How it moves.
        spread: Standard deviation of the movement.
    """

    middle: float
    width: float
    base: float
    drift: Drift
    spread: float

    @classmethod
    def drawn(
        cls, rng: KeyedRandom, middle: float, width: float, spread: float
    ) -> Sway:
        """Draw a base angle, and a drift that forgets over one second."""
        base = width * (2 * float(uniforms(rng.stream("base"), 1)[0]) - 1)
        return cls(middle, width, base, Drift.drawn(rng.stream("drift")), spread)

    def at(self, seconds: ArrayLike) -> NDArray[np.float64]:
        """Return the angle at each moment, of the shape of ``seconds``."""
        free = self.base + self.spread * self.drift.at(seconds)
        # A triangle wave: up to the limit, and back.
        phase = np.mod(free + self.width, 4 * self.width)
        folded: NDArray[np.float64] = self.width - np.abs(phase - 2 * self.width)
        return self.middle + folded
