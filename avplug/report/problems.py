"""What a run could not do: clips and cells that failed, cells left out."""

from __future__ import annotations

from collections import Counter

from avplug.report.labels import describe
from avplug.report.scores import Scores
from avplug.report.table import Column, Table, Value


def failed_clips(scores: Scores) -> Table | None:
    """Return clips that failed, with the reason and in how many cells; None if none."""
    counts: Counter[tuple[str, str, str]] = Counter(
        (str(stored.cell["dataset"]["name"]), failure["id"], failure["reason"])
        for stored in scores.cells
        for failure in stored.record.get("failures", [])
    )
    return _table(
        "failed_clips",
        "Clips that failed",
        ("data set", "clip", "reason"),
        [(*key, count) for key, count in counts.items()],
        "Not in any denominator. cells: how many cells lack the clip.",
    )


def failed_cells(scores: Scores) -> Table | None:
    """Return cells that raised, with what they said; None if none."""
    failed = scores.run.get("failed", {})
    rows: list[tuple[Value, ...]] = [
        (describe(row["cell"]), failed[row["id"]], 1)
        for row in scores.run.get("cells", [])
        if row["id"] in failed
    ]
    return _table("failed_cells", "Cells that failed", ("cell", "reason"), rows)


def skipped_cells(scores: Scores) -> Table | None:
    """Return what the plan left out, with the reason; None if nothing."""
    rows: list[tuple[Value, ...]] = [
        (
            str(skip["what"]) if "what" in skip else describe(skip["cell"]),
            str(skip["reason"]),
            int(skip.get("cells", 1)),
        )
        for skip in scores.run.get("skipped", [])
    ]
    return _table("skipped_cells", "Cells left out", ("cells", "reason"), rows)


def _table(
    name: str,
    title: str,
    heads: tuple[str, ...],
    rows: list[tuple[Value, ...]],
    note: str = "",
) -> Table | None:
    if not rows:
        return None
    columns = [Column(head.replace(" ", "_"), head, False) for head in heads]
    columns.append(Column("count", "cells"))
    return Table(name, title, tuple(columns), tuple(rows), note)
