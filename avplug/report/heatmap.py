"""Corruption x severity as a table whose colours show what is lost."""

from __future__ import annotations

import math
from functools import partial

from avplug.report.markup import Child, Markup, tag
from avplug.report.panel import Method, Panel, Point
from avplug.report.table import Number


def heatmap(panel: Panel, method: Method) -> Markup:
    """Return one method's heat map: the metric as text, the lost share as colour.

    The share is 1 - rho, cut to 0..1, so that maps of different models compare. Where
    rho is undefined the cell has no colour.
    """
    heads = ["corruption", *(f"s{s}" for s in panel.severities), "mean"]
    body: list[Child] = []
    category = ""
    shade = partial(_shade, digits=panel.metric.digits)
    for condition in panel.corruptions:
        if condition.category != category:
            category = condition.category
            body.append(
                tag(
                    "tr",
                    tag("th", category, colspan=len(heads), scope="rowgroup"),
                    class_="category",
                )
            )
        points = [panel.at(method, condition, s) for s in panel.severities]
        points.append(panel.over_severities(method, condition))
        body.append(
            tag("tr", tag("th", condition.label, scope="row"), map(shade, points))
        )
    means = [panel.over_corruptions(method, s) for s in panel.severities]
    means.append(panel.overall(method))
    foot = tag("tr", tag("th", "mean", scope="row"), map(shade, means))
    return tag(
        "table",
        tag("caption", f"{panel.name(method)}: {panel.metric.title}"),
        tag("thead", tag("tr", [tag("th", head, scope="col") for head in heads])),
        tag("tbody", body),
        tag("tfoot", foot),
        class_="heat",
    )


def scale() -> Markup:
    """Return the key to the colours."""
    shares = (0, 25, 50, 75, 100)
    return tag(
        "p",
        "Share of the clean score that is lost ",
        [
            tag("span", f"{s} %", class_=_contrast(s / 100), style=f"--lost:{s}%")
            for s in shares
        ],
        class_="heat-scale",
    )


def _shade(point: Point | None, digits: int) -> Markup:
    if point is None:
        return tag("td", "–", class_="num")
    rho = point.estimate("rho")
    number = Number(point.estimate(), digits)
    hint = f"ρ {Number(rho, 3)}"
    if number.interval:
        hint = f"{number.interval}; {hint}"
    if math.isnan(rho.value):
        return tag("td", str(number), class_="num", title=hint)
    lost = min(max(1 - rho.value, 0.0), 1.0)
    return tag(
        "td",
        str(number),
        class_=f"num shade {_contrast(lost)}",
        style=f"--lost:{100 * lost:.0f}%",
        title=hint,
    )


def _contrast(lost: float) -> str:
    # From here on black and white swap places as the better readable text colour.
    return "strong" if lost > 0.65 else "weak"
