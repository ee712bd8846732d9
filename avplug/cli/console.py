"""The only place that prints: data to stdout, messages to stderr."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from avplug.cli import stdout
from avplug.core.errors import AvplugError

if TYPE_CHECKING:
    from rich.console import Console

_ODD = "\N{REPLACEMENT CHARACTER}"


def take_any_text() -> None:
    """Let stdout and stderr show what they cannot encode as ``?``, not die of it."""
    for stream in (sys.stdout, sys.stderr):
        if getattr(stream, "errors", None) == "strict":
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]


def print_line(text: str = "") -> None:
    """Write a line of data to stdout."""
    typer.echo(_printable(text), stdout.data())


def message(text: str) -> None:
    """Write a line for the reader to stderr."""
    typer.echo(_printable(text), err=True)


def error(failure: AvplugError) -> None:
    """Write an expected failure, and what to do about it, to stderr."""
    message(f"Error: {failure.message}")
    if failure.hint:
        message(failure.hint.lstrip("\n"))


@contextmanager
def debugging() -> Iterator[None]:
    """Show what the block logs for who looks for a fault, tracebacks among it."""
    import logging

    class Shown(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            message(self.format(record))

    logger, shown = logging.getLogger("avplug"), Shown()
    before = logger.level
    logger.addHandler(shown)
    logger.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        logger.setLevel(before)
        logger.removeHandler(shown)


def print_json(value: Any) -> None:
    """Write a value as JSON to stdout; what is not finite becomes null."""
    plain = _plain(value)
    text = json.dumps(plain, indent=2, ensure_ascii=False)
    try:
        text.encode(getattr(stdout.data(), "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(plain, indent=2)
    typer.echo(text, stdout.data())


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, str | int | float):
        return value
    return str(value)


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Write a table: fitted to a terminal, else with every character kept."""
    cells = [[_cell(value) for value in row] for row in rows]
    if stdout.data().isatty():
        _rich_table(columns, cells)
        return
    widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
    for row in (columns, *cells):
        padded = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        typer.echo("  ".join(padded).rstrip(), stdout.data())


def _rich_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    # Costs as much as the rest of the start-up: only for a terminal.
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        # A name that is cut could not be copied.
        shown.add_column(Text(column), overflow="fold")
    for row in rows:
        shown.add_row(*map(Text, row))
    rich_console().print(shown)


def rich_console(width: int | None = None) -> Console:
    """Return a console on stdout.

    Args:
        width: Of a file or a pipe, which have none: nothing need be left out there.
    """
    from rich.console import Console

    console = Console(file=stdout.data())
    return console if console.is_terminal else Console(file=stdout.data(), width=width)


def _printable(text: str) -> str:
    """Keep text of plugins and files from steering the terminal."""
    return "".join(c if c.isprintable() or c in "\n\t" else _ODD for c in text)


def _cell(value: object) -> str:
    return _printable(" ".join(str(value).splitlines()))
