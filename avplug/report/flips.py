"""Clips that a corruption turns: from right to wrong, and from wrong to right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from avplug.report.outcomes import ClassNames, Outcomes
from avplug.report.panel import Condition, ScoredCell
from avplug.report.table import Column, Table, Value, plain

#: Clips that are named, those that flip most often.
NAMED = 50


def flips_table(found: Sequence[Outcomes]) -> Table:
    """Return how many clips each method loses and gains, in the mean of the cells."""
    rows: list[tuple[Value, ...]] = [
        (
            one.panel.name(one.method),
            len(one.ids),
            int(one.clean.sum()),
            *_counts(one, None),
        )
        for one in found
    ]
    return Table(
        "flips",
        f"Clips that flipped on {found[0].panel.dataset}",
        (
            Column("method", "method", False),
            Column("clips", "clips"),
            Column("right", "right when clean"),
            *_count_columns(found[0]),
        ),
        tuple(rows),
        "lost: right when clean, wrong when corrupted; gained: the other way round."
        " Clips in a cell, mean of the corruptions at the highest severity, and of all"
        f" cells, against the same method's clean cell.{_seed(found[0])}",
    )


def flips_by_corruption(found: Sequence[Outcomes]) -> Table:
    """Return the same for each corruption."""
    rows: list[tuple[Value, ...]] = [
        (one.panel.name(one.method), condition.label, *_counts(one, condition))
        for one in found
        for condition in one.panel.corruptions
    ]
    return Table(
        "flips_by_corruption",
        "Clips that flipped, by corruption",
        (
            Column("method", "method", False),
            Column("corruption", "corruption", False),
            *_count_columns(found[0]),
        ),
        tuple(rows),
        group=1,
    )


def flipped_clips(one: Outcomes, names: ClassNames, gained: bool = False) -> Table:
    """Return the clips that flip most often, at most :data:`NAMED`.

    Args:
        one: Of a method.
        names: Of the classes.
        gained: Those that become right instead of wrong.
    """
    flipped = one.gained if gained else one.lost
    rows: list[tuple[Value, ...]] = []
    for clip in most_often(flipped)[:NAMED]:
        cells = [one.cells[k] for k in np.flatnonzero(flipped[:, clip])]
        said = Counter(one.said[flipped[:, clip], clip].tolist())
        row = (str(one.ids[clip]), names[int(one.labels[clip])])
        instead = () if gained else (names[said.most_common(1)[0][0]],)
        seen = f"{len(cells)} of {int(one.there[:, clip].sum())}"
        rows.append((*row, len(cells), seen, *instead, condition_of(mildest(cells))))
    what = "gained" if gained else "lost"
    total = int(flipped.any(0).sum())
    note = f"The {NAMED} that flip most often, of {total}." if total > NAMED else ""
    instead_column = () if gained else (Column("instead", "mostly taken for", False),)
    return Table(
        f"clips_{what}",
        f"Clips that {one.panel.name(one.method)} {what}",
        (
            Column("clip", "clip", False),
            Column("class", "class", False),
            Column(what, f"cells {what}"),
            Column("cells", "of cells", False),
            *instead_column,
            Column("mildest", "first at", False),
        ),
        tuple(rows),
        note,
    )


def most_often(flipped: NDArray[np.bool_]) -> list[int]:
    """Return the clips that flip in a cell at all, those of the most cells first."""
    counts = flipped.sum(0)
    order = np.argsort(-counts, kind="stable")
    return [int(clip) for clip in order[: int((counts > 0).sum())]]


def mildest(cells: Sequence[ScoredCell]) -> ScoredCell:
    """Return the cell of the lowest severity, the first of the plan among equals."""
    return min(cells, key=lambda cell: cell.severity)


def condition_of(cell: ScoredCell) -> str:
    """Return a corrupted cell's condition, such as ``rain s3``."""
    assert cell.corruption is not None
    return f"{cell.corruption.label} s{cell.severity}"


def _counts(one: Outcomes, condition: Condition | None) -> list[Value]:
    top = max(one.panel.severities)
    return [
        plain(float(flipped[rows].sum(1).mean())) if rows else None
        for rows in (one.at(condition, top), one.at(condition, None))
        for flipped in (one.lost, one.gained)
    ]


def _count_columns(one: Outcomes) -> tuple[Column, ...]:
    top = max(one.panel.severities)
    return (
        Column("lost_top", f"lost at s{top}"),
        Column("gained_top", f"gained at s{top}"),
        Column("lost", "lost, mean"),
        Column("gained", "gained, mean"),
    )


def _seed(one: Outcomes) -> str:
    seeds = one.panel.seeds
    return f" Seed {seeds[0]} of {len(seeds)} seeds." if len(seeds) > 1 else ""
