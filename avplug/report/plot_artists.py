"""How the figures for papers look: artists of matplotlib from their numbers.

Lines differ in colour, marker and dashes, and colours in lightness, so that a print in
grey is read as well. Nothing here touches matplotlib's global state.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from avplug.report.chart import Line
from avplug.report.plot_data import Curves, Drawing, Grid, Radar
from avplug.report.table import plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Of Okabe and Ito, who see them apart with any colour vision; yellow is left out.
_COLOURS = ("#000000", "#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
_MARKERS = ("o", "s", "^", "D", "v", "<", ">", "p", "h", "P", "X")
#: Letters of a label on one line.
_LABEL = 46

_DASHES = ("-", (0, (5, 2)), (0, (1, 1.5)), (0, (6, 2, 1, 2)))


def draw(drawing: Drawing) -> Figure:
    """Return a figure with its artists; no window, no backend, no global state."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(layout="constrained")
    FigureCanvasAgg(figure)
    match drawing:
        case Curves():
            _draw_curves(figure, drawing)
        case Grid():
            _draw_grid(figure, drawing)
        case Radar():
            _draw_radar(figure, drawing)
    return figure


def _draw_curves(figure: Figure, drawing: Curves) -> None:
    rows = _legend_rows(drawing.lines, 5.0)
    figure.set_size_inches(5.0, 3.1 + 0.2 * rows)
    axes = figure.add_subplot()
    place = {step: i for i, step in enumerate(drawing.steps)}
    for line in drawing.lines:
        x = [place[step] for step, _ in line.points]
        axes.plot(x, [e.value for _, e in line.points], **_look(line))
        banded = [(place[s], e) for s, e in line.points if not math.isnan(e.low)]
        if len(banded) > 1:
            axes.fill_between(
                [x for x, _ in banded],
                [e.low for _, e in banded],
                [e.high for _, e in banded],
                color=_colour(line),
                alpha=0.13,
                linewidth=0,
            )
    axes.set_xticks(list(place.values()), [_text(n) for n in drawing.steps.values()])
    axes.set_xlabel(_text(drawing.x_title))
    axes.set_ylabel(_text(drawing.y_title))
    axes.set_title(_wrapped(drawing.title, 74))
    axes.set_ylim(0, drawing.top)
    axes.grid(axis="y", linewidth=0.5, color="#dddddd")
    axes.set_axisbelow(True)
    _legend(figure, drawing.lines)


def _draw_grid(figure: Figure, drawing: Grid) -> None:
    count, width = drawing.values.shape
    longest = max(map(len, drawing.rows))
    deepest = max(len(condition.label) for condition in drawing.columns)
    inches = max(4.4, 1.3 + 0.07 * longest + 0.42 * width)
    figure.set_size_inches(inches, 1.0 + 0.08 * deepest + 0.28 * count)
    axes = figure.add_subplot()
    low = 0 if drawing.top else None
    mesh = axes.pcolormesh(
        np.ma.masked_invalid(drawing.values),
        cmap="cividis",
        vmin=low,
        vmax=drawing.top,
        edgecolors="white",
        linewidth=0.6,
    )
    middle = sum(mesh.get_clim()) / 2
    for (row, column), value in np.ndenumerate(drawing.values):
        shown = str(plain(float(value), min(drawing.digits, 2)))
        # Light on dark below the middle of the scale; what is missing is white.
        colour = "white" if value < middle else "black"
        where = (column + 0.5, row + 0.5)
        axes.text(*where, shown, ha="center", va="center", fontsize=7, color=colour)
    names = [_text(c.label.replace("_", " ")) for c in drawing.columns]
    axes.set_xticks(np.arange(width) + 0.5, names, rotation=90)
    axes.set_yticks(np.arange(count) + 0.5, [_text(name) for name in drawing.rows])
    axes.tick_params(length=0)
    axes.invert_yaxis()
    axes.spines[:].set_visible(False)
    axes.set_title(_wrapped(drawing.title, round(13 * inches)), pad=18)
    _categories(axes, drawing)
    figure.colorbar(mesh, ax=axes, pad=0.01).outline.set_visible(False)


def _categories(axes: Axes, drawing: Grid) -> None:
    names = [condition.category for condition in drawing.columns]
    for name in dict.fromkeys(names):
        first, count = names.index(name), names.count(name)
        axes.annotate(
            _text(name),
            (first + count / 2, 1),
            (0, 4),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize=8,
            color="#444444",
        )
        if first:
            axes.axvline(first, color="white", linewidth=3)


def _draw_radar(figure: Figure, drawing: Radar) -> None:
    rows = _legend_rows(drawing.lines, 4.4)
    figure.set_size_inches(4.4, 3.9 + 0.2 * rows)
    axes: Any = figure.add_subplot(projection="polar")
    angles = np.linspace(0, 2 * np.pi, len(drawing.axes), endpoint=False)
    for line in drawing.lines:
        values = [e.value for _, e in line.points]
        axes.plot([*angles, angles[0]], [*values, values[0]], **_look(line))
    axes.set_theta_offset(np.pi / 2)
    axes.set_theta_direction(-1)
    axes.set_xticks(angles, [_text(name) for name in drawing.axes])
    axes.set_ylim(0, drawing.top)
    for label, angle in zip(axes.get_xticklabels(), angles, strict=True):
        # Words grow away from the circle.
        side = round(np.sin(angle), 6)
        label.set_horizontalalignment(
            ("right", "center", "left")[int(np.sign(side)) + 1]
        )
    axes.tick_params(axis="y", labelsize=7, labelcolor="#444444")
    axes.grid(linewidth=0.5, color="#cccccc")
    axes.set_title(_wrapped(drawing.title, 64))
    _legend(figure, drawing.lines)


def _look(line: Line) -> dict[str, Any]:
    return {
        "label": _wrapped(line.label, _LABEL),
        "color": _colour(line),
        "marker": _MARKERS[line.index % len(_MARKERS)],
        "markeredgecolor": "white",
        "markeredgewidth": 0.4,
        "linestyle": _DASHES[line.index % len(_DASHES)],
        "clip_on": False,
    }


def _colour(line: Line) -> str:
    return _COLOURS[line.index % len(_COLOURS)]


def _legend(figure: Figure, lines: Sequence[Line]) -> None:
    columns = _legend_columns(lines, figure.get_figwidth())
    figure.legend(
        loc="outside lower center", ncols=columns, handlelength=3, columnspacing=1.5
    )


def _legend_columns(lines: Sequence[Line], inches: float) -> int:
    longest = max((min(len(line.label), _LABEL) for line in lines), default=1)
    # Points of a line's sample with the gaps round it, and of a letter at this size.
    return max(1, min(len(lines), int(72 * inches / (56 + 5.4 * longest))))


def _legend_rows(lines: Sequence[Line], inches: float) -> int:
    columns = _legend_columns(lines, inches)
    heights = [_wrapped(line.label, _LABEL).count("\n") + 1 for line in lines]
    return sum(max(heights[i : i + columns]) for i in range(0, len(lines), columns))


def _wrapped(title: str, width: int) -> str:
    return "\n".join(textwrap.wrap(_text(title), width))


def _text(shown: str) -> str:
    """Return text on one line; what cannot be printed is a question mark."""
    return "".join(c if c.isprintable() else "?" for c in " ".join(shown.split()))
