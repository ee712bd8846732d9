"""Curves of adaptation: accuracy along the stream, pass by pass, and of attention."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

import numpy as np

from avplug.report.chart import Frame, Line, draw
from avplug.report.markup import Markup, tag
from avplug.report.panel import Method, Panel
from avplug.report.statistics import Estimate
from avplug.report.streams import Stream, hardest

#: Parts of equal length that a stream is cut into.
WINDOWS = 10

#: Values at the places of the horizontal axis.
Series: TypeAlias = list[tuple[int, float]]


def time_figures(panel: Panel, found: Sequence[Stream], name: str) -> Iterator[Markup]:
    """Yield the figures that there are facts for.

    Args:
        panel: Gives methods their colours.
        found: Its streams.
        name: Unique on the page; prefixes ids.
    """
    chosen = hardest(panel, found)
    for make in (_along_the_stream, _by_pass, _of_attention):
        figure = make(panel, chosen, name)
        if figure is not None:
            yield figure


def windows(stream: Stream) -> tuple[Series, Series]:
    """Return the accuracy (percent) in each part of a stream, and of its source."""
    parts = np.array_split(np.arange(len(stream.right)), WINDOWS)
    known = [(i + 1, part) for i, part in enumerate(parts) if len(part)]
    mine = [(i, 100 * float(stream.right[part].mean())) for i, part in known]
    source = [(i, 100 * float(stream.source_right[part].mean())) for i, part in known]
    return mine, source


def along_the_stream(panel: Panel, found: Sequence[Stream]) -> list[Line]:
    """Return the accuracy (percent) of each method in the parts of its streams.

    Means over the streams that are answered while the method adapts; the source model
    on the same clips.
    """
    online = [stream for stream in found if stream.online]
    lines: list[Line] = []
    for index, method in enumerate(panel.methods):
        if method.source:
            # All methods of a seed have one order: any of them has the source's, too.
            same = [s for s in online if s.method.model == method.model]
            first = [s for s in same if s.method == same[0].method]
            series = [windows(stream)[1] for stream in first]
        else:
            series = [windows(s)[0] for s in online if s.method == method]
        lines += _line(panel, method, index, series)
    return lines


def part_name(step: int) -> str:
    """Return how much of a stream has passed at the end of a part."""
    return f"{step * 100 // WINDOWS}%"


def _along_the_stream(
    panel: Panel, found: Sequence[Stream], name: str
) -> Markup | None:
    lines = along_the_stream(panel, found)
    if not lines:
        return None
    return _figure(
        lines,
        range(1, WINDOWS + 1),
        part_name,
        f"{name}-time",
        "Accuracy along the stream",
        "part of the stream",
        "accuracy (%)",
        "Top-1 accuracy in tenths of a stream, mean over the streams that reach the"
        " highest severity; the source model on the same clips.",
    )


def _by_pass(panel: Panel, found: Sequence[Stream], name: str) -> Markup | None:
    frozen = [stream for stream in found if not stream.online]
    if not frozen:
        return None
    last = max(len(_passes(stream)) for stream in frozen)
    lines: list[Line] = []
    for index, method in enumerate(panel.methods):
        series = [_passes(stream) for stream in frozen if stream.method == method]
        if method.source:
            same = [s for s in frozen if s.method.model == method.model]
            first = [s for s in same if s.method == same[0].method]
            series = [[(last, 100 * float(s.source_right.mean()))] for s in first]
        lines += _line(panel, method, index, series)
    return _figure(
        lines,
        range(1, last + 1),
        lambda step: f"pass {step}" if step < last else "frozen",
        f"{name}-passes",
        "Accuracy by pass",
        "",
        "accuracy (%)",
        "Top-1 accuracy of the answers given while the method adapts, in each pass over"
        " the clips that it adapts to; then of all clips, with frozen weights, beside"
        " the source model.",
    )


def _passes(stream: Stream) -> Series:
    noted = [float(value) for value in stream.record["passes"]]
    final = 100 * float(stream.right.mean())
    return list(enumerate([*noted, final], start=1))


def _of_attention(panel: Panel, found: Sequence[Stream], name: str) -> Markup | None:
    lines: list[Line] = []
    for index, method in enumerate(panel.methods):
        looks = [
            s.record["attention"]["at"]
            for s in found
            if s.method == method and s.record.get("attention")
        ]
        series = [
            [(look["batch"], 100 * float(look["masses"][1][0])) for look in stream]
            for stream in looks
        ]
        lines += _line(panel, method, index, series)
    if not lines:
        return None
    steps = sorted({step for line in lines for step, _ in line.points})
    # As many names as fit.
    every = -(-len(steps) // 12)
    shown = set(steps[::every])
    return _figure(
        lines,
        steps,
        lambda step: str(step) if step in shown else "",
        f"{name}-attention",
        "Attention of the picture to the sound",
        "batch",
        "mass (%)",
        "Share of the attention of picture queries that goes to sound keys, in the"
        " joint block, before the batch is learnt from; mean over the streams.",
    )


def _line(
    panel: Panel, method: Method, index: int, series: Sequence[Series]
) -> list[Line]:
    values: dict[int, list[float]] = {}
    for one in series:
        for step, value in one:
            values.setdefault(step, []).append(value)
    points = tuple(
        (step, Estimate(float(np.mean(found)), np.nan, np.nan))
        for step, found in sorted(values.items())
    )
    finite = tuple((s, e) for s, e in points if math.isfinite(e.value))
    return [Line(panel.name(method), index, finite)] if finite else []


def _figure(
    lines: Sequence[Line],
    steps: Sequence[int],
    step_name: Callable[[int], str],
    name: str,
    title: str,
    x_title: str,
    y_title: str,
    note: str,
) -> Markup:
    top = max((e.value for line in lines for _, e in line.points), default=0.0)
    ceiling = next(c for c in (5, 10, 20, 40, 60, 80, 100) if c >= top)
    frame = Frame(560, 330, 46, 24, 12, 46, tuple(steps), ceiling, step_name)
    return tag(
        "figure",
        tag("figcaption", title),
        draw(frame, lines, name, title, x_title, y_title),
        tag("p", note, class_="note"),
        class_="curves",
    )
