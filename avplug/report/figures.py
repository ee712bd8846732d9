"""Figures of a panel: severity curves, small multiples, and their legend."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from avplug.report.chart import Frame, Line, draw, key
from avplug.report.markup import Markup, tag
from avplug.report.panel import Condition, Method, Panel, Point

_CEILINGS = (5, 10, 20, 40, 60, 80, 100)


def severity_curves(panel: Panel, name: str) -> Markup:
    """Return the mean over corruptions by severity, a line for each method.

    Args:
        panel: What to draw.
        name: Unique on the page; prefixes the ids of title and description.
    """
    lines = _lines(panel, panel.over_corruptions)
    frame = _frame(panel, lines, 560, 330, left=46, bottom=46)
    title = f"{panel.metric.title} by severity, mean of the corruptions"
    return draw(frame, lines, name, title, "severity", panel.metric.title)


def corruption_curves(panel: Panel, name: str) -> list[tuple[Condition, Markup]]:
    """Return a small chart for each corruption, all on one scale."""
    drawn = []
    by_corruption = [(c, _corruption_lines(panel, c)) for c in panel.corruptions]
    everything = [line for _, lines in by_corruption for line in lines]
    frame = _frame(panel, everything, 220, 150, left=38, bottom=22)
    for number, (condition, lines) in enumerate(by_corruption):
        title = f"{condition.label}: {panel.metric.title} by severity"
        chart = draw(frame, lines, f"{name}-{number}", title)
        drawn.append((condition, chart))
    return drawn


def legend(panel: Panel) -> Markup:
    """Return the key to colours and shapes, as a list."""
    return tag(
        "ul",
        [
            tag("li", key(index), panel.name(method))
            for index, method in enumerate(panel.methods)
        ],
        class_="legend",
    )


def _corruption_lines(panel: Panel, condition: Condition) -> list[Line]:
    def value(method: Method, severity: int) -> Point | None:
        return panel.at(method, condition if severity else None, severity)

    return _lines(panel, value)


def _lines(panel: Panel, value: Callable[[Method, int], Point | None]) -> list[Line]:
    lines = []
    for index, method in enumerate(panel.methods):
        points = [(s, value(method, s)) for s in (0, *panel.severities)]
        known = [(s, point.estimate()) for s, point in points if point]
        finite = [(s, e) for s, e in known if math.isfinite(e.value)]
        lines.append(Line(panel.name(method), index, tuple(finite)))
    return lines


def _frame(
    panel: Panel,
    lines: Iterable[Line],
    width: float,
    height: float,
    *,
    left: float,
    bottom: float,
) -> Frame:
    highs = [
        max(e.value, 0 if math.isnan(e.high) else e.high)
        for line in lines
        for _, e in line.points
    ]
    top = max(highs, default=0)
    above = (c for c in _CEILINGS if c >= top)
    ceiling = next(above, math.ceil(top / 100) * 100)
    steps = (0, *panel.severities)
    return Frame(width, height, left, 14, 12, bottom, steps, ceiling)
