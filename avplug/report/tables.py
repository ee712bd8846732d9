"""Plain tables that the terminal, HTML, CSV and JSON render alike."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from avplug.report.panel import Method, Panel, Point, Quantity, ScoredCell
from avplug.report.statistics import Estimate


@dataclass(frozen=True, slots=True)
class Number:
    """An estimate with how it is printed.

    Args:
        estimate: Value and interval.
        digits: After the point.
        signed: Whether it is a difference, printed with its sign.
    """

    estimate: Estimate
    digits: int = 1
    signed: bool = False

    def __str__(self) -> str:
        return _decimal(self.estimate.value, self.digits, self.signed)

    @property
    def interval(self) -> str:
        """``low to high``, or "" without an interval."""
        low, high = self.estimate.low, self.estimate.high
        if math.isnan(low) or math.isnan(high):
            return ""
        ends = [_decimal(end, self.digits, self.signed) for end in (low, high)]
        return " to ".join(ends) if self.signed else "–".join(ends)


Value: TypeAlias = str | int | Number | None


@dataclass(frozen=True, slots=True)
class Column:
    """A column; ``key`` names it in data, ``title`` heads it. Numbers align right."""

    key: str
    title: str
    number: bool = True


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under columns.

    Args:
        name: Stable, for files and links.
        title: One line.
        columns: As many as each row has values.
        rows: Text, whole numbers, estimates, or None for what there is not.
        note: How to read it.
        group: So many leading columns are printed only where they change.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]
    note: str = ""
    group: int = 0


def text(value: Value) -> str:
    """Return a value as tables print it."""
    return "–" if value is None else str(value)


def main_table(panel: Panel) -> Table:
    """Return the metric, rho and alpha of each method, clean and by severity."""
    rows: list[tuple[Value, ...]] = []
    for method in panel.methods:
        points = [panel.over_corruptions(method, s) for s in (0, *panel.severities)]
        points.append(panel.overall(method))
        head = _head(panel, method)
        rows += [
            (*head, f"{panel.metric.name} %", *(_number(p) for p in points)),
            (*head, "ρ relative", *(_number(p, "rho", 3) for p in points)),
            (*head, "α absolute", *(_number(p, "alpha", 3) for p in points)),
        ]
    severities = [Column(f"severity_{s}", f"s{s}") for s in panel.severities]
    return Table(
        "main",
        f"{panel.metric.title} and robustness on {panel.dataset}",
        (
            *_head_columns(panel),
            Column("quantity", "", False),
            Column("clean", "clean"),
            *severities,
            Column("mean", "mean"),
        ),
        tuple(rows),
        f"s1 to s5: mean of {_count(len(panel.corruptions), 'corruption')} at that"
        " severity; mean: of the severities shown. ρ = A / A_clean,"
        " α = 1 − (A_clean − A)/100, A_clean of the source model.",
        group=len(_head_columns(panel)),
    )


def corruption_table(panel: Panel, method: Method) -> Table:
    """Return the metric of one method by corruption and severity."""
    rows = tuple(
        (
            condition.category,
            condition.label,
            *(_number(panel.at(method, condition, s)) for s in panel.severities),
            _number(panel.over_severities(method, condition)),
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
                *_head(panel, method),
                *_gain(panel.at(method, None, 0), panel.at(source, None, 0)),
                *_gain(
                    panel.over_corruptions(method, top),
                    panel.over_corruptions(source, top),
                ),
                *_gain(panel.overall(method), panel.overall(source)),
                f"{better} of {both}",
            )
        )
    if not rows:
        return None
    return Table(
        "tta",
        f"Test-time adaptation against the source model on {panel.dataset}",
        (
            *_head_columns(panel),
            Column("clean", "clean"),
            Column("clean_gain", "gain"),
            Column("top", f"s{top}"),
            Column("top_gain", "gain"),
            Column("mean", "mean"),
            Column("mean_gain", "gain"),
            Column("better", f"better at s{top}"),
        ),
        tuple(rows),
        f"{panel.metric.title}; gain: points over the source model, paired by clip;"
        f" better: corruptions at severity {top} with a gain above 0.",
        group=len(_head_columns(panel)) - 1,
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
            *_head(panel, cell.method),
            cell.corruption.label if cell.corruption else "clean",
            cell.severity,
            cell.seed,
            _number(cell.point),
            _number(cell.point, "rho", 3),
            _number(cell.point, "alpha", 3),
            cell.clips,
            cell.failed,
            f"{cell.stored.record['seconds']['total']:.1f}",
            _diagnostics(cell),
        )
        for cell in panel.cells
    )
    return Table(
        "cells",
        f"Every cell on {panel.dataset}",
        (
            *_head_columns(panel),
            Column("corruption", "corruption", False),
            Column("severity", "severity"),
            Column("seed", "seed"),
            Column("value", panel.metric.title),
            Column("rho", "ρ"),
            Column("alpha", "α"),
            Column("clips", "clips"),
            Column("failed", "failed"),
            Column("seconds", "seconds"),
            Column("diagnostics", "diagnostics", False),
        ),
        rows,
        "clips: evaluated, the denominator; failed: could not be read, in none.",
    )


def _diagnostics(cell: ScoredCell) -> str:
    """What an adapter counted; series are left to the data files."""
    return ", ".join(
        f"{key} {value:.4g}"
        for key, value in cell.stored.record.get("diagnostics", {}).items()
        if isinstance(value, int | float)
    )


def _head_columns(panel: Panel) -> tuple[Column, ...]:
    adaptation = Column("adaptation", "adaptation", False)
    if len(panel.models) == 1:
        return (adaptation,)
    return (Column("model", "model", False), adaptation)


def _head(panel: Panel, method: Method) -> tuple[str, ...]:
    if len(panel.models) == 1:
        return (method.adaptation,)
    return (method.model, method.adaptation)


def _number(
    point: Point | None, quantity: Quantity = "value", digits: int = 1
) -> Number | None:
    return Number(point.estimate(quantity), digits) if point else None


def _gain(point: Point | None, source: Point | None) -> Iterable[Value]:
    if point is None or source is None:
        return _number(point), None
    return _number(point), Number(point.gain_over(source), signed=True)


def _decimal(value: float, digits: int, signed: bool) -> str:
    if not math.isfinite(value):
        return "–"
    value = round(value, digits) + 0.0  # No minus before a zero.
    shown = f"{value:+.{digits}f}" if signed else f"{value:.{digits}f}"
    return shown.replace("-", "−")


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
