"""The tables of adaptation: by corruption, flips, collapse, seeds, and those noted."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from avplug.report.adaptation_records import adapting, attention, cost, forgetting
from avplug.report.panel import Panel
from avplug.report.spread import seeds
from avplug.report.streams import Stream, hardest
from avplug.report.table import Column, Number, Table, Value, plain

#: Share of a stream that tells how it ends.
_END = 0.25
#: A stream has collapsed if the entropy of the predicted classes at its end is below
#: this part of that of the source model on the same clips.
_COLLAPSED = 0.5


def adaptation_tables(panel: Panel, found: Sequence[Stream]) -> list[Table]:
    """Return the tables that the panel has the facts for, in their order.

    Args:
        panel: One metric on one data set.
        found: Its streams; all tables but the first and the last are empty without.
    """
    made = [
        by_corruption(panel),
        flips(panel, found),
        collapse(panel, found),
        cost(panel),
        forgetting(panel),
        attention(panel),
        seeds(panel),
    ]
    return [table for table in made if table is not None]


def by_corruption(panel: Panel) -> Table | None:
    """Return methods x corruptions at the highest severity; None if none adapts."""
    top = max(panel.severities, default=0)
    if not top or not adapting(panel):
        return None
    rows: list[tuple[Value, ...]] = []
    for method in panel.methods:
        average = panel.over_corruptions(method, top)
        source = panel.source_of(method)
        reference = panel.over_corruptions(source, top) if source else None
        gain = None
        if average and reference and method != source:
            gain = Number(average.gain_over(reference), signed=True)
        points = [panel.at(method, c, top) for c in panel.corruptions]
        numbers = [Number(p.estimate()) if p else None for p in (*points, average)]
        rows.append((panel.name(method), *numbers, gain))
    return Table(
        "tta_corruptions",
        f"{panel.metric.title} of each method by corruption, severity {top}",
        (
            Column("method", "method", False),
            *(Column(c.label, c.label) for c in panel.corruptions),
            Column("mean", "mean"),
            Column("gain", "gain"),
        ),
        tuple(rows),
        "gain: points of the mean over the source model, paired by clip.",
    )


def flips(panel: Panel, found: Sequence[Stream]) -> Table | None:
    """Return which answers change against the source model, for better or worse."""

    def row(group: list[Stream]) -> list[Value]:
        right = np.concatenate([s.right for s in group])
        source = np.concatenate([s.source_right for s in group])
        said = np.concatenate([s.said for s in group])
        before = np.concatenate([s.source_said for s in group])
        helpful, harmful = right & ~source, source & ~right
        shares = [said != before, helpful, harmful]
        values = [100 * float(share.mean()) for share in shares]
        return [*map(plain, values), plain(values[1] - values[2], signed=True)]

    columns = (
        Column("changed", "changed %"),
        Column("helpful", "helpful %"),
        Column("harmful", "harmful %"),
        Column("net", "net"),
    )
    note = (
        "Of the clips of the streams that reach the highest severity. helpful: the"
        " source model is wrong and the adapted one right; harmful: the reverse."
    )
    title = "Answers that adaptation changes"
    return _by_method(panel, hardest(panel, found), "flips", title, columns, row, note)


def collapse(panel: Panel, found: Sequence[Stream]) -> Table | None:
    """Return whether methods end with few classes."""

    def row(group: list[Stream]) -> list[Value]:
        mine = [_histogram(s.said[s.last(_END)]) for s in group]
        source = [_histogram(s.source_said[s.last(_END)]) for s in group]
        flags = [
            stream.label
            for stream, (_, own), (_, its) in zip(group, mine, source, strict=True)
            if own < _COLLAPSED * its
        ]
        noted = [s.record.get("collapse", {}).get("batch_entropy") for s in group]
        known = [facts for facts in noted if facts]
        return [
            f"{len(flags)} of {len(group)}",
            plain(_mean([count for count, _ in mine])),
            plain(_mean([count for count, _ in source])),
            plain(_mean([h for _, h in mine]), 2),
            plain(_mean([h for _, h in source]), 2),
            plain(_mean([f["first_quarter"] for f in known]), 2),
            plain(_mean([f["last_quarter"] for f in known]), 2),
            plain(min((f["lowest_to_average"] for f in known), default=np.nan), 2),
            ", ".join(flags) or None,
        ]

    columns = (
        Column("collapsed", "collapsed", False),
        Column("classes", "classes"),
        Column("classes_source", "source"),
        Column("entropy", "entropy"),
        Column("entropy_source", "source"),
        Column("batch_entropy_first", "batch entropy"),
        Column("batch_entropy_last", "last"),
        Column("lowest_to_average", "dip"),
        Column("where", "where", False),
    )
    note = (
        "classes and entropy (nats): of the classes predicted in the last quarter of a"
        " stream, beside the source model on the same clips; collapsed: the entropy is"
        " below half of the source's. batch entropy: of softmax(mean logits of a"
        " batch), mean of the first and of the last quarter; dip: its lowest ratio to"
        " its moving average (0.9)."
    )
    title = "Collapse: do answers become one?"
    chosen = hardest(panel, found)
    return _by_method(panel, chosen, "collapse", title, columns, row, note)


def _by_method(
    panel: Panel,
    found: Sequence[Stream],
    name: str,
    title: str,
    columns: tuple[Column, ...],
    row: Callable[[list[Stream]], list[Value]],
    note: str,
) -> Table | None:
    rows: list[tuple[Value, ...]] = []
    for method in panel.methods:
        group = [stream for stream in found if stream.method == method]
        if group:
            rows.append((panel.name(method), *row(group)))
    if not rows:
        return None
    head = Column("method", "method", False)
    return Table(name, title, (head, *columns), tuple(rows), note)


def _histogram(classes: NDArray[np.int64]) -> tuple[int, float]:
    """Return how many classes there are, and the entropy of their shares in nats."""
    shares = np.unique(classes, return_counts=True)[1] / len(classes)
    return len(shares), float(-(shares * np.log(shares)).sum())


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if len(values) else np.nan
