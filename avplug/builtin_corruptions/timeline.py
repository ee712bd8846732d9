"""What picture and sound share over time: smooth random functions of the moment.

A function is a sum of cosines whose frequencies, phases and amplitudes are drawn once
for a clip. It can be asked for any moment, in any order, so that sampled frames, all
frames and the sound follow the same gust.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import isqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from avplug.builtin_corruptions.draws import uniforms
from avplug.core.randomness import KeyedRandom

#: Moments a second at which an envelope of sound is computed, or a little more often;
#: linear in between.
CONTROL_RATE = 50
#: Corners of an envelope are multiples of 1/4096 and places between them of 1/512. What
#: lies between is then exact in single precision: below 8 it takes 24 bits, and every
#: machine finds the same, whatever it multiplies matrices with.
_CORNER_STEPS, _PLACE_STEPS = 4096, 512


@dataclass(frozen=True, slots=True, eq=False)
class Drift:
    """A smooth random function of time: zero mean, unit variance, nearly Gaussian.

    Args:
        frequencies: float64 [K], Hz.
        phases: float64 [K], radians.
        amplitudes: float64 [K]; half the sum of their squares is 1.
    """

    frequencies: NDArray[np.float64]
    phases: NDArray[np.float64]
    amplitudes: NDArray[np.float64]

    @classmethod
    def drawn(
        cls, rng: KeyedRandom, tau: float = 1.0, fastest: float = 2.0, count: int = 24
    ) -> Drift:
        """Draw a function whose spectrum is an Ornstein-Uhlenbeck process's.

        Args:
            rng: What it is for.
            tau: Seconds over which it forgets.
            fastest: Highest frequency in Hz; nothing jumps.
            count: Cosines, K.
        """
        draw = uniforms(rng, 2 * count).reshape(2, count)
        # One frequency in each of K equal parts of the spectrum's logarithm.
        slowest = 0.02 / tau
        position = (np.arange(count) + draw[0]) / count
        frequencies = slowest * (fastest / slowest) ** position
        # Power per logarithmic step: f times the Lorentzian of the process.
        weights = frequencies / (1 + (2 * np.pi * tau * frequencies) ** 2)
        amplitudes = np.sqrt(2 * weights / weights.sum())
        return cls(frequencies, 2 * np.pi * draw[1], amplitudes)

    def at(self, seconds: ArrayLike) -> NDArray[np.float64]:
        """Return the value at each moment, of the shape of ``seconds``."""
        moments = np.asarray(seconds, np.float64)[..., None]
        angles = 2 * np.pi * self.frequencies * moments + self.phases
        value: NDArray[np.float64] = (np.cos(angles) * self.amplitudes).sum(-1)
        return value

    def at_steps(self, count: int, step: float) -> NDArray[np.float64]:
        """Return the values at 0, step, 2 step, ..., float64 [count].

        A turn by a sum of angles is a product of turns: of count angles, twice the
        square root of count are enough, and each is the one before turned once more.
        """
        block = isqrt(max(count - 1, 0)) + 1
        pace = 2 * np.pi * step * self.frequencies
        turns = np.empty((2, block, len(pace)), np.complex128)
        turns[0] = np.exp(1j * block * pace)
        turns[0, 0] = self.amplitudes * np.exp(1j * self.phases)
        turns[1] = np.exp(-1j * pace)
        turns[1, 0] = 1
        coarse, fine = np.multiply.accumulate(turns, axis=1).view(np.float64)
        # The real part of a times the conjugate of b: both their parts' products.
        value: NDArray[np.float64] = (coarse @ fine.T).ravel()
        return value[:count]


@dataclass(frozen=True, slots=True, eq=False)
class Envelope:
    """A positive random function of time with mean 1: a gust, the rain's rate.

    ``exp(depth z(t) - depth^2 / 2)`` of a drift z; depth 0 is constant.
    """

    drift: Drift
    depth: float

    @classmethod
    def drawn(cls, rng: KeyedRandom, depth: float, tau: float = 1.0) -> Envelope:
        """Draw an envelope; ``depth`` is near its coefficient of variation."""
        return cls(Drift.drawn(rng, tau), depth)

    def at(self, seconds: ArrayLike) -> NDArray[np.float64]:
        """Return the value at each moment, of the shape of ``seconds``."""
        value: NDArray[np.float64] = np.exp(
            self.depth * self.drift.at(seconds) - self.depth**2 / 2
        )
        return value

    def sampled(self, count: int, rate: int, sign: float = 1.0) -> NDArray[np.float32]:
        """Return the envelope of a sound, float32 [count] at ``rate`` Hz from 0 s.

        It is a new array. ``sign`` is 1, or -1 to have it turned over.
        """
        # Corners a whole number of samples apart: lines between them without a search.
        step = max(1, rate // CONTROL_RATE)
        drift = self.drift.at_steps(count // step + 2, step / rate)
        curve = sign * np.exp(self.depth * drift - self.depth**2 / 2)
        corners = (np.rint(curve * _CORNER_STEPS) / _CORNER_STEPS).astype(np.float32)
        # corner + along * rise, as one product of matrices: a third of the time.
        ends = np.empty((len(corners) - 1, 2), np.float32)
        ends[:, 0] = corners[:-1]
        np.subtract(corners[1:], corners[:-1], out=ends[:, 1])
        lines = ends @ _between_corners(step)
        sampled: NDArray[np.float32] = lines.ravel()[:count]
        return sampled


@lru_cache(maxsize=16)
def _between_corners(step: int) -> NDArray[np.float32]:
    """Return 1 and how far along each sample is, float32 [2, step], read-only."""
    along = np.ones((2, step), np.float32)
    along[1] = np.rint(np.arange(step) * (_PLACE_STEPS / step)) / _PLACE_STEPS
    along.flags.writeable = False
    return along


def pixel_scale(height: int, width: int) -> float:
    """Return what a length of 1 pixel at 224 is here: the short side over 224."""
    return min(height, width) / 224
