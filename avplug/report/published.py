"""A run's numbers beside those that papers print.

Nothing is judged here: two papers of one group print figures 1.7 points apart for the
same model and clips. What differs between the protocols is listed beside each
comparison, as far as the run's record and the source tell.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from avplug.core.components import PublishedSpec
from avplug.core.errors import AvplugError, PluginError
from avplug.core.published import PublishedProtocol, PublishedResults
from avplug.core.registry import Entry, Registry
from avplug.report.panel import Panel
from avplug.report.published_match import Counterpart, counterparts, is_dataset
from avplug.report.published_protocol import aspects
from avplug.report.table import Column, Number, Table, Value, plain

PROTOCOL_COLUMNS = (
    Column("aspect", "aspect", False),
    Column("published", "published", False),
    Column("own", "this run", False),
    Column("finding", "finding", False),
)


@dataclass(frozen=True, slots=True)
class Source:
    """A paper and what it prints.

    Args:
        name: As users type it.
        title: In words.
        paper: arXiv id or address; "" if there is none.
        results: Its numbers.
    """

    name: str
    title: str
    paper: str
    results: PublishedResults

    @property
    def words(self) -> str:
        """The title with where to find it."""
        return f"{self.title} ({self.paper})" if self.paper else self.title


@dataclass(frozen=True, slots=True)
class Beside:
    """A run beside one source on one data set.

    Args:
        source: The paper.
        dataset: As the paper calls it.
        numbers: Both numbers of each quantity, with where the published one stands.
        protocol: In what the two were made differently.
    """

    source: Source
    dataset: str
    numbers: Table
    protocol: Table


def find_sources(registry: Registry, names: Sequence[str] = ()) -> list[Source]:
    """Return the papers of these names; all by default.

    Raises:
        UnknownNameError: There is none of a name.
        PluginError: Its numbers cannot be read.
    """
    if names:
        return [_source(registry.get("published", name)) for name in names]
    return [_source(entry) for entry in registry.entries("published")]


def sound_sources(registry: Registry) -> tuple[list[Source], list[str]]:
    """Return the papers that can be read, and a note for each that cannot."""
    found, notes = [], []
    for entry in registry.entries("published"):
        try:
            found.append(_source(entry))
        except AvplugError as error:
            notes.append(str(error))
    return found, notes


def _source(entry: Entry) -> Source:
    spec = entry.spec
    try:
        results = entry.load()()
    except AvplugError:
        raise
    except Exception as error:
        raise PluginError(
            f"The published numbers '{entry.qualified}' cannot be read: "
            f"{type(error).__name__}: {error}"
        ) from error
    if not isinstance(results, PublishedResults):
        raise PluginError(
            f"'{spec.target}' of {entry.provider} returned a {type(results).__name__},"
            " no PublishedResults."
        )
    title = spec.title if isinstance(spec, PublishedSpec) else ""
    return Source(spec.name, title or spec.name, spec.paper, results)


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
            if is_dataset(name, dataset or _own_name(panel)):
                found_here = counterparts(panel, number, printed[name])
                pairs.setdefault(name, []).extend(found_here)
        found += [
            _beside(source, name, group, run) for name, group in pairs.items() if group
        ]
    return found


def _own_name(panel: Panel) -> str:
    return str(panel.cells[0].stored.cell["dataset"]["name"])


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
    differing = Table(
        "published_protocol",
        f"{source.title}: {dataset}, how the protocols differ",
        PROTOCOL_COLUMNS,
        tuple(
            (a.name, a.published, a.own, a.finding)
            for a in aspects(protocol, pairs, run)
        ),
        "Out of the run's record and what the source, or its authors' code, says.",
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
