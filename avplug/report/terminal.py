"""The tables of a report in a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from rich.console import Console, Group, RenderableType
from rich.measure import Measurement
from rich.table import Table as RichTable
from rich.text import Text

from avplug.report import tables
from avplug.report.attack_checks import checks_table
from avplug.report.attack_tables import summary
from avplug.report.attack_verdict import verdict_of
from avplug.report.attacked import AttackPanel
from avplug.report.panel import Panel
from avplug.report.scores import Scores
from avplug.report.spread import seeds
from avplug.report.table import Number, Table, Value, text


def render(scores: Scores, console: Console) -> RenderableType:
    """Return the summary of a report: verdict and tables of each panel.

    Everything that comes from data is :class:`~rich.text.Text`, so that brackets stay
    brackets. Intervals are left out where the console is too narrow for them.
    """
    return Group(*_parts(scores, console))


def _parts(scores: Scores, console: Console) -> Iterator[RenderableType]:
    for panel in scores.panels:
        words = verdict_of(scores, panel)
        yield _text(words.headline, "bold")
        for detail in words.details:
            yield _text(detail)
        yield Text()
        for table in _tables(panel):
            yield _text(table.title, "italic")
            yield fitted(table, console)
            if table.note:
                yield _text(table.note, "dim")
            yield Text()
    for table in scores.papers:
        yield _text(table.title, "italic")
        yield fitted(table, console)
        yield _text(table.note, "dim")
        yield Text()
    for attacks in scores.attacks:
        for table in (summary(attacks), _noteworthy(attacks)):
            yield _text(table.title, "italic")
            yield fitted(table, console)
            yield _text(table.note, "dim")
            yield Text()
    finished, planned = scores.finished, scores.planned
    if finished < planned:
        yield Text(f"{finished} of {planned} cells are finished.", style="yellow")
    for note in scores.notes:
        yield _text(note, "yellow")


def _tables(panel: Panel) -> Iterator[Table]:
    yield tables.main_table(panel)
    untreated = [method for method in panel.methods if method.source]
    if len(panel.corruptions) > 1:
        for method in untreated or panel.methods[:1]:
            yield tables.corruption_table(panel, method)
    for table in (tables.tta_table(panel), seeds(panel)):
        if table:
            yield table


def _noteworthy(panel: AttackPanel) -> Table:
    """Return the checks that found something; the page has all."""
    table = checks_table(panel)
    passed = sum(row[0] == "passed" for row in table.rows)
    rows = tuple(row for row in table.rows if row[0] != "passed")
    return replace(table, rows=rows, note=f"{passed} passed. {table.note}")


def fitted(table: Table, console: Console) -> RichTable:
    """Return a table with intervals if they fit the console's width, else without."""
    full = rich_table(table)
    # Within the console's own width a table never measures more than that.
    unbounded = console.options.update(max_width=10_000)
    if Measurement.get(console, unbounded, full).maximum <= console.width:
        return full
    return rich_table(table, intervals=False)


def rich_table(table: Table, intervals: bool = True) -> RichTable:
    """Return a table for rich, intervals below the numbers."""
    rich = RichTable(box=None, pad_edge=False)
    for column in table.columns:
        rich.add_column(
            _text(column.title), justify="right" if column.number else "left"
        )
    before: tuple[Value, ...] = ()
    for row in table.rows:
        same = row[: table.group] == before[: table.group]
        shown = [
            Text() if same and i < table.group else _cell(value, intervals)
            for i, value in enumerate(row)
        ]
        rich.add_row(*shown)
        before = row
    return rich


def _cell(value: Value, intervals: bool) -> Text:
    shown = _text(text(value))
    if intervals and isinstance(value, Number) and value.interval:
        shown.append("\n" + value.interval, "dim")
    return shown


def _text(shown: str, style: str = "") -> Text:
    """Keep text from data from steering the terminal or breaking a row."""
    plain = (c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in shown)
    return Text("".join(plain), style)
