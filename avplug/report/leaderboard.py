"""Many runs in one ranking, and which of them may stand in it.

A run stands if its numbers mean what those beside it mean: every corruption of the
benchmark at every severity, with the paper's parameters, of both senses, on every clip,
with weights and machine on record. What does not is listed with the reasons.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avplug.bench.store import Store, StoredCell
from avplug.core.errors import AvplugError, UsageError
from avplug.core.registry import Registry
from avplug.report.document import document, html_table
from avplug.report.labels import canonical
from avplug.report.markup import Child, tag
from avplug.report.panel import Method, Panel, Point
from avplug.report.scores import Scores
from avplug.report.statistics import RESAMPLES, Estimate
from avplug.report.table import Column, Number, Table, Value
from avplug.report.write import read_scores

SEVERITIES = (1, 2, 3, 4, 5)
#: Who provides the corruptions of the benchmark.
BENCHMARK = "avplug"


@dataclass(frozen=True, slots=True)
class Entry:
    """A method of a run.

    Args:
        folder: Of the run, relative to the leaderboard's.
        board: Data set and metric, which it competes on.
        model: Label.
        adaptation: Label.
        clean: The metric on clean clips.
        mean: Its mean over corruptions and severities.
        rho: The mean of the relative robustness.
        alpha: The mean of the absolute robustness.
        higher_is_better: Of the metric.
        finished: Day of the last cell.
        faults: Why it does not stand; empty if it does.
    """

    folder: str
    board: str
    model: str
    adaptation: str
    clean: Estimate | None
    mean: Estimate | None
    rho: Estimate | None
    alpha: Estimate | None
    higher_is_better: bool
    finished: str
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Leaderboard:
    """Runs that stand and runs that don't; folders that cannot be read, and why."""

    entries: tuple[Entry, ...]
    unreadable: tuple[tuple[str, str], ...]

    def board(self, name: str) -> list[Entry]:
        """Return those that stand, the best first."""
        standing = [e for e in self.entries if e.board == name and not e.faults]
        return sorted(standing, key=_rank)

    @property
    def boards(self) -> list[str]:
        """Return the names of all boards."""
        return list(dict.fromkeys(entry.board for entry in self.entries))


def read_leaderboard(
    root: Path, registry: Registry, resamples: int = RESAMPLES
) -> Leaderboard:
    """Read every run below a folder; one that cannot be read takes no other along.

    Raises:
        UsageError: There is no run.
    """
    folders = sorted(path.parent for path in root.rglob("run.json"))
    if not folders:
        raise UsageError(
            f"There is no run below '{root}'.",
            "Give the folder in which the folders of runs are.",
        )
    entries: list[Entry] = []
    unreadable = []
    for folder in folders:
        name = os.fspath(folder.relative_to(root))
        try:
            scores = read_scores(folder, resamples=resamples, registry=registry)
            entries += _entries(name, scores, Store(folder), registry)
        except (AvplugError, ValueError, KeyError, OSError) as error:
            # Somebody else's folder; it may hold anything.
            unreadable.append((name, f"{type(error).__name__}: {error}"))
    return Leaderboard(tuple(entries), tuple(unreadable))


def _entries(
    name: str, scores: Scores, store: Store, registry: Registry
) -> Iterator[Entry]:
    planned = [row["cell"] for row in store.run["cells"]]
    wanted = benchmark_corruptions(registry)
    for panel in scores.panels:
        board = f"{panel.dataset} · {panel.metric.title}"
        for method in panel.methods:
            cells = [cell.stored for cell in panel.cells if cell.method == method]
            faults = [
                *_unfinished(scores),
                *_part_of_the_data(planned),
                *_lacking(panel, method, wanted),
                *_other_conditions(cells),
                *_unknown(cells),
            ]
            clean, mean = panel.at(method, None, 0), panel.overall(method)
            days = sorted(str(c.record.get("finished", ""))[:10] for c in cells)
            yield Entry(
                name,
                board,
                method.model,
                method.adaptation,
                _estimate(clean),
                _estimate(mean),
                mean.estimate("rho") if mean else None,
                mean.estimate("alpha") if mean else None,
                panel.metric.metric.higher_is_better,
                days[-1] if days else "",
                tuple(faults),
            )


def benchmark_corruptions(registry: Registry) -> tuple[str, ...]:
    """Return the names of the corruptions that a submission must have."""
    return tuple(
        entry.spec.name
        for entry in registry.entries("corruption")
        if entry.provider == BENCHMARK
    )


def _unfinished(scores: Scores) -> Iterator[str]:
    if scores.finished < scores.planned:
        yield f"{scores.finished} of {scores.planned} planned cells are finished"


def _part_of_the_data(planned: Sequence[dict[str, Any]]) -> Iterator[str]:
    for data in {canonical(c["dataset"]): c["dataset"] for c in planned}.values():
        clips, of = data["clips"], data.get("of", data["clips"])
        if clips < of:
            yield f"only {clips} of {of} clips (--limit)"


def _lacking(panel: Panel, method: Method, wanted: Sequence[str]) -> Iterator[str]:
    there = {
        (str(cell.stored.cell["corruption"]["name"]), cell.severity)
        for cell in panel.cells
        if cell.method == method and cell.corruption
    }
    missing = [n for n in wanted if not any((n, s) in there for s in SEVERITIES)]
    if missing:
        yield f"no cells with {', '.join(missing)}"
    partly = [
        n
        for n in wanted
        if n not in missing and any((n, s) not in there for s in SEVERITIES)
    ]
    if partly:
        yield f"not every severity of {', '.join(partly)}"
    if panel.at(method, None, 0) is None:
        yield "no clean cell"


def _other_conditions(cells: Sequence[StoredCell]) -> Iterator[str]:
    corruptions = [c.cell["corruption"] for c in cells if c.cell["corruption"]]
    profiles = {str(c.get("profile", "paper")) for c in corruptions} - {"paper"}
    if profiles:
        yield f"profile {', '.join(sorted(profiles))} instead of paper"
    senses = {str(c.get("modalities", "av")) for c in corruptions} - {"av"}
    if senses:
        yield f"only {', '.join(sorted(senses))} corrupted"
    failed = max((int(c.record["clips"]["failed"]) for c in cells), default=0)
    if failed:
        yield f"up to {failed} clips failed in a cell"


def _unknown(cells: Sequence[StoredCell]) -> Iterator[str]:
    if any(not c.record.get("environment") for c in cells):
        yield "no record of versions and hardware"
    if any(not c.cell["model"].get("weights") for c in cells):
        yield "no hash of the weights"


def _estimate(point: Point | None) -> Estimate | None:
    return point.estimate() if point else None


def _rank(entry: Entry) -> float:
    if entry.mean is None:
        return float("inf")
    return -entry.mean.value if entry.higher_is_better else entry.mean.value


def board_table(board: Leaderboard, name: str) -> Table:
    """Return the ranking of one data set and metric."""
    rows: list[tuple[Value, ...]] = [
        (
            place,
            entry.model,
            entry.adaptation,
            Number(entry.mean) if entry.mean else None,
            Number(entry.clean) if entry.clean else None,
            Number(entry.rho, 3) if entry.rho else None,
            Number(entry.alpha, 3) if entry.alpha else None,
            entry.finished,
            entry.folder,
        )
        for place, entry in enumerate(board.board(name), 1)
    ]
    return Table(
        "leaderboard",
        name,
        (
            Column("place", "place"),
            Column("model", "model", False),
            Column("adaptation", "adaptation", False),
            Column("mean", "mean"),
            Column("clean", "clean"),
            Column("rho", "ρ"),
            Column("alpha", "α"),
            Column("finished", "finished", False),
            Column("run", "run", False),
        ),
        tuple(rows),
        "mean: of 15 corruptions and 5 severities. Intervals: 95 %, over clips; where"
        " they overlap, 'avplug compare' tells more than the place.",
    )


def refused_table(board: Leaderboard) -> Table | None:
    """Return what does not stand, and why; None if everything does."""
    rows: list[tuple[Value, ...]] = [
        (entry.folder, entry.board, entry.model, entry.adaptation, fault)
        for entry in board.entries
        for fault in entry.faults
    ]
    rows += [(name, "", "", "", f"unreadable. {why}") for name, why in board.unreadable]
    if not rows:
        return None
    columns = ("run", "board", "model", "adaptation", "reason")
    return Table(
        "refused",
        "Not ranked",
        tuple(Column(name, name, False) for name in columns),
        tuple(rows),
    )


def leaderboard_page(board: Leaderboard, title: str) -> str:
    """Return the leaderboard as one self-contained HTML document."""

    def main() -> Iterator[Child]:
        yield tag("h1", title)
        for name in board.boards:
            yield tag("h2", name)
            table = board_table(board, name)
            if table.rows:
                yield html_table(table, caption=False)
            else:
                yield tag("p", "No run stands yet.")
        refused = refused_table(board)
        if refused:
            yield tag("h2", refused.title)
            yield html_table(refused, caption=False)

    footer = tag("p", "Recomputed from the stored predictions of every run.")
    return document(title, "avplug leaderboard", main(), footer)
