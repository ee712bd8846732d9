r"""Tables as LaTeX, for papers: booktabs, the best number bold, the second underlined.

What a table holds comes from data: names of files, classes and plugins. Every character
that TeX takes for more than itself is escaped, so that no name can open a group, end a
row or read a file. The tables need ``booktabs``, wide ones ``graphicx`` as well, and
those of more than a page ``longtable``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from avplug.report.ranking import ranks
from avplug.report.table import Number, Table, text

#: So many columns of numbers and more: heads stand upright, intervals are left out.
WIDE = 10

#: More lines than this do not fit on a page.
LONG = 50

_ESCAPED = str.maketrans(
    {
        "\0": "{}",
        "\\": r"\textbackslash{}",
        "{": r"\{",
        "}": r"\}",
        "$": r"\$",
        "&": r"\&",
        "#": r"\#",
        "%": r"\%",
        "_": r"\_",
        "^": r"\textasciicircum{}",
        "~": r"\textasciitilde{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        "`": r"\textasciigrave{}",
        # Active in some languages of babel.
        '"': r"{\char34}",
        # Behind the end of a row these would be an option of it.
        "*": "{*}",
        "[": "{[}",
        "]": "{]}",
        # What the report itself prints, and fonts of old lack.
        "−": "$-$",
        "±": r"$\pm$",
        "×": r"$\times$",
        "·": r"$\cdot$",
        "–": r"\textendash{}",
        "…": r"\ldots{}",
        "α": r"$\alpha$",
        "δ": r"$\delta$",
        "ρ": r"$\rho$",
        "→": r"$\to$",
        "✓": r"$\surd$",
        "✗": r"$\times$",
    }
)
_MARKS = {1: r"\textbf{", 2: r"\underline{"}


def latex(shown: str) -> str:
    """Return text that LaTeX prints as it stands; blanks become one space.

    Letters of other alphabets are left to the font. What cannot be printed is a
    question mark.
    """
    words = " ".join(shown.split())
    safe = "".join(c if c.isprintable() else "?" for c in words)
    # Of two in a row fonts make another sign.
    return re.sub(r"([-',])(?=\1)", "\\1\0", safe).translate(_ESCAPED)


def latex_table(table: Table, caption: Sequence[str] = ()) -> str:
    """Return a ``table`` environment with caption and label; a ``longtable`` of many.

    Numbers have their intervals in a row below; a wide table says in its caption how
    far they reach instead.

    Args:
        table: What it shows.
        caption: Sentences behind the title and the note.
    """
    numbers = sum(column.number for column in table.columns)
    wide = numbers >= WIDE
    marked = ranks(table)
    sentences = [_sentence(table.title), table.note, *_marks(marked), *caption]
    sentences += [_reach(table)] if wide else []
    body = list(_rows(table, marked, intervals=not wide))
    packages = ["booktabs"]
    packages += ["longtable"] if len(body) > LONG else []
    packages += ["graphicx"] if wide else []
    about = [
        rf"\caption{{{latex(' '.join(filter(None, sentences)))}}}",
        rf"\label{{tab:avplug-{_label(table.name)}}}",
    ]
    setting = r"\setlength{\tabcolsep}{3pt}" if wide else ""
    columns = "".join("lr"[column.number] for column in table.columns)
    heads = [r"    \toprule", *_heads(table, upright=wide), r"    \midrule"]
    if len(body) > LONG:
        lines = _across_pages(columns, about, heads, body, setting)
    else:
        name = "table*" if numbers > WIDE // 2 else "table"
        lines = _on_a_page(name, columns, [*about, setting], [*heads, *body])
    needs = f"% needs \\usepackage{{{','.join(packages)}}}"
    return "\n".join([needs, *filter(None, lines)]) + "\n"


def _on_a_page(
    name: str, columns: str, about: Sequence[str], lines: Sequence[str]
) -> Iterator[str]:
    yield rf"\begin{{{name}}}"
    yield r"  \centering"
    yield from (f"  {line}" for line in about if line)
    yield rf"  \begin{{tabular}}{{{columns}}}"
    yield from (*lines, r"    \bottomrule", r"  \end{tabular}")
    yield rf"\end{{{name}}}"


def _across_pages(
    columns: str,
    about: Sequence[str],
    heads: Sequence[str],
    body: Sequence[str],
    setting: str,
) -> Iterator[str]:
    # A longtable is no float: what is set for it is set within a group.
    yield r"\begingroup"
    yield f"  {setting}" if setting else ""
    yield rf"  \begin{{longtable}}{{{columns}}}"
    yield rf"    {' '.join(about)} \\"
    yield from (*heads, r"    \endhead", *body, r"    \bottomrule")
    yield r"  \end{longtable}"
    yield r"\endgroup"


def _sentence(title: str) -> str:
    capital = title[:1].upper() + title[1:]
    return capital if title.endswith(".") else f"{capital}."


def _heads(table: Table, upright: bool) -> Iterator[str]:
    spans = [
        (over, [place for place, _ in group])
        for over, group in groupby(enumerate(table.columns), lambda c: c[1].over)
    ]
    if any(over for over, _ in spans):
        heads = [
            rf"\multicolumn{{{len(places)}}}{{c}}{{{latex(over)}}}"
            if over
            else " & ".join("" for _ in places)
            for over, places in spans
        ]
        yield _row(heads)
        rules = [
            rf"\cmidrule(lr){{{places[0] + 1}-{places[-1] + 1}}}"
            for over, places in spans
            if over
        ]
        yield f"    {' '.join(rules)}"
    titles = [latex(column.title) for column in table.columns]
    if upright:
        titles = [
            rf"\rotatebox{{90}}{{{title}}}" if column.number else title
            for title, column in zip(titles, table.columns, strict=True)
        ]
    yield _row(titles)


def _rows(
    table: Table, marked: dict[tuple[int, int], int], intervals: bool
) -> Iterator[str]:
    before: tuple[object, ...] = ()
    for number, row in enumerate(table.rows):
        kept = next(
            (i for i in range(table.group) if row[: i + 1] != before[: i + 1]),
            table.group,
        )
        if before and table.group and not kept:
            yield r"    \addlinespace"
        cells = []
        for place, value in enumerate(row):
            shown = "" if before and place < kept else latex(text(value))
            mark = _MARKS.get(marked.get((number, place), 0), "")
            cells.append(f"{mark}{shown}}}" if mark else shown)
        yield _row(cells)
        ends = [v.interval if isinstance(v, Number) else "" for v in row]
        if intervals and any(ends):
            yield _row([rf"\scriptsize {latex(end)}" if end else "" for end in ends])
        before = row


def _row(cells: Sequence[str]) -> str:
    return f"    {' & '.join(cells)} \\\\"


def _marks(marked: dict[tuple[int, int], int]) -> Iterator[str]:
    if marked:
        second = ", the second underlined" if 2 in marked.values() else ""
        yield f"The best of each column is bold{second}."


def _reach(table: Table) -> str:
    found = [
        (value.estimate.high - value.estimate.low, value.digits)
        for row in table.rows
        for value in row
        if isinstance(value, Number) and value.interval
    ]
    if not found:
        return ""
    width, digits = max(found)
    return f"No interval is wider than {width:.{digits}f}."


def _label(name: str) -> str:
    return "".join(c if c.isascii() and c.isalnum() else "-" for c in name)
