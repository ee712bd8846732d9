"""The tables that papers on corruptions print: methods down, corruptions across."""

from __future__ import annotations

from avplug.core.errors import UsageError
from avplug.report.panel import Condition, Panel, Point
from avplug.report.table import Column, Number, Table, Value
from avplug.report.tables import head, head_columns


def per_corruption(panel: Panel, severity: int | None = None) -> Table | None:
    """Return methods x corruptions, under the heads of the categories.

    Args:
        panel: One metric on one data set.
        severity: Of the numbers; the mean of the severities if None.

    Raises:
        UsageError: The panel has no such severity.
    """
    if severity is not None and severity not in panel.severities:
        known = ", ".join(map(str, panel.severities)) or "none"
        raise UsageError(
            f"Severity {severity} is not in the results on {panel.dataset}.",
            f"Severities: {known}.",
        )
    ordered = _by_category(panel)
    if not ordered:
        return None
    rows: list[tuple[Value, ...]] = []
    for method in panel.methods:
        if severity is None:
            points = [panel.over_severities(method, c) for c in ordered]
            average = panel.overall(method)
        else:
            points = [panel.at(method, c, severity) for c in ordered]
            average = panel.over_corruptions(method, severity)
        clean = panel.at(method, None, 0)
        numbers = (_number(panel, p) for p in (clean, *points, average))
        rows.append((*head(panel, method), *numbers))
    where = f"severity {severity}" if severity else "mean of the severities"
    better = panel.metric.better
    return Table(
        "per-corruption",
        f"{panel.metric.title} on {panel.dataset} by corruption, {where}",
        (
            *head_columns(panel),
            Column("clean", "clean", better=better),
            *(
                Column(c.label, _printed(c.label), over=c.category, better=better)
                for c in ordered
            ),
            Column("mean", "mean", better=better),
        ),
        tuple(rows),
        _note(panel, "clean is not in the mean."),
        group=len(head_columns(panel)) - 1,
    )


def per_severity(panel: Panel) -> Table | None:
    """Return every corruption x severity of every method, corruption by corruption."""
    better = panel.metric.better
    rows: list[tuple[Value, ...]] = []
    for condition in _by_category(panel):
        for method in panel.methods:
            points = [panel.at(method, condition, s) for s in panel.severities]
            points.append(panel.over_severities(method, condition))
            if any(points):
                names = condition.category, _printed(condition.label)
                numbers = (_number(panel, p) for p in points)
                rows.append((*names, *head(panel, method), *numbers))
    if not rows:
        return None
    return Table(
        "per-severity",
        f"{panel.metric.title} on {panel.dataset} by corruption and severity",
        (
            Column("category", "category", False),
            Column("corruption", "corruption", False),
            *head_columns(panel),
            *(
                Column(f"severity_{s}", f"s{s}", better=better)
                for s in panel.severities
            ),
            Column("mean", "mean", better=better),
        ),
        tuple(rows),
        _note(panel, "mean: of the severities shown."),
        group=1 + len(head_columns(panel)),
        contest=("category", "corruption"),
    )


def _by_category(panel: Panel) -> list[Condition]:
    order = list(dict.fromkeys(c.category for c in panel.corruptions))
    return sorted(panel.corruptions, key=lambda c: order.index(c.category))


def _printed(name: str) -> str:
    return name.replace("_", " ")


def _note(panel: Panel, sentence: str) -> str:
    return " ".join(
        [sentence, *(f"{line}." for line in panel.unfinished(panel.methods))]
    )


def _number(panel: Panel, point: Point | None) -> Number | None:
    return Number(point.estimate(), panel.metric.digits) if point else None
