"""Line charts as inline SVG; colours come from the page's custom properties."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from avplug.report.markup import Child, Markup, tag
from avplug.report.statistics import Estimate
from avplug.report.table import Number

#: Colours that the style sheet defines as ``--series-0`` and so on.
COLOURS = 8

_DASHES = ("none", "7 4", "2 3")


@dataclass(frozen=True, slots=True)
class Line:
    """One method's values by step, with the colour and shape of its number."""

    label: str
    index: int
    points: tuple[tuple[int, Estimate], ...]


def severity_name(step: int) -> str:
    """Return how a severity is called in charts."""
    return f"s{step}" if step else "clean"


@dataclass(frozen=True, slots=True)
class Frame:
    """A drawing area: the size, margins and scales of a chart.

    ``steps`` are the places of the horizontal axis, severities unless ``step_name``
    calls them otherwise.
    """

    width: float
    height: float
    left: float
    right: float
    top: float
    bottom: float
    steps: tuple[int, ...]
    ceiling: float
    step_name: Callable[[int], str] = severity_name

    def x(self, severity: int) -> float:
        """Return where a step stands; they are equally spaced."""
        span = self.width - self.left - self.right
        return self.left + span * self.steps.index(severity) / max(
            1, len(self.steps) - 1
        )

    def y(self, value: float) -> float:
        """Return where a value stands, within the frame."""
        share = min(max(value / self.ceiling, 0.0), 1.0)
        return (
            self.height - self.bottom - share * (self.height - self.top - self.bottom)
        )


def draw(
    frame: Frame,
    lines: Sequence[Line],
    name: str,
    title: str,
    x_title: str = "",
    y_title: str = "",
) -> Markup:
    """Return a chart with title and description for those who do not see it.

    Args:
        frame: Where and on which scales.
        lines: What to draw, each with the band of its intervals.
        name: Unique on the page; prefixes the ids of title and description.
        title: Read aloud; not drawn.
        x_title: Below the axis; "" for none.
        y_title: Beside the axis; "" for none.
    """
    return tag(
        "svg",
        tag("title", title, id=f"{name}-title"),
        tag("desc", _description(frame, lines), id=f"{name}-desc"),
        _axes(frame, x_title, y_title),
        [_band(frame, line) for line in lines],
        [_curve(frame, line) for line in lines],
        viewBox=f"0 0 {frame.width:g} {frame.height:g}",
        role="img",
        aria_labelledby=f"{name}-title {name}-desc",
        class_="chart",
    )


def key(index: int) -> Markup:
    """Return the sample of a line's colour, shape and dashes for a legend."""
    return tag(
        "svg",
        _stroke("M1,8 H27", index),
        _marker(14, 8, index),
        viewBox="0 0 28 16",
        width=28,
        height=16,
        aria_hidden="true",
        class_=_series(index),
    )


def _description(frame: Frame, lines: Sequence[Line]) -> str:
    return " ".join(
        f"{line.label}: "
        + ", ".join(f"{frame.step_name(s)} {Number(e)}" for s, e in line.points)
        + "."
        for line in lines
    )


def _axes(frame: Frame, x_title: str, y_title: str) -> list[Child]:
    parts: list[Child] = []
    ticks = 4 if frame.height > 200 else 2
    for tick in range(ticks + 1):
        value = frame.ceiling * tick / ticks
        y = frame.y(value)
        path = f"M{frame.left:g},{y:.1f} H{frame.width - frame.right:g}"
        parts.append(tag("path", d=path, class_="axis" if tick == 0 else "grid"))
        parts.append(
            tag("text", f"{value:g}", x=frame.left - 6, y=y + 4, text_anchor="end")
        )
    below = frame.height - frame.bottom
    for severity in frame.steps:
        label = frame.step_name(severity) if frame.width > 300 or severity else "0"
        parts.append(
            tag("text", label, x=frame.x(severity), y=below + 16, text_anchor="middle")
        )
    if x_title:
        middle = (frame.left + frame.width - frame.right) / 2
        parts.append(
            tag("text", x_title, x=middle, y=frame.height - 6, text_anchor="middle")
        )
    if y_title:
        parts.append(
            tag(
                "text",
                y_title,
                transform=f"translate(12 {below / 2 + 6:g}) rotate(-90)",
                text_anchor="middle",
            )
        )
    return parts


def _band(frame: Frame, line: Line) -> Markup | None:
    there = [(s, e) for s, e in line.points if not math.isnan(e.low)]
    if len(there) < 2:
        return None
    upper = [f"{frame.x(s):.1f},{frame.y(e.high):.1f}" for s, e in there]
    lower = [f"{frame.x(s):.1f},{frame.y(e.low):.1f}" for s, e in reversed(there)]
    path = "M" + " L".join(upper + lower) + " Z"
    return tag("path", d=path, class_=f"band {_series(line.index)}")


def _curve(frame: Frame, line: Line) -> Markup:
    places = [(frame.x(s), frame.y(e.value)) for s, e in line.points]
    path = "M" + " L".join(f"{x:.1f},{y:.1f}" for x, y in places)
    markers = []
    for (severity, estimate), (x, y) in zip(line.points, places, strict=True):
        number = Number(estimate)
        interval = f" ({number.interval})" if number.interval else ""
        hint = f"{line.label}, {frame.step_name(severity)}: {number}{interval}"
        markers.append(_marker(x, y, line.index, hint))
    stroke = _stroke(path, line.index) if places else None
    return tag("g", stroke, markers, class_=_series(line.index))


def _stroke(path: str, index: int) -> Markup:
    dash = _DASHES[index // COLOURS % len(_DASHES)]
    return tag("path", d=path, class_="line", stroke_dasharray=dash)


def _marker(x: float, y: float, index: int, hint: str = "") -> Markup:
    shapes = (
        "m-4,0 a4,4 0 1,0 8,0 a4,4 0 1,0 -8,0",
        "m-3.5,-3.5 h7 v7 h-7 z",
        "m0,-5 l4.6,8 h-9.2 z",
        "m0,-5 l5,5 l-5,5 l-5,-5 z",
    )
    return tag(
        "path",
        tag("title", hint) if hint else None,
        d=f"M{x:.1f},{y:.1f} {shapes[index % len(shapes)]}",
        class_="marker",
    )


def _series(index: int) -> str:
    return f"series-{index % COLOURS}"
