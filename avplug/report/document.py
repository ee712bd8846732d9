"""The shell of every page, and tables in it: no request, data escaped."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from importlib.resources import files

from avplug.report.markup import Child, Markup, tag
from avplug.report.table import Number, Table, Value, text


def document(
    title: str,
    kicker: str,
    main: Child,
    footer: Child,
    *,
    sorts: bool = True,
    media: str = "data:",
) -> str:
    """Return one self-contained HTML document.

    Args:
        title: Of the window.
        kicker: The small line on top.
        main: What the page is about.
        footer: Where its numbers are from.
        sorts: Whether it has the script by which tables sort; no other can run.
        media: Where pictures and films may come from, as a content policy says it.
    """
    script = _own("page.js") if sorts else ""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        # Nothing may be loaded or run, even if an escape were ever missed.
        tag(
            "meta",
            http_equiv="Content-Security-Policy",
            content=_policy(script, media),
        ),
        tag("title", title),
        tag("style", Markup(_own("page.css"))),
    )
    body = tag(
        "body",
        tag("a", "Skip to the content", href="#content", class_="skip"),
        tag("header", tag("p", kicker, class_="kicker")),
        tag("main", main, id="content", tabindex=-1),
        tag("footer", footer),
        tag("script", Markup(script)) if script else None,
    )
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def _own(name: str) -> str:
    return files("avplug.report").joinpath(name).read_text(encoding="utf-8")


def _policy(script: str, media: str) -> str:
    rules = [
        "default-src 'none'",
        "style-src 'unsafe-inline'",
        f"img-src {media}",
        f"media-src {media}",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    if script:
        digest = b64encode(sha256(script.encode()).digest()).decode()
        rules.append(f"script-src 'sha256-{digest}'")
    return "; ".join(rules)


def html_table(
    table: Table,
    limit: int | None = None,
    *,
    caption: bool = True,
    blocks: bool = False,
    rest: str = "in scores.json",
) -> Markup:
    """Return a table under its title, with its note.

    Args:
        table: What to show.
        limit: So many rows at most; the note says how many there are besides.
        caption: Whether the title stands above; else it is only read aloud.
        blocks: Whether rows of one group stay together when the table is sorted.
        rest: Where the rows are that it leaves out.
    """
    heads = [
        tag("th", c.title, scope="col", class_="num" if c.number else None)
        for c in table.columns
    ]
    rows = table.rows[:limit]
    hidden = len(table.rows) - len(rows)
    note = table.note
    if hidden:
        note = f"{hidden} more rows are {rest}. {note}"
    kinds = ["data"]
    kinds += ["grouped"] if table.group else []
    kinds += ["blocks"] if blocks else []
    grid = tag(
        "table",
        tag("caption", table.title) if caption else None,
        tag("thead", tag("tr", heads)),
        tag("tbody", _rows(table, rows)),
        class_=" ".join(kinds),
        aria_label=None if caption else table.title,
    )
    return tag(
        "div",
        scrolled(grid, table.title),
        tag("p", note, class_="note") if note else None,
    )


def scrolled(content: Child, name: str) -> Markup:
    """Return what may be wider than the page in a part that scrolls, also by keys."""
    return tag(
        "div", content, class_="scroll", tabindex=0, role="group", aria_label=name
    )


def folded(
    table: Table, limit: int | None = None, rest: str = "in scores.json"
) -> Markup:
    """Return a table that opens on request, with the number of its rows.

    Args:
        table: What to show.
        limit: So many rows at most; the note says how many there are besides.
        rest: Where these are.
    """
    heading = tag("summary", f"{table.title} ({len(table.rows)})")
    shown = html_table(table, limit, caption=False, rest=rest)
    return tag("details", heading, shown)


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
