"""Two methods on the same clips: what differs, by how much, and how sure that is.

Answers are paired by data set, corruption, severity, seed and clip, so that what is
hard for both cancels. ``second - first`` is positive where the second has the higher
number.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from avplug.bench.store import StoredCell
from avplug.core.errors import UsageError
from avplug.core.metric import Embeddings, Predictions
from avplug.report import keys
from avplug.report.labels import canonical
from avplug.report.metrics import NamedMetric
from avplug.report.paired import (
    PairedTest,
    benjamini_hochberg,
    bootstrap_p,
    holm,
    paired_test,
    points_seen,
)
from avplug.report.panel import Condition
from avplug.report.statistics import (
    RESAMPLES,
    Bootstrap,
    Draws,
    Estimate,
    cluster_numbers,
    estimate,
)

CORRECTIONS: dict[str, Callable[[Sequence[float]], list[float]]] = {
    "holm": holm,
    "bh": benjamini_hochberg,
    "none": list,
}


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two methods.

    Args:
        label: As users know it.
        cells: Of one method on one data set, of streams their segments.
        groups: The recording of each clip that shares one.
    """

    label: str
    cells: Sequence[StoredCell]
    groups: Mapping[str, str] = field(default_factory=dict)


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


@dataclass(slots=True)
class _Pair:
    condition: Condition | None
    first: Draws
    second: Draws
    right: tuple[NDArray[np.bool_], NDArray[np.bool_]] | None
    units: NDArray[np.intp]


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
    _check_datasets(first, second)
    cells = {_key(cell): cell for cell in second.cells}
    both = [(cell, cells[_key(cell)]) for cell in first.cells if _key(cell) in cells]
    if not both:
        raise UsageError(
            f"{first.label} and {second.label} have no finished cell in common.",
            "Cells are paired by corruption with its profile, severity and seed.",
        )
    # Two stores may well have a cell of the same id.
    ids = [set(cell.predictions().ids.tolist()) for pair in both for cell in pair]
    common = set.intersection(*ids)
    dropped = len(set.union(*ids) - common)
    if dropped and not intersect:
        raise UsageError(
            f"{first.label} and {second.label} were not shown the same clips: {dropped}"
            f" are in one of them only, {len(common)} in both.",
            "Compare what both have with --intersect.",
        )
    if not common:
        raise UsageError(f"{first.label} and {second.label} have no clip in common.")
    groups = {**first.groups, **second.groups}
    clips = sorted(common)
    units = cluster_numbers(clips, groups)
    bootstrap = Bootstrap(clips, resamples, groups=groups)
    conditions = keys.conditions([cell for cell, _ in both])
    pairs = [
        _pair(conditions[one.id], one, two, clips, units, bootstrap, metric)
        for one, two in both
    ]
    rows = _rows(pairs, CORRECTIONS[correction])
    left = len(first.cells) + len(second.cells) - 2 * len(both)
    clustered = len(set(units.tolist())) < len(clips)
    return Comparison(
        first.label,
        second.label,
        metric,
        tuple(rows),
        correction,
        len(clips),
        dropped,
        left,
        clustered,
    )


def _check_datasets(first: Side, second: Side) -> None:
    names = [{str(c.cell["dataset"]["name"]) for c in s.cells} for s in (first, second)]
    if names[0] != names[1]:
        shown = [", ".join(sorted(n)) or "nothing" for n in names]
        raise UsageError(
            f"{first.label} was shown {shown[0]}, {second.label} {shown[1]}: they"
            " cannot be compared.",
        )


def _key(cell: StoredCell) -> str:
    """What must be equal in both: everything that the clips looked and sounded like."""
    identity = cell.cell
    about = [identity[k] for k in ("corruption", "severity", "seed")]
    return canonical([*about, identity.get("at"), identity.get("attack")])


def _pair(
    condition: Condition | None,
    one: StoredCell,
    two: StoredCell,
    clips: list[str],
    units: NDArray[np.intp],
    bootstrap: Bootstrap,
    metric: NamedMetric,
) -> _Pair:
    first, second = (_rows_of(cell.predictions(), clips) for cell in (one, two))
    if not np.array_equal(first.targets, second.targets):
        raise UsageError(
            "The two runs give some clips other labels: they cannot be compared."
        )
    hits = metric.metric.right(first), metric.metric.right(second)
    right = None if hits[0] is None or hits[1] is None else (hits[0], hits[1])
    draws = [bootstrap.draws(metric.metric, side) for side in (first, second)]
    return _Pair(condition, draws[0], draws[1], right, units)


def _rows_of(predictions: Predictions, clips: list[str]) -> Predictions:
    """Return the predictions of some clips, in their order."""
    place = {clip: i for i, clip in enumerate(predictions.ids.tolist())}
    rows = [place[clip] for clip in clips]
    embeddings, batches = predictions.embeddings, predictions.batches
    return replace(
        predictions,
        ids=predictions.ids[rows],
        logits=predictions.logits[rows],
        targets=predictions.targets[rows],
        batches=None if batches is None else batches[rows],
        embeddings=embeddings
        and Embeddings(embeddings.audio[rows], embeddings.video[rows]),
    )


def _rows(
    pairs: list[_Pair], correct: Callable[[Sequence[float]], list[float]]
) -> list[Difference]:
    clean = [pair for pair in pairs if pair.condition is None]
    spoilt = [pair for pair in pairs if pair.condition is not None]
    rows = [_difference("clean", clean)] if clean else []
    named: dict[Condition, list[_Pair]] = {}
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


def _difference(name: str, *groups: list[_Pair]) -> Difference:
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
