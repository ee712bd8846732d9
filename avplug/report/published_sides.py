"""A run beside one source, as two tables: the numbers, and how the protocols differ."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from avplug.report.attacked import AttackPanel
from avplug.report.panel import Panel
from avplug.report.published_protocol import Aspect
from avplug.report.published_sources import Source
from avplug.report.table import Column, Table

_COLUMNS = (
    Column("aspect", "aspect", False),
    Column("published", "published", False),
    Column("own", "this run", False),
    Column("finding", "finding", False),
)


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


def protocol_table(
    name: str, title: str, differing: Iterable[Aspect], note: str = ""
) -> Table:
    """Return in what a run and a source were made differently.

    Args:
        name: Of the table, as files and anchors have it.
        title: Of the table.
        differing: One row each.
        note: More than where the rows are from, which it says by itself.
    """
    origin = "Out of the run's record and what the source, or its authors' code, says."
    rows = tuple((a.name, a.published, a.own, a.finding) for a in differing)
    return Table(name, title, _COLUMNS, rows, f"{origin} {note}".rstrip())


def dataset_of(panel: Panel | AttackPanel) -> str:
    """Return what the run calls the data set of these cells."""
    return str(panel.cells[0].stored.cell["dataset"]["name"])
