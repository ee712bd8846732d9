"""What adaptation costs, what it forgets and where it looks, as noted in records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from avplug.report.panel import Method, Panel, ScoredCell
from avplug.report.table import Column, Table, Value, plain


def cost(panel: Panel) -> Table | None:
    """Return work, time and memory of each method; None where none was noted."""
    if not adapting(panel):
        return None
    per_clip = {method: _milliseconds(panel, method) for method in panel.methods}
    if np.isnan(list(per_clip.values())).all():
        return None
    rows: list[tuple[Value, ...]] = []
    for method in panel.methods:
        records = _records(panel, method)
        source = panel.source_of(method)
        reference = per_clip.get(source, np.nan) if source else np.nan
        batches = _total(records, "batches")
        selected = _total(records, "selected") / _shown(panel, method)
        memory = [r["memory"]["bytes"] for r in records if r.get("memory")]
        rows.append(
            (
                panel.name(method),
                *(
                    plain(_total(records, key) / batches, 2)
                    for key in ("forwards", "backwards", "updates")
                ),
                plain(100 * selected),
                plain(per_clip[method], 2),
                plain(per_clip[method] / reference, 2),
                plain(max(memory, default=np.nan) / 2**20),
            )
        )
    return Table(
        "cost",
        "What adaptation costs",
        (
            Column("method", "method", False),
            Column("forwards", "forwards"),
            Column("backwards", "backwards"),
            Column("updates", "updates"),
            Column("selected", "selected %"),
            Column("milliseconds", "ms per clip"),
            Column("ratio", "ratio to source"),
            Column("memory", "peak MiB"),
        ),
        tuple(rows),
        "forwards, backwards, updates: per batch. ms: in the method, per clip shown,"
        " without loading and corrupting. peak: most that torch allocated on the"
        " accelerator; on a CPU by how much a cell raised the process's peak resident"
        " set, which says little after the first cells.",
    )


def forgetting(panel: Panel) -> Table | None:
    """Return the accuracy on clean clips with the weights that a stream left."""

    def row(cells: list[ScoredCell]) -> list[Value]:
        noted = [cell.stored.record["forgetting"] for cell in cells]
        lost = [facts["before"] - facts["after"] for facts in noted]
        worst = int(np.nanargmax(lost))
        condition = cells[worst].corruption
        return [
            noted[0]["clips"],
            plain(_mean([facts["before"] for facts in noted])),
            plain(_mean([facts["after"] for facts in noted])),
            plain(_mean(lost), signed=True),
            plain(lost[worst], signed=True),
            condition.label if condition else "clean",
        ]

    rows: list[tuple[Value, ...]] = []
    for method in panel.methods:
        cells = [c for c in _firsts(panel, method) if "forgetting" in c.stored.record]
        if cells:
            rows.append((panel.name(method), *row(cells)))
    if not rows:
        return None
    return Table(
        "forgetting",
        "Forgetting: clean clips after adaptation",
        (
            Column("method", "method", False),
            Column("clips", "clean clips"),
            Column("before", "before %"),
            Column("after", "after %"),
            Column("lost", "lost"),
            Column("worst", "worst"),
            Column("where", "after", False),
        ),
        tuple(rows),
        "Top-1 accuracy with the weights at the end of each stream, frozen; mean over"
        " the streams. lost: points; worst: of one stream, named by its first"
        " corruption.",
    )


def attention(panel: Panel) -> Table | None:
    """Return the attention between the senses at the first and last look."""
    rows: list[tuple[Value, ...]] = []
    for method in panel.methods:
        records = _records(panel, method, corrupted=True)
        looks = [r["attention"]["at"] for r in records if r.get("attention")]
        if not looks:
            continue
        for when, index in (("first", 0), ("last", -1)):
            means = np.mean([look[index]["means"] for look in looks], axis=0)
            masses = np.mean([look[index]["masses"] for look in looks], axis=0)
            values = [plain(float(v)) for v in means.ravel()]
            shares = [plain(100 * float(masses[q, k])) for q, k in ((0, 1), (1, 0))]
            rows.append((panel.name(method), when, *values, *shares))
    if not rows:
        return None
    pairs = ("A→A", "A→V", "V→A", "V→V")
    return Table(
        "attention",
        "Attention between the senses in the joint block",
        (
            Column("method", "method", False),
            Column("look", "look", False),
            *(Column(f"mean_{i}", f"{pair} ×10⁻⁴") for i, pair in enumerate(pairs)),
            Column("mass_av", "A→V mass %"),
            Column("mass_va", "V→A mass %"),
        ),
        tuple(rows),
        "X→Y: query X, key Y; A sound, V picture. Mean weight of a block times 10 000,"
        " over heads and clips of a batch; mass: share of a query's attention that goes"
        " to all keys of Y. Mean over the streams of corrupted clips.",
        group=1,
    )


def adapting(panel: Panel) -> bool:
    """Whether any method is more than the source model."""
    return any(not method.source for method in panel.methods)


def _firsts(panel: Panel, method: Method) -> Iterator[ScoredCell]:
    """The first segment of each cell: what was noted once, counted once."""
    for cell in panel.cells:
        if cell.method == method and not cell.stored.segment:
            yield cell


def _records(
    panel: Panel, method: Method, corrupted: bool = False
) -> list[dict[str, Any]]:
    return [
        cell.stored.record
        for cell in _firsts(panel, method)
        if cell.corruption or not corrupted
    ]


def _total(records: Sequence[dict[str, Any]], key: str) -> float:
    found = [r.get("diagnostics", {}).get(key) for r in records]
    known = [float(value) for value in found if value is not None]
    return sum(known) if known else np.nan


def _shown(panel: Panel, method: Method) -> float:
    """How many clips a method adapted to, in all its cells."""
    cells = [cell for cell in panel.cells if cell.method == method]
    shown = [c.stored.record.get("adapted", np.nan) for c in cells]
    return float(sum(shown))


def _milliseconds(panel: Panel, method: Method) -> float:
    cells = [c.stored.record for c in panel.cells if c.method == method]
    known = [r for r in cells if r.get("adapted") and "adapter" in r["seconds"]]
    if not known:
        return np.nan
    seconds = sum(r["seconds"]["adapter"] for r in known)
    return float(1000 * seconds / sum(r["adapted"] for r in known))


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if len(values) else np.nan
