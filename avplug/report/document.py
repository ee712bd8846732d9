"""The shell of every page, and tables in it: no request, data escaped."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files

from avplug.report.markup import Child, Markup, tag
from avplug.report.table import Number, Table, Value, text


def document(title: str, kicker: str, main: Child, footer: Child) -> str:
    """Return one self-contained HTML document.

    Args:
        title: Of the window.
        kicker: The small line on top.
        main: What the page is about.
        footer: Where its numbers are from.
    """
    style = files("avplug.report").joinpath("page.css").read_text(encoding="utf-8")
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        # Nothing may be loaded, even if an escape were ever missed.
        tag(
            "meta",
            http_equiv="Content-Security-Policy",
            content="default-src 'none'; style-src 'unsafe-inline'; img-src data:",
        ),
        tag("title", title),
        tag("style", Markup(style)),
    )
    body = tag(
        "body",
        tag("header", tag("p", kicker, class_="kicker")),
        tag("main", main),
        tag("footer", footer),
    )
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def html_table(table: Table, limit: int | None = None, caption: bool = True) -> Markup:
    """Return a table under its title, with its note, at most ``limit`` rows of it."""
    heads = [
        tag("th", c.title, scope="col", class_="num" if c.number else None)
        for c in table.columns
    ]
    rows = table.rows[:limit]
    hidden = len(table.rows) - len(rows)
    note = table.note
    if hidden:
        note = f"{hidden} more rows are in scores.json. {note}"
    grid = tag(
        "table",
        tag("caption", table.title) if caption else None,
        tag("thead", tag("tr", heads)),
        tag("tbody", _rows(table, rows)),
        class_="data grouped" if table.group else "data",
    )
    return tag(
        "div",
        tag("div", grid, class_="scroll", tabindex=0),
        tag("p", note, class_="note") if note else None,
    )


def _rows(table: Table, rows: tuple[tuple[Value, ...], ...]) -> Iterator[Child]:
    before: tuple[Value, ...] = ()
    for row in rows:
        same = bool(before) and row[: table.group] == before[: table.group]
        yield tag(
            "tr",
            [
                _cell(value, column.number, same and i < table.group)
                for i, (value, column) in enumerate(
                    zip(row, table.columns, strict=True)
                )
            ],
            class_="first" if table.group and not same else None,
        )
        before = row


def _cell(value: Value, number: bool, again: bool) -> Markup:
    shown: Child = text(value)
    if again:
        return tag("td", tag("span", shown, class_="again"))
    if isinstance(value, Number) and value.interval:
        shown = [shown, tag("small", value.interval)]
    return tag("td", shown, class_="num" if number else None)
