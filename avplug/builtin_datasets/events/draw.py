"""Bounded random values that define a clip of ``events``."""

from __future__ import annotations

from math import exp, log

from avplug.core.randomness import KeyedRandom


class Draw:
    """Draws values from a keyed stream, one after the other.

    Only ``Generator.random`` is used: it is raw bits scaled to 0..1, so the clips stay
    the same whatever NumPy does to its other distributions.
    """

    def __init__(self, rng: KeyedRandom) -> None:
        self._generator = rng.generator()

    def between(self, low: float, high: float) -> float:
        """Return a value between two bounds, each as likely."""
        return low + (high - low) * float(self._generator.random())

    def ratio(self, low: float, high: float) -> float:
        """Return a value between two positive bounds, each octave as likely."""
        return low * exp(log(high / low) * float(self._generator.random()))

    def below(self, count: int) -> int:
        """Return one of 0 .. ``count`` - 1."""
        return min(int(count * float(self._generator.random())), count - 1)

    def flip(self) -> bool:
        """Return True or False, each as likely."""
        return float(self._generator.random()) < 0.5
