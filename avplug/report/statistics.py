"""Bootstrap confidence intervals that are paired across cells.

A resample of a data set's clips is a row of counts. One matrix of counts serves every
cell of the data set, so a ratio or a difference of two cells is resampled with the same
clips in both, and the clip-to-clip variance that they share cancels. Clips that were
cut from one recording are drawn together (the cluster bootstrap of Davison and Hinkley
1997, section 3.8): they are no independent witnesses. Intervals are percentile
intervals (Efron and Tibshirani 1993, chapter 13) of the draws.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from avplug.core.metric import Metric, Predictions
from avplug.core.randomness import KeyedRandom

LEVEL = 0.95
RESAMPLES = 1000

#: A number as computed, then in each resample: float64 [1 + R].
Draws: TypeAlias = NDArray[np.float64]

_CHUNK_BYTES = 32_000_000


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its confidence interval; NaN where undefined."""

    value: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval lies on one side of zero."""
        return self.low > 0 or self.high < 0


class Bootstrap:
    """Resamples of the clips of one data set.

    Equal clips, ``resamples`` and ``seed`` give equal draws, in any order of the clips
    and whatever else is drawn. Memory: one byte per resample and clip, and some 32 MB
    for the rows at work.

    Args:
        ids: Every clip of any cell; a cell that lacks some (they failed) is weighted
            by the counts of those that it has.
        resamples: How many, R; 0 gives draws without resamples.
        seed: Of the resampling.
        groups: The recording of each clip that shares one with others; a clip that is
            not named is a recording of its own.
    """

    def __init__(
        self,
        ids: Iterable[str],
        resamples: int = RESAMPLES,
        seed: int = 0,
        groups: Mapping[str, str] | None = None,
    ) -> None:
        clips = sorted(set(ids))
        self._column = {clip: i for i, clip in enumerate(clips)}
        self.resamples = resamples
        recording = cluster_numbers(clips, groups or {})
        units = int(recording.max(initial=-1)) + 1
        # Of more than 255 units none is ever drawn 256 times; of fewer none can be.
        self._counts = np.zeros((resamples, len(clips)), np.uint8)
        random = KeyedRandom((seed, "bootstrap"))
        for index in range(resamples if units else 0):
            words = random.stream(index).bytes(4 * units).view("<u4").astype(np.uint64)
            drawn = ((words * units) >> 32).astype(np.intp)
            self._counts[index] = np.bincount(drawn, minlength=units)[recording]

    def draws(self, metric: Metric, predictions: Predictions) -> Draws:
        """Return the metric of all clips, then of each resample, float64 [1 + R]."""
        columns = np.array([self._column[str(clip)] for clip in predictions.ids], int)
        plain = metric.compute(predictions, np.ones((1, len(columns))))
        step = max(1, _CHUNK_BYTES // (8 * max(1, len(columns))))
        parts = [
            metric.compute(
                predictions, self._counts[row : row + step, columns].astype(np.float64)
            )
            for row in range(0, self.resamples, step)
        ]
        return np.concatenate([plain, *parts])


def cluster_numbers(
    clips: Sequence[str], groups: Mapping[str, str]
) -> NDArray[np.intp]:
    """Return the number of each clip's recording, 0 for the first, intp [N].

    Args:
        clips: Ids.
        groups: The recording of each clip that shares one.
    """
    # A pair, so that a recording never meets a clip of the same name.
    names = [(1, groups[clip]) if clip in groups else (0, clip) for clip in clips]
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return np.array([numbers[name] for name in names], np.intp)


def estimate(draws: Draws, level: float = LEVEL) -> Estimate:
    """Return the first draw with the percentile interval of the others.

    Without resamples, or where the number is undefined, the interval is NaN. Resamples
    in which it is undefined are left out.
    """
    value, rest = float(draws[0]), draws[1:]
    rest = rest[~np.isnan(rest)]
    if np.isnan(value) or not len(rest):
        return Estimate(value, np.nan, np.nan)
    tail = (1 - level) / 2
    low, high = np.quantile(rest, [tail, 1 - tail])
    return Estimate(value, float(low), float(high))


def absolute_robustness(value: Draws, clean: Draws) -> Draws:
    """Return alpha = 1 - (A_clean - A) / 100, of percentages (AVRobustBench 2025)."""
    return 1 - (clean - value) / 100


def relative_robustness(value: Draws, clean: Draws) -> Draws:
    """Return rho = A / A_clean, NaN where A_clean is 0 (AVRobustBench 2025)."""
    ratio = np.full_like(value, np.nan)
    np.divide(value, clean, out=ratio, where=clean != 0)
    return ratio
