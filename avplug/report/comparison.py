"""Two methods on the same clips: what differs, by how much, and how sure that is.

Answers are paired, see :mod:`avplug.report.pairing`, so that what is hard for both
cancels. ``second - first`` is positive where the second has the higher number.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from avplug.report.metrics import NamedMetric
from avplug.report.paired import (
    PairedTest,
    benjamini_hochberg,
    bootstrap_p,
    holm,
    paired_test,
    points_seen,
)
from avplug.report.pairing import Pair, Side, pair_up
from avplug.report.panel import Condition
from avplug.report.statistics import RESAMPLES, Estimate, estimate

CORRECTIONS: dict[str, Callable[[Sequence[float]], list[float]]] = {
    "holm": holm,
    "bh": benjamini_hochberg,
    "none": list,
}


@dataclass(frozen=True, slots=True)
class Difference:
    """What differs under one corruption, or over all.

    Args:
        name: Of the corruption; ``clean``, or ``all corruptions``.
        first: The metric of the first method in its unit, mean over cells.
        second: The same of the second.
        gain: ``second - first``, with its paired interval.
        p: Two-sided, of no difference.
        adjusted: The same, corrected for the number of corruptions; NaN for ``clean``
            and ``all corruptions``, which are one test each.
        test: McNemar's test or its like; None where the metric counts no clips.
        cells: Pairs of cells.
    """

    name: str
    first: Estimate
    second: Estimate
    gain: Estimate
    p: float
    adjusted: float
    test: PairedTest | None
    cells: int

    @property
    def sure(self) -> float:
        """The p that counts: adjusted where it is one of several tests."""
        return self.p if math.isnan(self.adjusted) else self.adjusted

    @property
    def visible(self) -> float:
        """Points that so many answers would show four times in five; NaN if unknown.

        Answers that share a recording, a severity or a seed are counted by what they
        are worth together, which the width of the interval tells.
        """
        if self.test is None:
            return math.nan
        width = (self.gain.high - self.gain.low) / 2 / 1.96 / 100
        share = self.gain.value / 100
        spread = self.test.discordance - share**2
        if not width > 0 or not spread > 0:
            return math.nan
        return points_seen(round(spread / width**2), self.test.discordance)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two methods beside each other under one metric.

    Args:
        first: Label of the first.
        second: Label of the second.
        metric: The metric.
        rows: Clean, each corruption, all corruptions: as far as both have them.
        correction: ``"holm"``, ``"bh"`` or ``"none"``.
        clips: That both have, of a cell.
        dropped: Clips of one that the other lacks, left out.
        unpaired: Cells of one that the other lacks, left out.
        clustered: Whether clips share recordings.
    """

    first: str
    second: str
    metric: NamedMetric
    rows: tuple[Difference, ...]
    correction: str
    clips: int
    dropped: int
    unpaired: int
    clustered: bool


def compare(
    first: Side,
    second: Side,
    metric: NamedMetric,
    *,
    resamples: int = RESAMPLES,
    intersect: bool = False,
    correction: str = "holm",
) -> Comparison:
    """Compare two methods on the cells and clips that both have.

    Args:
        first: The reference.
        second: What is compared with it.
        metric: One that suits the data.
        resamples: Of the paired bootstrap.
        intersect: Leave out clips that one of the two lacks.
        correction: Over the corruptions, a name in :data:`CORRECTIONS`.

    Raises:
        UsageError: They have no cell in common, are of other data sets, or lack clips
            of each other and ``intersect`` is off.
    """
    both = pair_up(first, second, metric, resamples, intersect=intersect)
    return Comparison(
        first.label,
        second.label,
        metric,
        tuple(_rows(both.pairs, CORRECTIONS[correction])),
        correction,
        both.clips,
        both.dropped,
        both.unpaired,
        both.clustered,
    )


def _rows(
    pairs: Sequence[Pair], correct: Callable[[Sequence[float]], list[float]]
) -> list[Difference]:
    clean = [pair for pair in pairs if pair.condition is None]
    spoilt = [pair for pair in pairs if pair.condition is not None]
    rows = [_difference("clean", clean)] if clean else []
    named: dict[Condition, list[Pair]] = {}
    for pair in spoilt:
        if pair.condition is not None:
            named.setdefault(pair.condition, []).append(pair)
    found = [_difference(c.label, members) for c, members in named.items()]
    adjusted = correct([row.p for row in found])
    rows += [replace(row, adjusted=p) for row, p in zip(found, adjusted, strict=True)]
    if len(named) > 1:
        # Corruptions weigh alike, however many cells each has.
        rows.append(_difference("all corruptions", *named.values()))
    return rows


def _difference(name: str, *groups: list[Pair]) -> Difference:
    """Average groups of cells with equal weights, and test all their answers."""
    first, second = (
        np.mean(
            [np.mean([getattr(pair, side) for pair in g], axis=0) for g in groups],
            axis=0,
        )
        for side in ("first", "second")
    )
    members = [pair for group in groups for pair in group]
    counted = [pair for pair in members if pair.right is not None]
    test = None
    if len(counted) == len(members):
        one, two = (
            np.concatenate([pair.right[side] for pair in counted if pair.right])
            for side in (0, 1)
        )
        test = paired_test(two, one, np.concatenate([pair.units for pair in members]))
    gain = second - first
    p = bootstrap_p(gain) if test is None else test.p
    return Difference(
        name,
        estimate(first),
        estimate(second),
        estimate(gain),
        p,
        math.nan,
        test,
        len(members),
    )
