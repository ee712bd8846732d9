"""The tables of a panel, which the terminal and the page render alike."""

from __future__ import annotations

from collections.abc import Iterable

from avplug.report.panel import Method, Panel, Point, Quantity, ScoredCell
from avplug.report.table import Column, Number, Table, Value

_SHARES = {
    True: " ρ = A / A_clean, α = 1 − (A_clean − A)/100, A_clean of the source model.",
    False: " It has no ρ and no α: they are shares of what more is better of.",
}


def main_table(panel: Panel) -> Table:
    """Return the metric, rho and alpha of each method, clean and by severity.

    Of a panel in which nothing is corrupted, the metric alone.
    """
    if not panel.severities:
        return _clean_table(panel)
    rows: list[tuple[Value, ...]] = []
    for method in panel.methods:
        points = [panel.over_corruptions(method, s) for s in (0, *panel.severities)]
        points.append(panel.overall(method))
        names = head(panel, method)
        digits = panel.metric.digits
        values = (_number(p, digits=digits) for p in points)
        rows.append((*names, panel.metric.head, *values))
        if panel.metric.keeps_share:
            rows += [
                (*names, "ρ relative", *(_number(p, "rho", 3) for p in points)),
                (*names, "α absolute", *(_number(p, "alpha", 3) for p in points)),
            ]
    better = panel.metric.better
    severities = [
        Column(f"severity_{s}", f"s{s}", better=better) for s in panel.severities
    ]
    return Table(
        "main",
        f"{panel.metric.title} and robustness on {panel.dataset}",
        (
            *head_columns(panel),
            Column("quantity", "", False),
            Column("clean", "clean", better=better),
            *severities,
            Column("mean", "mean", better=better),
        ),
        tuple(rows),
        f"s1 to s5: mean of {_count(len(panel.corruptions), 'corruption')} at that"
        f" severity; mean: of the severities shown.{_SHARES[panel.metric.keeps_share]}",
        group=len(head_columns(panel)),
        contest=("quantity",),
    )


def _clean_table(panel: Panel) -> Table:
    digits, better = panel.metric.digits, panel.metric.better
    rows: list[tuple[Value, ...]] = [
        (*head(panel, method), _number(panel.at(method, None, 0), digits=digits))
        for method in panel.methods
    ]
    return Table(
        "main",
        f"{panel.metric.title} on {panel.dataset}",
        (*head_columns(panel), Column("clean", "clean", better=better)),
        tuple(rows),
        "Nothing is corrupted in this run.",
    )


def corruption_table(panel: Panel, method: Method) -> Table:
    """Return the metric of one method by corruption and severity."""
    digits = panel.metric.digits
    rows = tuple(
        (
            condition.category,
            condition.label,
            *(
                _number(panel.at(method, condition, s), digits=digits)
                for s in panel.severities
            ),
            _number(panel.over_severities(method, condition), digits=digits),
        )
        for condition in panel.corruptions
    )
    return Table(
        "corruptions",
        f"{panel.name(method)}: {panel.metric.title} by corruption",
        (
            Column("category", "category", False),
            Column("corruption", "corruption", False),
            *(Column(f"severity_{s}", f"s{s}") for s in panel.severities),
            Column("mean", "mean"),
        ),
        rows,
        group=1,
    )


def tta_table(panel: Panel) -> Table | None:
    """Return what each adaptation gains over the source; None if there is none.

    Gains are differences in points, paired by clip, on clean clips, at the highest
    severity and over all.
    """
    rows: list[tuple[Value, ...]] = []
    top = max(panel.severities, default=0)
    for method in panel.methods:
        source = panel.source_of(method)
        if source is None or source == method or not top:
            continue
        better, both = wins(panel, method, source, top)
        rows.append(
            (
                *head(panel, method),
                *_gain(panel, panel.at(method, None, 0), panel.at(source, None, 0)),
                *_gain(
                    panel,
                    panel.over_corruptions(method, top),
                    panel.over_corruptions(source, top),
                ),
                *_gain(panel, panel.overall(method), panel.overall(source)),
                f"{better} of {both}",
            )
        )
    if not rows:
        return None
    keys = {"clean": "clean", "top": f"s{top}", "mean": "mean"}
    sign = panel.metric.better
    pairs = (
        (Column(k, title, better=sign), Column(f"{k}_gain", "gain", better=sign))
        for k, title in keys.items()
    )
    return Table(
        "tta",
        f"Test-time adaptation against the source model on {panel.dataset}",
        (
            *head_columns(panel),
            *(column for pair in pairs for column in pair),
            Column("better", f"better at s{top}"),
        ),
        tuple(rows),
        f"{panel.metric.title}; gain: points over the source model, paired by clip;"
        f" better: corruptions at severity {top} with a gain above 0.",
        group=len(head_columns(panel)) - 1,
    )


def wins(
    panel: Panel, method: Method, source: Method, severity: int
) -> tuple[int, int]:
    """Count corruptions where a method beats the source, and those that both have."""
    pairs = [
        (panel.at(method, condition, severity), panel.at(source, condition, severity))
        for condition in panel.corruptions
    ]
    both = [(mine, other) for mine, other in pairs if mine and other]
    return sum(mine.value[0] > other.value[0] for mine, other in both), len(both)


def cell_table(panel: Panel) -> Table:
    """Return every finished cell with its clips and seconds."""
    rows: tuple[tuple[Value, ...], ...] = tuple(
        (
            *_cell_head(panel, cell),
            _number(cell.point, digits=panel.metric.digits),
            _number(cell.point, "rho", 3),
            _number(cell.point, "alpha", 3),
            cell.clips,
            cell.failed,
            f"{cell.stored.record['seconds']['total']:.1f}",
        )
        for cell in panel.cells
    )
    return Table(
        "cells",
        f"Every cell on {panel.dataset}",
        (
            *_cell_columns(panel),
            Column("value", panel.metric.head),
            Column("rho", "ρ"),
            Column("alpha", "α"),
            Column("clips", "clips"),
            Column("failed", "failed"),
            Column("seconds", "seconds"),
        ),
        rows,
        "clips: evaluated, the denominator; failed: could not be read, in none.",
    )


def diagnostics_table(panel: Panel) -> Table | None:
    """Return what the adaptations counted in each cell; None if they count nothing.

    What was counted over a stream of several segments stands at its first. Series over
    the stream are left to the data files.
    """
    firsts = [cell for cell in panel.cells if not cell.stored.segment]
    counted = [(cell, _scalars(cell)) for cell in firsts]
    keys = list(dict.fromkeys(key for _, found in counted for key in found))
    if not keys:
        return None
    rows: tuple[tuple[Value, ...], ...] = tuple(
        (*_cell_head(panel, cell), *(found.get(key) for key in keys))
        for cell, found in counted
        if found
    )
    return Table(
        "diagnostics",
        f"What the adaptations counted on {panel.dataset}",
        (*_cell_columns(panel), *(Column(key, key.replace("_", " ")) for key in keys)),
        rows,
    )


def _scalars(cell: ScoredCell) -> dict[str, str]:
    return {
        key: f"{value:.4g}"
        for key, value in cell.stored.record.get("diagnostics", {}).items()
        if isinstance(value, int | float)
    }


def _cell_head(panel: Panel, cell: ScoredCell) -> tuple[str | int, ...]:
    corruption = cell.corruption.label if cell.corruption else "clean"
    return (*head(panel, cell.method), corruption, cell.severity, cell.seed)


def _cell_columns(panel: Panel) -> tuple[Column, ...]:
    return (
        *head_columns(panel),
        Column("corruption", "corruption", False),
        Column("severity", "severity"),
        Column("seed", "seed"),
    )


def head_columns(panel: Panel) -> tuple[Column, ...]:
    """Return the columns that name a method; a model that all share is left out."""
    adaptation = Column("adaptation", "adaptation", False)
    if len(panel.models) == 1:
        return (adaptation,)
    return (Column("model", "model", False), adaptation)


def head(panel: Panel, method: Method) -> tuple[str, ...]:
    """Return what these columns say of a method."""
    if len(panel.models) == 1:
        return (method.adaptation,)
    return (method.model, method.adaptation)


def _number(
    point: Point | None, quantity: Quantity = "value", digits: int = 1
) -> Number | None:
    return Number(point.estimate(quantity), digits) if point else None


def _gain(panel: Panel, point: Point | None, source: Point | None) -> Iterable[Value]:
    digits = panel.metric.digits
    if point is None or source is None:
        return _number(point, digits=digits), None
    gain = Number(point.gain_over(source), digits, signed=True)
    return _number(point, digits=digits), gain


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
