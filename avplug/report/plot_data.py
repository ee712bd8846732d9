"""What the figures for papers show, as numbers: drawn by :mod:`avplug.report.plots`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from avplug.report.attack_figures import LABELS, Curve, curves
from avplug.report.attacked import SENSES, AttackPanel
from avplug.report.chart import Line, severity_name
from avplug.report.over_time import WINDOWS, along_the_stream, part_name
from avplug.report.panel import Condition, Method, Panel, Point, Quantity, mean
from avplug.report.scores import Scores
from avplug.report.statistics import Estimate
from avplug.report.streams import hardest, streams


@dataclass(frozen=True, slots=True)
class Curves:
    """Lines over named steps.

    Args:
        name: Of the file, without suffix.
        title: Above it.
        lines: By step; ``index`` chooses colour, marker and dashes.
        steps: Their names, in their order; places are 0, 1 and so on.
        x_title: Below the axis.
        y_title: Beside the axis.
        top: End of the vertical axis; None where the values decide.
    """

    name: str
    title: str
    lines: tuple[Line, ...]
    steps: Mapping[int, str]
    x_title: str
    y_title: str
    top: float | None = 100.0


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """A number for each row and column, NaN where there is none, float64 [R, C]."""

    name: str
    title: str
    rows: tuple[str, ...]
    columns: tuple[Condition, ...]
    values: NDArray[np.float64]
    digits: int
    top: float | None


@dataclass(frozen=True, slots=True)
class Radar:
    """Lines around a centre, an axis for each step."""

    name: str
    title: str
    axes: tuple[str, ...]
    lines: tuple[Line, ...]
    top: float | None


Drawing: TypeAlias = Curves | Grid | Radar


def drawings(scores: Scores, severity: int | None = None) -> list[Drawing]:
    """Return every figure that the results have the cells for.

    Args:
        scores: What they are of.
        severity: Of heat maps and radars; the mean of the severities if None, or where
            a data set has no such severity.
    """
    found: list[Drawing] = []
    for panel in scores.panels:
        for make in (_severities, _along_streams, _senses):
            found += make(panel)
        chosen = severity if severity in panel.severities else None
        found += [*_grid(panel, chosen), *_radar(panel, chosen)]
    for attacks in scores.attacks:
        found += [*_attacked_senses(attacks), *_epsilons(attacks)]
    return found


def _severities(panel: Panel) -> Iterator[Drawing]:
    if not panel.severities:
        return
    lines = [
        _line(panel.name(m), i, panel, partial(panel.over_corruptions, m))
        for i, m in enumerate(panel.methods)
    ]
    yield _over_severities(
        "severity", "mean of the corruptions", panel, [x for x in lines if x.points]
    )


def _senses(panel: Panel) -> Iterator[Drawing]:
    """Where one sense alone was corrupted: a figure for each method."""
    senses = {
        cell.corruption: str(cell.stored.cell["corruption"].get("modalities", "av"))
        for cell in panel.cells
        if cell.corruption
    }
    if len(set(senses.values())) < 2:
        return
    for method in panel.methods:

        def value(which: str, severity: int, method: Method = method) -> Point | None:
            if not severity:
                return panel.at(method, None, 0)
            those = [c for c in panel.corruptions if senses[c] == which]
            return mean(panel.at(method, c, severity) for c in those)

        lines = [
            _line(_CORRUPTED[which], i + 1, panel, partial(value, which))
            for i, which in enumerate(SENSES)
            if which in senses.values()
        ]
        name = panel.name(method)
        yield _over_severities(
            f"senses-{name}", f"{name}, senses corrupted", panel, lines
        )


_CORRUPTED = {"a": "sound alone", "v": "picture alone", "av": "both"}


def _over_severities(name: str, what: str, panel: Panel, lines: list[Line]) -> Curves:
    return Curves(
        f"{name}-{panel.dataset}-{panel.metric.name}",
        f"{panel.dataset}: {what}",
        tuple(lines),
        {s: severity_name(s) for s in (0, *panel.severities)},
        "severity",
        panel.metric.title,
        _top(panel),
    )


def _along_streams(panel: Panel) -> Iterator[Drawing]:
    lines = along_the_stream(panel, hardest(panel, streams(panel)))
    if lines:
        yield Curves(
            f"time-{panel.dataset}-{panel.metric.name}",
            f"{panel.dataset}: along the stream, severity {max(panel.severities)}",
            tuple(lines),
            {step: part_name(step) for step in range(1, WINDOWS + 1)},
            "part of the stream",
            "top-1 accuracy (%)",
        )


def _grid(panel: Panel, severity: int | None) -> Iterator[Drawing]:
    if not panel.corruptions:
        return
    order = list(dict.fromkeys(c.category for c in panel.corruptions))
    columns = sorted(panel.corruptions, key=lambda c: order.index(c.category))
    points = [[_at(panel, m, c, severity) for c in columns] for m in panel.methods]
    values = [[p.value[0] if p else math.nan for p in row] for row in points]
    yield Grid(
        f"heatmap-{panel.dataset}-{panel.metric.name}",
        f"{panel.dataset}: {panel.metric.title}, {_where(severity)}",
        tuple(map(panel.name, panel.methods)),
        tuple(columns),
        np.array(values),
        panel.metric.digits,
        _top(panel),
    )


def _radar(panel: Panel, severity: int | None) -> Iterator[Drawing]:
    """Categories around: rho where the metric has one, else its value."""
    categories = tuple(dict.fromkeys(c.category for c in panel.corruptions))
    if len(categories) < 3:
        return
    quantity: Quantity = "rho" if panel.metric.keeps_share else "value"
    lines = []
    for index, method in enumerate(panel.methods):
        points = [
            mean(
                _at(panel, method, c, severity)
                for c in panel.corruptions
                if c.category == category
            )
            for category in categories
        ]
        known = [(i, p.estimate(quantity)) for i, p in enumerate(points) if p]
        lines.append(Line(panel.name(method), index, tuple(_finite(known))))
    title = "relative robustness ρ" if quantity == "rho" else panel.metric.title
    yield Radar(
        f"radar-{panel.dataset}-{panel.metric.name}",
        f"{panel.dataset}: {title} by category, {_where(severity)}",
        categories,
        tuple(line for line in lines if len(line.points) == len(categories)),
        1.0 if quantity == "rho" else _top(panel),
    )


def _attacked_senses(panel: AttackPanel) -> Iterator[Drawing]:
    for number, (title, (names, lines)) in enumerate(curves(panel).items(), 1):
        yield _over_epsilon(
            f"senses-attack-{number}",
            title,
            panel,
            names,
            [
                Line(LABELS[senses], SENSES.index(senses) + 1, _points(lines[senses]))
                for senses in lines
            ],
        )


def _epsilons(panel: AttackPanel) -> Iterator[Drawing]:
    """Attacks, models and methods that climb one ladder of budgets, side by side."""
    ladders: dict[tuple[str, ...], dict[str, Curve]] = {}
    for title, curve in curves(panel).items():
        ladders.setdefault(curve[0], {})[title] = curve
    for number, (names, families) in enumerate(ladders.items(), 1):
        for senses in SENSES:
            lines = [
                Line(title, index, _points(curve[1][senses]))
                for index, (title, curve) in enumerate(families.items())
                if senses in curve[1]
            ]
            if len(lines) > 1:
                what = f"{panel.dataset}, {LABELS[senses]}"
                yield _over_epsilon(
                    f"epsilon-{senses}-{number}", what, panel, names, lines
                )


def _over_epsilon(
    name: str, title: str, panel: AttackPanel, names: tuple[str, ...], lines: list[Line]
) -> Curves:
    return Curves(
        f"{name}-{panel.dataset}-{panel.metric.name}",
        title,
        tuple(lines),
        dict(enumerate(names)),
        "epsilon of picture (of 255) · sound (amplitude)",
        panel.metric.title,
        100.0 if panel.metric.unit == "%" else None,
    )


def _line(
    label: str, index: int, panel: Panel, value: Callable[[int], Point | None]
) -> Line:
    points = ((s, value(s)) for s in (0, *panel.severities))
    known = [(s, point.estimate()) for s, point in points if point]
    return Line(label, index, tuple(_finite(known)))


def _points(found: Mapping[int, Estimate]) -> tuple[tuple[int, Estimate], ...]:
    return tuple(_finite(list(found.items())))


def _finite(points: list[tuple[int, Estimate]]) -> Iterator[tuple[int, Estimate]]:
    return ((step, e) for step, e in points if math.isfinite(e.value))


def _at(
    panel: Panel, method: Method, condition: Condition, severity: int | None
) -> Point | None:
    if severity is None:
        return panel.over_severities(method, condition)
    return panel.at(method, condition, severity)


def _where(severity: int | None) -> str:
    return "mean of the severities" if severity is None else f"severity {severity}"


def _top(panel: Panel) -> float | None:
    return 100.0 if panel.metric.unit == "%" else None
