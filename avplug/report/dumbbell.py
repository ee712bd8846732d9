"""Clean and corrupted accuracy of classes, as two dots on a line for each."""

from __future__ import annotations

import math
from collections.abc import Sequence

from avplug.report.classes import ClassScore
from avplug.report.markup import Markup, tag
from avplug.report.table import text

_WIDTH, _LEFT, _RIGHT, _ROW, _FOOT = 560, 150, 22, 26, 22
_LETTERS = 20


def dumbbells(rows: Sequence[ClassScore], name: str) -> Markup:
    """Return the figure; what it shows stands in its description as well.

    Args:
        rows: From top to bottom.
        name: Unique on the page; prefixes the ids of title and description.
    """
    height = _ROW * len(rows) + _FOOT
    there = [row for row in rows if not math.isnan(row.mean)]
    described = " ".join(
        f"{row.name}: {row.clean:.1f} clean, {row.mean:.1f} corrupted." for row in there
    )
    return tag(
        "svg",
        tag("title", "Accuracy of classes, clean and corrupted", id=f"{name}-title"),
        tag("desc", described, id=f"{name}-desc"),
        [_tick(value, height) for value in (0, 25, 50, 75, 100)],
        [_row(row, _ROW * (i + 0.5)) for i, row in enumerate(there)],
        viewBox=f"0 0 {_WIDTH} {height}",
        role="img",
        aria_labelledby=f"{name}-title {name}-desc",
        class_="chart dumbbell",
    )


def dumbbell_key() -> Markup:
    """Return what the dots mean."""
    samples = (("clean", "clean"), ("spoilt", "corrupted, mean of all cells"))
    return tag("ul", [_sample(*pair) for pair in samples], class_="legend")


def _sample(kind: str, said: str) -> Markup:
    dot = tag("circle", cx=8, cy=8, r=5, class_=kind)
    drawing = tag(
        "svg",
        dot,
        viewBox="0 0 16 16",
        width=16,
        height=16,
        aria_hidden="true",
        class_="dumbbell",
    )
    return tag("li", drawing, said)


def _x(percent: float) -> float:
    return _LEFT + (_WIDTH - _LEFT - _RIGHT) * percent / 100


def _tick(value: int, height: int) -> Markup:
    x, bottom = _x(value), height - _FOOT
    line = tag("path", d=f"M{x:.1f},0 V{bottom}", class_="grid")
    label = tag("text", text(value), x=x, y=height - 4, text_anchor="middle")
    return tag("g", line, label)


def _row(row: ClassScore, y: float) -> Markup:
    shown = row.name.replace("\n", " ")
    if len(shown) > _LETTERS:
        shown = f"{shown[: _LETTERS - 1]}…"
    clean, spoilt = _x(row.clean), _x(row.mean)
    return tag(
        "g",
        tag("text", shown, x=_LEFT - 12, y=y + 4, text_anchor="end"),
        tag("path", d=f"M{clean:.1f},{y:g} H{spoilt:.1f}", class_="loss"),
        tag("circle", cx=spoilt, cy=y, r=5, class_="spoilt"),
        tag("circle", cx=clean, cy=y, r=5, class_="clean"),
    )
