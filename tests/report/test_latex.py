"""Tables as LaTeX: escapes, structure, marks. A reader of TeX's rules checks them."""

from __future__ import annotations

import math
import re
import shutil
import subprocess

import pytest
from hypothesis import given, strategies as st

from avplug.report.latex import latex, latex_table
from avplug.report.ranking import ranks
from avplug.report.statistics import Estimate
from avplug.report.table import Column, Number, Table, plain

#: What a table may call; a name from data must never become another.
KNOWN = re.findall(
    r"\w+",
    "textbackslash textasciicircum textasciitilde textless textgreater textbar"
    " textasciigrave char times pm cdot ldots alpha delta rho textendash"
    " begin end centering caption label setlength tabcolsep toprule midrule bottomrule"
    " cmidrule multicolumn rotatebox addlinespace scriptsize textbf underline"
    " surd to begingroup endgroup endhead",
)
ODD = st.text(
    alphabet=st.one_of(
        st.sampled_from("\\{}$&#_%^~<>|`'\"*[]-–−±×·…αρ,!?\n\t "), st.characters()
    ),
    max_size=30,
)
TOKEN = re.compile(r"\\([A-Za-z]+|.)|(.)", re.DOTALL)


def tokens(source):
    """TeX's tokens: ``("\\", name)`` or ``("", character)``; comments are gone."""
    lines = [line for line in source.splitlines() if not line.startswith("%")]
    for match in TOKEN.finditer("\n".join(lines)):
        yield ("\\", match[1]) if match[1] else ("", match[2])


def check(source):
    """Groups, mathematics and environments close; nothing unknown is called."""
    depth, math_on = 0, False
    for kind, token in tokens(source):
        if kind and token.isalpha():
            assert token in KNOWN, token
        elif not kind and token in "{}":
            depth += 1 if token == "{" else -1
            assert depth >= 0
        elif not kind:
            assert token not in "#%~^_", token
            math_on ^= token == "$"
    assert depth == 0
    assert not math_on
    opened = re.findall(r"\\begin\{(\w+\*?)\}", source)
    assert sorted(opened) == sorted(re.findall(r"\\end\{(\w+\*?)\}", source))


def rows(source):
    """The rows between the rules as lists of columns, each with its width."""
    inside = source.split(r"\toprule")[1].split(r"\bottomrule")[0]
    inside = re.sub(
        r"\\(?:midrule|endhead|addlinespace)|\\cmidrule\(lr\)\{[\d-]+\}", "", inside
    )
    found, row, depth = [], [""], 0
    for kind, token in tokens(inside):
        if not kind and token in "{}":
            depth += 1 if token == "{" else -1
        if (kind, token) == ("\\", "\\"):
            assert depth == 0
            found.append(row)
            row = [""]
        elif (kind, token) == ("", "&"):
            assert depth == 0
            row.append("")
        else:
            row[-1] += kind + token
    return found


def width(row):
    spans = [re.match(r"\s*\\multicolumn\{(\d+)\}", cell) for cell in row]
    return sum(int(span[1]) if span else 1 for span in spans)


@given(ODD)
def test_any_text_is_nothing_but_text(text):
    found = latex(text)
    check(found)
    assert "&" not in [t for k, t in tokens(found) if not k]
    assert "\n" not in found
    assert not re.search(r"--|''|,,|\?`|!`", found), "no ligature"
    assert not found.startswith(("[", "*"))


@pytest.mark.parametrize(
    ("given_text", "shown"),
    [
        ("a_b & 50 %", r"a\_b \& 50 \%"),
        ("\\input{/etc/passwd}", r"\textbackslash{}input\{/etc/passwd\}"),
        ("cav-mae--x", "cav-mae-{}-x"),
        ("−3.1 ± 2 × ρ", r"$-$3.1 $\pm$ 2 $\times$ $\rho$"),
        ("[x]*", "{[}x{]}{*}"),
        ("a\x00b\ud800\n c", "a?b? c"),
    ],
)
def test_escapes(given_text, shown):
    assert latex(given_text) == shown


def numbers(*values, digits=1):
    return tuple(plain(value, digits) for value in values)


@given(st.lists(st.tuples(ODD, ODD), min_size=1, max_size=4), ODD, st.booleans())
def test_any_names_make_a_sound_table(names, title, wide):
    count = 12 if wide else 3
    table = Table(
        "x",
        title,
        (
            Column("a", title, False),
            Column("b", "", False),
            *(
                Column(f"c{i}", title, over="" if i == 0 else title, better=1)
                for i in range(count)
            ),
        ),
        tuple((a, b, *numbers(*range(count))) for a, b in names),
        title,
        group=1,
    )
    source = latex_table(table, [title])
    check(source)
    assert {width(row) for row in rows(source)} == {count + 2}
    columns = re.search(r"\\begin\{tabular\}\{([lr]+)\}", source)[1]
    assert len(columns) == count + 2


def test_best_is_bold_and_second_underlined_with_the_metrics_sense():
    table = Table(
        "x",
        "T",
        (
            Column("m", "m", False),
            Column("up", "up", better=1),
            Column("down", "down", better=-1),
            Column("none", "none"),
        ),
        (
            ("a", *numbers(1.0, 1.0, 1.0)),
            ("b", *numbers(2.0, 2.0, 2.0)),
            ("c", *numbers(3.0, 3.0, 3.0)),
            ("d", plain(math.nan), None, "x"),
        ),
    )
    body = rows(latex_table(table))[1:]
    assert [cell.strip() for cell in body[0]] == ["a", "1.0", r"\textbf{1.0}", "1.0"]
    assert [c.strip() for c in body[1]] == [
        *("b", r"\underline{2.0}", r"\underline{2.0}", "2.0")
    ]
    assert [cell.strip() for cell in body[2]] == ["c", r"\textbf{3.0}", "3.0", "3.0"]
    assert "second underlined" in latex_table(table)


def test_ties_share_a_rank_as_printed_and_rows_compete_within_their_contest():
    table = Table(
        "x",
        "T",
        (Column("q", "q", False), Column("v", "v", better=1)),
        (
            ("a", *numbers(50.01)),
            ("a", *numbers(50.04)),
            ("a", *numbers(40.0)),
            ("b", *numbers(0.5)),
            ("b", *numbers(0.9)),
            ("c", *numbers(1.0)),
        ),
        contest=("q",),
    )
    assert ranks(table) == {(0, 1): 1, (1, 1): 1, (2, 1): 2, (3, 1): 2, (4, 1): 1}


def test_intervals_stand_in_a_row_below_or_in_the_caption_of_a_wide_table():
    value = Number(Estimate(50.0, 45.0, 56.5))
    narrow = Table(
        "x", "T", (Column("m", "m", False), Column("v", "v")), (("a", value),)
    )
    body = rows(latex_table(narrow))
    assert body[2][1].strip() == r"\scriptsize 45.0\textendash{}56.5"
    columns = (Column("m", "m", False), *(Column(f"v{i}", "v") for i in range(12)))
    wide = latex_table(Table("x", "T", columns, (("a", *[value] * 12),)))
    assert len(rows(wide)) == 2
    assert "No interval is wider than 11.5." in wide
    assert r"\rotatebox{90}{v}" in wide


def test_category_heads_span_their_columns():
    columns = (
        Column("m", "m", False),
        Column("clean", "clean"),
        Column("a", "a", over="digital"),
        Column("b", "b", over="digital"),
        Column("c", "c", over="human"),
    )
    source = latex_table(Table("x", "T", columns, (("a", *numbers(1, 2, 3, 4)),)))
    heads = rows(source)[0]
    assert [cell.strip() for cell in heads] == [
        *("", "", r"\multicolumn{2}{c}{digital}", r"\multicolumn{1}{c}{human}")
    ]
    assert r"\cmidrule(lr){3-4} \cmidrule(lr){5-5}" in source


def test_repeated_names_are_printed_once():
    columns = (Column("m", "m", False), Column("q", "q", False), Column("v", "v"))
    body = (("a", "x", *numbers(1)), ("a", "y", *numbers(2)), ("b", "x", *numbers(3)))
    source = latex_table(Table("x", "T", columns, body, group=1))
    assert [row[0].split()[-1:] for row in rows(source)[1:]] == [["a"], [], ["b"]]
    assert source.count(r"\addlinespace") == 1


def test_what_does_not_fit_on_a_page_breaks():
    columns = (Column("m", "m", False), Column("v", "v"))
    body = tuple((f"m{i}", *numbers(i)) for i in range(60))
    source = latex_table(Table("x", "T", columns, body))
    check(source)
    assert source.startswith("% needs \\usepackage{booktabs,longtable}")
    assert r"\begin{longtable}{lr}" in source
    assert "tabular" not in source
    assert len(rows(source)) == 61
    assert {width(row) for row in rows(source)} == {2}


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="pdflatex is not installed")
def test_it_compiles(tmp_path):
    odd = "".join(chr(c) for c in range(32, 127))
    columns = (Column("m", odd, False), *(Column(f"v{i}", "v") for i in range(12)))
    table = latex_table(Table("x", odd, columns, ((odd, *numbers(*range(12))),)), [odd])
    (tmp_path / "t.tex").write_text(
        "\\documentclass{article}\\usepackage{booktabs,graphicx}"
        f"\\begin{{document}}{table}\\end{{document}}",
        encoding="utf-8",
    )
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "t.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:]
