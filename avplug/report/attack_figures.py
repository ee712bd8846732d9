"""Accuracy over epsilon, a chart for each attack on each model and method."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TypeAlias

import numpy as np

from avplug.core.attack import Budget, ThreatModel
from avplug.report.attacked import SENSES, AttackedCell, AttackPanel, averaged
from avplug.report.chart import Frame, Line, draw, key
from avplug.report.markup import Markup, tag
from avplug.report.statistics import Estimate

#: A curve: the budgets in rising order, and by senses the metric at each of them.
Curve: TypeAlias = tuple[tuple[str, ...], dict[str, dict[int, Estimate]]]

#: What is attacked, in words.
LABELS = {"a": "sound attacked", "v": "picture attacked", "av": "both attacked"}


def curves(panel: AttackPanel) -> dict[str, Curve]:
    """Return by a title the curves with two budgets or more, clean clips at step 0.

    A curve joins budgets that differ in epsilon alone.
    """
    groups: dict[tuple[object, ...], list[AttackedCell]] = {}
    for cell in panel.cells:
        groups.setdefault(_family(cell), []).append(cell)
    found = {}
    for group in groups.values():
        threats = {c.threat: _epsilons(c.threat) for c in group}
        rising = sorted(
            (t for t in threats if any(threats[t])), key=threats.__getitem__
        )
        if len(rising) < 2:
            continue
        before = averaged(c.clean_value for c in group)
        lines: dict[str, dict[int, Estimate]] = {}
        for senses in SENSES:
            points = {
                step: np.mean(values, axis=0)
                for step, threat in enumerate(rising, 1)
                if (
                    values := [
                        c.value
                        for c in group
                        if c.senses == senses and c.threat == threat
                    ]
                )
            }
            if points:
                start = {0: before} if before else {}
                lines[senses] = start | {
                    step: found_there
                    for step, draws in points.items()
                    if (found_there := averaged([draws]))
                }
        names = ("0", *(_short(threat) for threat in rising))
        found[_title(panel, group[0])] = (names, lines)
    return found


def epsilon_curves(panel: AttackPanel, name: str) -> Iterator[Markup]:
    """Yield the charts, each with its key.

    Args:
        panel: What to draw.
        name: Unique on the page; prefixes the ids of titles and descriptions.
    """
    for number, (title, (names, lines)) in enumerate(curves(panel).items()):
        frame = Frame(
            560,
            330,
            46,
            40,
            12,
            46,
            tuple(range(len(names))),
            100,
            names.__getitem__,
        )
        drawn = [
            Line(LABELS[senses], SENSES.index(senses) + 1, tuple(points.items()))
            for senses, points in lines.items()
            if all(math.isfinite(e.value) for e in points.values())
        ]
        chart = draw(
            frame,
            drawn,
            f"{name}-{number}",
            f"{title}: {panel.metric.title} over epsilon",
            "epsilon of picture (of 255) · sound (amplitude)",
            panel.metric.title,
        )
        legend = [tag("li", key(line.index), line.label) for line in drawn]
        yield tag("h4", title)
        yield tag("ul", legend, class_="legend")
        yield tag("figure", chart, class_="curves")


def _family(cell: AttackedCell) -> tuple[object, ...]:
    def shape(budget: Budget | None) -> object:
        return budget and (budget.norm, budget.scale, budget.unit)

    threat = cell.threat
    method, attack, known, _, corruption, severity = cell.group
    kind = (shape(threat.video), shape(threat.audio), threat.joint)
    return method, attack, known, corruption, severity, kind


def _epsilons(threat: ThreatModel) -> tuple[float, float]:
    return (
        threat.video.epsilon if threat.video else 0.0,
        threat.audio.epsilon if threat.audio else 0.0,
    )


def _short(threat: ThreatModel) -> str:
    parts = []
    if threat.video:
        mean = float(np.mean(threat.video.scale)) * threat.video.epsilon
        linf = threat.video.norm == "linf"
        parts.append(f"{255 * mean:.3g}" if linf else f"l2 {mean:.3g}")
    if threat.audio:
        linf = threat.audio.norm == "linf"
        size = f"{threat.audio.epsilon:.3g}"
        parts.append(size if linf else f"l2 {size}")
    return " · ".join(parts)


def _title(panel: AttackPanel, cell: AttackedCell) -> str:
    where = ""
    if cell.corruption:
        where = f" on {cell.corruption.label} s{cell.stored.cell['severity']}"
    model = f"{cell.method.model} · " if panel.several_models else ""
    protocol = f", {cell.protocol}" if cell.protocol else ""
    return (
        f"{model}{cell.method.adaptation}: {cell.attack}, {cell.knowledge}"
        f"{protocol}{where} ({cell.reading})"
    )
