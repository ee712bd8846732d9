"""The tables of a report as Markdown, for notes and pull requests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from avplug.report import tables
from avplug.report.adaptation import adaptation_tables
from avplug.report.attack_checks import checks_table
from avplug.report.attack_tables import attack_tables
from avplug.report.attack_verdict import verdict_of
from avplug.report.corruption_error import corruption_error_table
from avplug.report.localisation import localisation_table
from avplug.report.panel import Panel
from avplug.report.ranking import ranks
from avplug.report.scores import Scores
from avplug.report.streams import streams
from avplug.report.table import Number, Table, Value, text

#: What Markdown or HTML would take for more than text.
_SPECIAL = str.maketrans(
    {c: f"\\{c}" for c in "\\`*_[]|#"} | {"<": "&lt;", ">": "&gt;", "&": "&amp;"}
)


def markdown(scores: Scores) -> str:
    """Return verdicts and tables of every panel; text from data is escaped."""
    parts = [part for panel in scores.panels for part in _panel(scores, panel)]
    parts += map(markdown_table, scores.papers)
    for pair in scores.published:
        parts += map(markdown_table, (pair.numbers, pair.protocol))
    for attacks in scores.attacks:
        title = f"{attacks.dataset}, {attacks.metric.title}, under attack"
        parts.append(f"## {plain_markdown(title)}")
        parts += map(markdown_table, attack_tables(attacks))
        localised = localisation_table(attacks)
        parts += [markdown_table(localised)] if localised else []
        parts.append(markdown_table(checks_table(attacks)))
    parts += [f"> {plain_markdown(note)}" for note in scores.notes]
    if scores.finished < scores.planned:
        parts.append(f"> {scores.finished} of {scores.planned} cells are finished.")
    return "\n\n".join(parts) + "\n"


def markdown_table(table: Table, caption: Sequence[str] = ()) -> str:
    """Return a table under its title, with its note; the best numbers are bold.

    Args:
        table: What it shows.
        caption: Sentences behind the note.
    """
    marked = ranks(table)
    heads = [plain_markdown(column.title) for column in table.columns]
    rules = ["---:" if column.number else "---" for column in table.columns]
    body = [
        [_cell(value, marked.get((i, j)) == 1) for j, value in enumerate(row)]
        for i, row in enumerate(table.rows)
    ]
    lines = [f"| {' | '.join(row)} |" for row in (heads, rules, *body)]
    note = plain_markdown(" ".join(filter(None, (table.note, *caption))))
    return "\n\n".join(
        [
            f"### {plain_markdown(table.title)}",
            "\n".join(lines),
            *([note] if note else []),
        ]
    )


def _panel(scores: Scores, panel: Panel) -> Iterator[str]:
    words = verdict_of(scores, panel)
    yield f"## {plain_markdown(panel.dataset)}, {plain_markdown(panel.metric.title)}"
    yield plain_markdown(" ".join((words.headline, *words.details)))
    yield markdown_table(tables.main_table(panel))
    errors = corruption_error_table(panel)
    if errors:
        yield markdown_table(errors)
    for table in adaptation_tables(panel, streams(panel)):
        yield markdown_table(table)


def _cell(value: Value, best: bool) -> str:
    shown = plain_markdown(text(value))
    shown = f"**{shown}**" if best else shown
    if isinstance(value, Number) and value.interval:
        return f"{shown} ({plain_markdown(value.interval)})"
    return shown


def plain_markdown(shown: str) -> str:
    """Return text that Markdown shows as it stands, on one line."""
    return " ".join(shown.translate(_SPECIAL).split())
