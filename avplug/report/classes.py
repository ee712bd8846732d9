"""The classes that lose most: accuracy of each, clean and corrupted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avplug.report.outcomes import ClassNames, Outcomes
from avplug.report.table import Column, Table, Value, plain

#: Classes that stand in the open; where there are more, all are in a table to unfold.
WORST = 12
#: Methods beside the first that have a column.
_OTHERS = 6


@dataclass(frozen=True, slots=True)
class ClassScore:
    """A class under the first method of a list, and what others make of it.

    Args:
        name: Of the class.
        clips: How many it has.
        clean: Percentage of them that is right when clean.
        top: The same at the highest severity, mean of the corruptions.
        mean: Mean of the severities of those means; NaN where no clip was answered.
        hardest: The corruption with the lowest mean over severities.
        others: ``mean`` of the other methods.
    """

    name: str
    clips: int
    clean: float
    top: float
    mean: float
    hardest: str
    others: tuple[float, ...]

    @property
    def change(self) -> float:
        """What corruption does to the class, in points."""
        return self.mean - self.clean


def class_scores(found: Sequence[Outcomes], names: ClassNames) -> list[ClassScore]:
    """Return the classes that have clips, the one that loses most first.

    Args:
        found: Of one model, the method to sort by first.
        names: Of the classes.
    """
    first, *others = found
    count = int(first.labels.max()) + 1 if len(first.labels) else 0
    clips = np.bincount(first.labels, minlength=count)
    with np.errstate(invalid="ignore"):
        clean = 100 * np.bincount(first.labels, first.clean, count) / clips
    top = max(first.panel.severities)
    shares = _shares(first, count)
    by_corruption = [
        _mean(shares[first.at(condition, None)])
        for condition in first.panel.corruptions
    ]
    means = [_overall(other, _shares(other, count)) for other in others[:_OTHERS]]
    at_top, overall = _mean(shares[first.at(None, top)]), _overall(first, shares)
    rows = [
        ClassScore(
            names[int(c)],
            int(clips[c]),
            float(clean[c]),
            float(at_top[c]),
            float(overall[c]),
            _hardest(first, [float(shares[c]) for shares in by_corruption]),
            tuple(float(mean[c]) for mean in means),
        )
        for c in np.flatnonzero(clips)
    ]
    return sorted(rows, key=lambda row: (np.isnan(row.change), row.change))


def class_table(found: Sequence[Outcomes], rows: Sequence[ClassScore]) -> Table:
    """Return classes with their accuracy; ``rows`` as of :func:`class_scores`."""
    first, *others = found
    panel = first.panel
    top = max(panel.severities)
    values: tuple[tuple[Value, ...], ...] = tuple(
        (
            row.name,
            row.clips,
            plain(row.clean),
            plain(row.top),
            plain(row.mean),
            plain(row.change, signed=True),
            row.hardest,
            *(plain(other) for other in row.others),
        )
        for row in rows
    )
    named = [other.method.adaptation for other in others[:_OTHERS]]
    return Table(
        "classes",
        f"{panel.dataset}: {panel.metric.noun} of {panel.name(first.method)} by class",
        (
            Column("class", "class", False),
            Column("clips", "clips"),
            Column("clean", "clean"),
            Column("top", f"s{top}"),
            Column("mean", "mean"),
            Column("change", "change"),
            Column("hardest", "hardest", False),
            *(Column(f"{name}_mean", f"{name}, mean") for name in named),
        ),
        values,
        f"s{top}: mean of the corruptions at that severity; mean: of the severities;"
        " change: mean less clean, in points; hardest: the corruption with the lowest"
        " mean. Without intervals: a class has few clips.",
    )


def _shares(found: Outcomes, count: int) -> NDArray[np.float64]:
    """Percentage of each class's clips that is right, by cell: float64 [K, C]."""
    rows = []
    for there, right in zip(found.there, found.right, strict=True):
        answered = np.bincount(found.labels[there], minlength=count)
        hits = np.bincount(found.labels[right], minlength=count)
        with np.errstate(invalid="ignore"):
            rows.append(100 * hits / answered)
    return np.array(rows).reshape(-1, count)


def _overall(found: Outcomes, shares: NDArray[np.float64]) -> NDArray[np.float64]:
    levels = [_mean(shares[found.at(None, s)]) for s in found.panel.severities]
    return _mean(np.array(levels))


def _mean(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Average what is there; NaN where nothing is."""
    known = ~np.isnan(shares)
    with np.errstate(invalid="ignore"):
        mean: NDArray[np.float64] = np.where(known, shares, 0).sum(0) / known.sum(0)
    return mean


def _hardest(found: Outcomes, shares: Sequence[float]) -> str:
    known = [
        (share, condition.label)
        for share, condition in zip(shares, found.panel.corruptions, strict=True)
        if not np.isnan(share)
    ]
    return min(known, key=lambda pair: pair[0])[1] if known else "–"
