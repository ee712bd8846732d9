"""The cells and clips that two methods both have, beside each other.

Answers are paired by data set, corruption, severity, seed and clip.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from avplug.bench.store import StoredCell
from avplug.core.errors import UsageError
from avplug.core.metric import Embeddings, Predictions
from avplug.report import keys
from avplug.report.labels import canonical
from avplug.report.metrics import NamedMetric
from avplug.report.panel import Condition
from avplug.report.statistics import Bootstrap, Draws, cluster_numbers


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


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """A cell of the one method and the same of the other, on the clips of both.

    Args:
        condition: What both were shown under; None if clean.
        first: The metric of the first, for every draw of the bootstrap.
        second: The same of the second, for the same draws.
        right: Which answers of either are right, [N]; None if the metric counts none.
        units: Number of the recording that each clip is of, [N].
    """

    condition: Condition | None
    first: Draws
    second: Draws
    right: tuple[NDArray[np.bool_], NDArray[np.bool_]] | None
    units: NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """What two methods have in common.

    Args:
        pairs: Of cells, in the order of the first.
        clips: That both have, of a cell.
        dropped: Clips of one that the other lacks, left out.
        unpaired: Cells of one that the other lacks, left out.
        clustered: Whether clips share recordings.
    """

    pairs: tuple[Pair, ...]
    clips: int
    dropped: int
    unpaired: int
    clustered: bool


def pair_up(
    first: Side,
    second: Side,
    metric: NamedMetric,
    resamples: int,
    *,
    intersect: bool = False,
) -> Pairs:
    """Find what two methods have in common, and draw the metric of both alike.

    Args:
        first: See :func:`avplug.report.comparison.compare`.
        second: See there.
        metric: See there.
        resamples: See there.
        intersect: See there.

    Raises:
        UsageError: They have nothing in common; see there.
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
    pairs = tuple(
        _pair(conditions[one.id], one, two, clips, units, bootstrap, metric)
        for one, two in both
    )
    left = len(first.cells) + len(second.cells) - 2 * len(both)
    clustered = len(set(units.tolist())) < len(clips)
    return Pairs(pairs, len(clips), dropped, left, clustered)


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
) -> Pair:
    first, second = (_rows_of(cell.predictions(), clips) for cell in (one, two))
    if not np.array_equal(first.targets, second.targets):
        raise UsageError(
            "The two runs give some clips other labels: they cannot be compared."
        )
    hits = metric.metric.right(first), metric.metric.right(second)
    right = None if hits[0] is None or hits[1] is None else (hits[0], hits[1])
    draws = [bootstrap.draws(metric.metric, side) for side in (first, second)]
    return Pair(condition, draws[0], draws[1], right, units)


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
