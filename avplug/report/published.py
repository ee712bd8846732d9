"""A run's numbers beside those that papers print.

Nothing is judged here: two papers of one group print figures 1.7 points apart for the
same model and clips. What differs between the protocols is listed beside each
comparison, as far as the run's record and the source tell.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

from avplug.core.published import PublishedProtocol
from avplug.report.panel import Panel
from avplug.report.published_match import Counterpart, counterparts, is_dataset
from avplug.report.published_protocol import aspects
from avplug.report.published_sides import Beside, dataset_of, protocol_table
from avplug.report.published_sources import Source
from avplug.report.table import Column, Number, Table, Value, plain


def beside(
    panels: Sequence[Panel],
    run: Mapping[str, Any],
    sources: Sequence[Source],
    dataset: str | None = None,
) -> list[Beside]:
    """Set a run's numbers beside those of papers, where there are such.

    Args:
        panels: Of the run.
        run: ``run.json``.
        sources: The papers.
        dataset: As a paper calls it, of which the run's clips are taken to be; by
            default what the names of its data sets say.
    """
    found = []
    for source in sources:
        numbers = source.results.numbers
        pairs: dict[str, list[Counterpart]] = {}
        printed: dict[str, set[str]] = {}
        for number in numbers:
            printed.setdefault(number.dataset, set()).add(number.metric)
        for number, panel in product(numbers, panels):
            name = number.dataset
            if is_dataset(name, dataset or dataset_of(panel)):
                found_here = counterparts(panel, number, printed[name])
                pairs.setdefault(name, []).extend(found_here)
        found += [
            _beside(source, name, group, run) for name, group in pairs.items() if group
        ]
    return found


def _beside(
    source: Source, dataset: str, pairs: list[Counterpart], run: Mapping[str, Any]
) -> Beside:
    protocol = source.results.protocols.get(dataset, PublishedProtocol())
    rows = tuple(_row(pair) for pair in pairs)
    numbers = Table(
        "published",
        f"{source.title}: {dataset}, beside this run",
        (
            Column("model", "model", False),
            Column("method", "method", False),
            Column("corruption", "corruption", False),
            Column("severity", "severity"),
            Column("quantity", "quantity", False),
            Column("published", "published"),
            Column("own", "this run"),
            Column("difference", "difference"),
            Column("place", "place", False),
            Column("note", "note", False),
        ),
        rows,
        f"Source: {source.words}. Difference: this run minus the published number. It"
        " says nothing by itself: see how the protocols differ.",
        group=2,
    )
    differing = protocol_table(
        "published_protocol",
        f"{source.title}: {dataset}, how the protocols differ",
        aspects(protocol, pairs, run),
    )
    return Beside(source, dataset, numbers, differing)


def _row(pair: Counterpart) -> tuple[Value, ...]:
    number = pair.number
    digits = 1 if pair.quantity == "value" else 3
    own = Number(pair.point.estimate(pair.quantity), digits)
    # What only a part of the published corruptions is a mean of says so here as well.
    part = number.corruption == "mean15" and pair.corruptions < 15
    corruption = number.corruption
    corruption += f" (own: {pair.corruptions})" if part else ""
    difference = own.estimate.value - number.value
    quantity = pair.panel.metric.head if digits == 1 else pair.quantity
    return (
        number.model,
        number.method,
        corruption,
        number.severity,
        quantity,
        plain(number.value, 2),
        own,
        None if math.isnan(difference) else plain(difference, digits, signed=True),
        number.place,
        number.note,
    )
