"""The result of a panel in words, computed from its numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from avplug.report.panel import Condition, Method, Panel, Point
from avplug.report.table import Number


@dataclass(frozen=True, slots=True)
class Verdict:
    """One sentence that answers the question, and those that say more."""

    headline: str
    details: tuple[str, ...] = ()


def verdict(panel: Panel) -> Verdict:
    """Return what the panel says: how much is kept, what is hardest, what helps.

    It speaks of the highest severity, and of the source model where there is one.
    """
    top = max(panel.severities, default=0)
    ranked = _ranked(panel, top) if top else []
    if not ranked:
        return Verdict("No corrupted cell is finished: nothing to say on robustness.")
    best, point = ranked[0]
    details = []
    if len(ranked) > 1:
        best_of = "most robust" if panel.metric.keeps_share else "best"
        others = ", ".join(f"{m.model} {_kept(panel, p)}" for m, p in ranked[1:])
        details.append(f"The {best_of} of {len(ranked)} models; the others: {others}.")
    details += [*_extremes(panel, best, top), *_adaptations(panel, top)]
    return Verdict(_headline(panel, best, point, top), tuple(details))


def _ranked(panel: Panel, severity: int) -> list[tuple[Method, Point]]:
    """One method for each model, the source if it is there, highest rho first."""
    shown: dict[str, tuple[Method, Point]] = {}
    for method in sorted(panel.methods, key=lambda m: not m.source):
        point = panel.over_corruptions(method, severity)
        if point is not None:
            shown.setdefault(method.model, (method, point))
    sign = 1 if panel.metric.metric.higher_is_better else -1

    def rank(pair: tuple[Method, Point]) -> float:
        point = pair[1]
        draws = point.rho if panel.metric.keeps_share else point.value
        number = float(draws[0])
        return math.inf if math.isnan(number) else -sign * number

    return sorted(shown.values(), key=rank)


def _headline(panel: Panel, method: Method, point: Point, severity: int) -> str:
    there = [c for c in panel.corruptions if panel.at(method, c, severity)]
    over = f"mean of {len(there)} corruptions" if len(there) > 1 else there[0].label
    name = method.model if method.source else f"{method.model} with {method.adaptation}"
    title = panel.metric.noun
    unit = "%" if panel.metric.unit == "%" else ""
    value = Number(point.estimate(), panel.metric.digits)
    if math.isnan(point.value[0]):
        return (
            f"{name} has no {title} at severity {severity} ({over}): it is undefined"
            " there, or the metric failed."
        )
    source = panel.source_of(method)
    clean = panel.at(source, None, 0) if source else None
    if clean is not None and not panel.metric.keeps_share:
        before = Number(clean.estimate(), panel.metric.digits)
        return (
            f"The {title} of {name} goes from {before} to {value} {panel.metric.unit}"
        ).rstrip() + f" at severity {severity}, {over}."
    if clean is None or math.isnan(point.rho[0]):
        return (
            f"{name} has {value}{unit} {title} at severity {severity} ({over}); its"
            " clean score is not known."
        )
    return (
        f"{name} keeps {_percent(point)} of its clean score at severity {severity}:"
        f" from {Number(clean.estimate())} to {value}% {title}, {over}."
    )


def _kept(panel: Panel, point: Point) -> str:
    if panel.metric.keeps_share:
        return _percent(point)
    return str(Number(point.estimate(), panel.metric.digits))


def _percent(point: Point) -> str:
    rho = float(point.rho[0])
    return "–" if math.isnan(rho) else f"{100 * rho:.0f}%"


def _extremes(panel: Panel, method: Method, severity: int) -> Iterator[str]:
    def value(condition: Condition) -> float:
        point = panel.at(method, condition, severity)
        return float(point.value[0]) if point else math.nan

    digits = panel.metric.digits
    known = [c for c in panel.corruptions if not math.isnan(value(c))]
    known.sort(key=value, reverse=not panel.metric.metric.higher_is_better)
    if len(known) > 1:
        yield (
            f"Hardest: {known[0].label} ({value(known[0]):.{digits}f}); mildest:"
            f" {known[-1].label} ({value(known[-1]):.{digits}f})."
        )


def _adaptations(panel: Panel, severity: int) -> Iterator[str]:
    """Say what each adaptation gains at a severity, and if that may be chance."""
    for method in panel.methods:
        source = panel.source_of(method)
        if source is None or source == method:
            continue
        mine = panel.over_corruptions(method, severity)
        other = panel.over_corruptions(source, severity)
        if mine is None or other is None:
            continue
        gain = Number(mine.gain_over(other), panel.metric.digits, signed=True)
        if not (mine.value - other.value).any():
            yield f"With {panel.name(method)} the score at that severity is the same."
            continue
        if not gain.interval:
            clear = ""
        elif gain.estimate.excludes_zero:
            clear = f" [{gain.interval}]"
        else:
            clear = f" [{gain.interval}], which may be chance"
        points = "points" if panel.metric.unit == "%" else panel.metric.unit
        yield (
            f"With {panel.name(method)} the score at severity {severity} changes by"
            f" {gain} {points}{clear}."
        )
