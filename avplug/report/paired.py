"""Tests of two methods on the same clips, and how many clips would tell them apart.

Which clips one method has right says much about which the other has, so everything here
is paired. Clips of one recording, and one clip under several severities and seeds, are
no independent witnesses either: their differences are added up before they are tested.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avplug.report.statistics import LEVEL, Draws


@dataclass(frozen=True, slots=True)
class PairedTest:
    """How two methods differ in what they have right.

    Args:
        answers: Pairs of answers, N.
        units: Independent units, such as recordings, that the pairs belong to.
        gained: Pairs that only the first has right, b.
        lost: Pairs that only the second has right, c.
        p: Two-sided, of no difference; 1 where no answer differs.
        exact: Whether it is McNemar's exact test.
    """

    answers: int
    units: int
    gained: int
    lost: int
    p: float
    exact: bool

    @property
    def difference(self) -> float:
        """Accuracy of the first less that of the second, in points."""
        return 100 * (self.gained - self.lost) / self.answers if self.answers else 0.0

    @property
    def discordance(self) -> float:
        """Share of the pairs of which one is right, 0..1."""
        return (self.gained + self.lost) / self.answers if self.answers else 0.0

    @property
    def odds_ratio(self) -> float:
        """The effect size b / c; infinite where only the first gains, NaN at 0 / 0."""
        if self.lost:
            return self.gained / self.lost
        return math.inf if self.gained else math.nan


def paired_test(
    first: NDArray[np.bool_], second: NDArray[np.bool_], units: NDArray[np.intp]
) -> PairedTest:
    """Test whether two methods are right equally often.

    Where every pair is a unit of its own this is McNemar's exact test (1947): of b + c
    pairs with one right answer, b is binomial with 1/2. Else the differences d of the
    units' sums are compared with their size, (sum d)^2 / sum d^2, which is chi-square
    with one degree of freedom (Yang, Sun and Hardin 2010); at one pair a unit that is
    McNemar's statistic.

    Args:
        first: Whether the first method was right, [N].
        second: The same of the second.
        units: Number of each pair's unit, [N].
    """
    from scipy.stats import binomtest, chi2

    difference = first.astype(np.int64) - second.astype(np.int64)
    gained, lost = int((difference > 0).sum()), int((difference < 0).sum())
    count = len(np.unique(units))
    exact = count == len(units)
    if exact:
        both = gained + lost
        p = float(binomtest(gained, both).pvalue) if both else 1.0
    else:
        _, numbers = np.unique(units, return_inverse=True)
        sums = np.bincount(numbers, difference, minlength=count)
        size = float((sums**2).sum())
        p = float(chi2.sf(sums.sum() ** 2 / size, 1)) if size else 1.0
    return PairedTest(len(first), count, gained, lost, p, exact)


def bootstrap_p(difference: Draws) -> float:
    """Return the two-sided p of no difference: the level whose interval just holds 0.

    Args:
        difference: Of a paired bootstrap, [1 + R]; its resolution is 1 / (R + 1). NaN
            without resamples, or where the difference is undefined.
    """
    rest = difference[1:]
    rest = rest[~np.isnan(rest)]
    if np.isnan(difference[0]) or not len(rest):
        return math.nan
    # The number itself counts as a draw, so that p is never 0.
    below = (1 + (rest <= 0).sum()) / (1 + len(rest))
    above = (1 + (rest >= 0).sum()) / (1 + len(rest))
    return float(min(1.0, 2 * min(below, above)))


def holm(p: Sequence[float]) -> list[float]:
    """Return p adjusted for as many tests (Holm 1979); NaN stays and is no test."""
    values = np.asarray(p, np.float64)
    adjusted = np.full_like(values, np.nan)
    order = np.argsort(values)[: int((~np.isnan(values)).sum())]
    steps = values[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(1, np.maximum.accumulate(steps))
    return [float(value) for value in adjusted]


def benjamini_hochberg(p: Sequence[float]) -> list[float]:
    """Return p adjusted for the false discovery rate (Benjamini and Hochberg 1995)."""
    from scipy.stats import false_discovery_control

    values = np.asarray(p, np.float64)
    adjusted = np.full_like(values, np.nan)
    there = ~np.isnan(values)
    if there.any():
        adjusted[there] = false_discovery_control(values[there])
    return [float(value) for value in adjusted]


def clips_needed(
    points: float, discordance: float, power: float = 0.8, level: float = LEVEL
) -> float:
    """Return how many clips show a difference of accuracy with that power.

    For McNemar's test, after Connor (Biometrics 1987, equation 3), with psi =
    ``discordance`` and d the difference: n = (z_a sqrt(psi) + z_b sqrt(psi - d^2))^2 /
    d^2.

    Args:
        points: The difference in points of percent, not 0.
        discordance: Share of the clips that one of the two has right, 0..1. It cannot
            be less than the difference, which is taken then.
        power: Chance to see it.
        level: 1 - the chance to see one that is not there.
    """
    from scipy.stats import norm

    share = abs(points) / 100
    psi = max(discordance, share)
    a, b = norm.ppf(1 - (1 - level) / 2), norm.ppf(power)
    root = a * math.sqrt(psi) + b * math.sqrt(max(0.0, psi - share**2))
    return float((root / share) ** 2)


def points_seen(
    clips: int, discordance: float, power: float = 0.8, level: float = LEVEL
) -> float:
    """Return the smallest difference, in points, that so many clips show.

    The inverse of :func:`clips_needed`; NaN where not even a difference of all the
    discordant clips would be seen.
    """
    from scipy.optimize import brentq

    if not clips or not discordance:
        return math.nan
    largest = 100 * discordance

    def lacking(points: float) -> float:
        return clips_needed(points, discordance, power, level) - clips

    if lacking(largest) > 0:
        return math.nan
    return float(brentq(lacking, 1e-6 * largest, largest))
