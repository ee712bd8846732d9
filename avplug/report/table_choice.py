"""One kind of table at a time, in the form that it is asked for."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from avplug.bench.store import StoredCell
from avplug.core.errors import UsageError, closest
from avplug.report.adaptation import adaptation_tables
from avplug.report.attack_tables import attack_tables
from avplug.report.benchmark_tables import per_corruption, per_severity
from avplug.report.captions import caption
from avplug.report.corruption_error import corruption_error_table
from avplug.report.export import dump
from avplug.report.latex import latex_table
from avplug.report.markdown import markdown_table
from avplug.report.panel import Panel
from avplug.report.scores import Scores
from avplug.report.spread import seeds
from avplug.report.streams import streams
from avplug.report.table import Number, Table, Value
from avplug.report.tables import main_table, tta_table


@dataclass(frozen=True, slots=True)
class Printed:
    """A table with what its caption says."""

    table: Table
    caption: tuple[str, ...]


_Make: TypeAlias = Callable[[Panel, int | None], Sequence[Table | None]]

#: Tables of a panel by the name of their kind.
_OF_PANELS: dict[str, _Make] = {
    "main": lambda panel, _: [main_table(panel)],
    "per-corruption": lambda panel, severity: [per_corruption(panel, severity)],
    "per-severity": lambda panel, _: [per_severity(panel)],
    "tta": lambda panel, _: [tta_table(panel)],
    "adaptation": lambda panel, _: adaptation_tables(panel, streams(panel)),
    "seeds": lambda panel, _: [seeds(panel)],
    "mce": lambda panel, _: [corruption_error_table(panel)],
}

#: Names of all kinds: those, of attacked cells, and in a paper's own form.
TABLES = (*_OF_PANELS, "attacks", "paper")

FORMATS = ("md", "latex", "csv", "json")


def require(name: str, form: str) -> None:
    """Refuse a kind or a form that there is not, before anything is computed.

    Raises:
        UsageError: There is no such kind or form.
    """
    if name not in TABLES:
        raise UsageError(
            f"There is no table {name!r}.{closest(name, TABLES)}",
            f"Tables: {', '.join(TABLES)}.",
        )
    if form not in FORMATS:
        raise UsageError(
            f"There is no format {form!r}.", f"Formats: {', '.join(FORMATS)}."
        )


def choose(scores: Scores, name: str, severity: int | None = None) -> list[Printed]:
    """Return the tables of a kind, one or more for each data set and metric.

    Args:
        scores: What they are of.
        name: One of :data:`TABLES`.
        severity: Of ``per-corruption``; the mean of the severities if None.

    Raises:
        UsageError: The results have nothing for it, or not the severity.
    """
    found = available(scores, name, severity)
    if not found:
        raise UsageError(
            f"These results have nothing for the table {name!r}.", _WHY.get(name, "")
        )
    return found


def available(scores: Scores, name: str, severity: int | None = None) -> list[Printed]:
    """Return the tables of a kind, none where the results have nothing for it."""
    return list(_made(scores, name, severity))


_WHY = {
    "per-corruption": "It is of corrupted cells; none is finished.",
    "per-severity": "It is of corrupted cells; none is finished.",
    "tta": "It is of adaptation methods beside their source model: --tta source,tent.",
    "adaptation": "It is of adaptation methods beside their source model.",
    "seeds": "It is of several seeds: --seed 0,1,2, or several runs.",
    "mce": "It is of corrupted cells, and of a percentage of which more is better.",
    "attacks": "It is of attacked cells: --attack.",
    "paper": "A suite states these: avplug list suite.",
}


def _made(scores: Scores, name: str, severity: int | None) -> Iterator[Printed]:
    make = _OF_PANELS.get(name)
    if make:
        for panel in scores.panels:
            stored = [cell.stored for cell in panel.cells]
            for table in make(panel, severity):
                if table is not None:
                    yield _captioned(table, stored, scores.resamples)
    elif name == "attacks":
        for attacks in scores.attacks:
            stored = [cell.stored for cell in attacks.cells]
            for table in attack_tables(attacks):
                yield _captioned(table, stored, scores.resamples)
    else:
        stored = [cell.stored for panel in scores.attacks for cell in panel.cells]
        for table in scores.papers:
            yield _captioned(table, stored, None)


def _captioned(
    table: Table, stored: Sequence[StoredCell], resamples: int | None
) -> Printed:
    """Speak of intervals over clips where there are some, and of seeds never."""
    numbers = (value for row in table.rows for value in row)
    has = any(isinstance(value, Number) and value.interval for value in numbers)
    said = not has if resamples == 0 else has and table.name != "seeds"
    return Printed(table, tuple(caption(stored, resamples if said else None)))


def render(tables: Sequence[Printed], form: str) -> str:
    """Return tables as ``"md"``, ``"latex"``, ``"csv"`` or ``"json"``.

    CSV and JSON have numbers as computed, with the ends of their intervals; CSV holds
    one table and no caption.

    Raises:
        UsageError: CSV is asked to hold several tables.
    """
    if form == "md":
        return "\n\n".join(markdown_table(p.table, p.caption) for p in tables) + "\n"
    if form == "latex":
        return "\n".join(latex_table(p.table, p.caption) for p in tables)
    if form == "json":
        return dump([_plain(p) for p in tables])
    if len(tables) > 1:
        titles = "; ".join(p.table.title for p in tables)
        raise UsageError(
            f"CSV holds one table; there are {len(tables)}: {titles}.",
            "Choose one metric with --metric and one run, or take --format json.",
        )
    return _csv(tables[0].table)


def _plain(printed: Printed) -> dict[str, Any]:
    table = printed.table
    keys = [column.key for column in table.columns]
    return {
        "name": table.name,
        "title": table.title,
        "note": table.note,
        "caption": list(printed.caption),
        "columns": [
            {"key": c.key, "title": c.title, "over": c.over} for c in table.columns
        ],
        "rows": [dict(zip(keys, map(_data, row), strict=True)) for row in table.rows],
    }


def _data(value: Value) -> Any:
    if not isinstance(value, Number):
        return value
    found = value.estimate
    return {"value": found.value, "low": found.low, "high": found.high}


def _csv(table: Table) -> str:
    output = io.StringIO()
    writer = csv.writer(output, lineterminator="\n")
    split = [
        any(isinstance(row[place], Number) for row in table.rows)
        for place in range(len(table.columns))
    ]
    heads: list[str] = []
    for column, ends in zip(table.columns, split, strict=True):
        heads += [f"{column.key}{end}" for end in (_ENDS if ends else ("",))]
    writer.writerow(heads)
    for row in table.rows:
        fields: list[object] = []
        for value, ends in zip(row, split, strict=True):
            fields += _three(value) if ends else [value]
        writer.writerow(fields)
    return output.getvalue()


_ENDS = ("", "_low", "_high")


def _three(value: Value) -> list[object]:
    if not isinstance(value, Number):
        return [value, None, None]
    found = value.estimate
    numbers = (found.value, found.low, found.high)
    return [number if math.isfinite(number) else None for number in numbers]
