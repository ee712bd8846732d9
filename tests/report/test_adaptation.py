"""What the report tells of adaptation, from stores whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest

from avplug.bench.store import Places
from avplug.core.metric import Predictions
from avplug.report.adaptation import adaptation_tables
from avplug.report.html import page
from avplug.report.markdown import markdown, markdown_table
from avplug.report.over_time import WINDOWS, time_figures, windows
from avplug.report.scores import score
from avplug.report.streams import streams
from avplug.report.table import Column, Table, text
from tests.report.stores import TOP1
from tests.report.test_html import read

N, CLASSES = 40, 4
IDS = np.array([f"clip-{i}" for i in range(N)])
LABELS = np.arange(N) % CLASSES
COMMON = {
    "seconds": {"total": 4.0, "adapter": 2.0},
    "memory": {"bytes": 2**20, "measure": "some"},
    "environment": {"device": "cpu"},
}


def answers(said, repeat=1):
    eye = np.eye(CLASSES)
    return Predictions(
        np.tile(IDS, repeat),
        eye[np.asarray(said)].astype(np.float32),
        np.tile(eye[LABELS] > 0, (repeat, 1)),
    )


def wrong_from(start):
    """Right up to a clip, then always class 0: a collapse."""
    return np.where(np.arange(N) < start, LABELS, 0)


@pytest.fixture
def stored(maker):
    """Source and TENT: clean, and a continual stream of two corruptions."""

    def put(identity, given, positions=None, **record):
        maker.plan(identity)
        segments = np.repeat(np.arange(len(given) // N), N).astype(np.int32)
        shown = {"evaluated": len(given), "failed": 0}
        record = {**COMMON, "clips": shown, "failures": [], **record}
        record["adapted"] = len(given)
        places = None
        if positions is not None:
            places = Places(segments, np.asarray(positions, np.int32))
        maker.store.put(identity, given, record, places)

    for corruption in (None, "gaussian", "shot"):
        severity = 5 if corruption else 0
        source = wrong_from(N if corruption is None else 36)
        put(
            maker.identity(corruption, severity),
            answers(source),
            diagnostics={"batches": 10, "forwards": 10},
        )
    protocol = {
        "name": "tent",
        "options": {},
        "predicts": "pre",
        "protocol": "continual",
        "order": "shuffled",
        "batch_size": 4,
    }
    counts = {"batches": 20, "forwards": 20, "backwards": 20, "updates": 20}
    part = {"clips": {"evaluated": N, "failed": 0}, "failures": []}
    looks = [
        {"batch": b, "means": [[1, 2], [3, 4]], "masses": [[0.5, 0.5], [m, 1 - m]]}
        for b, m in ((0, 0.25), (10, 0.75))
    ]
    identity = maker.identity()
    del identity["corruption"], identity["severity"]
    stream = [
        {k: maker.identity(name, 5)[k] for k in ("corruption", "severity")}
        for name in ("gaussian", "shot")
    ]
    said = np.concatenate([LABELS, wrong_from(10)])
    put(
        {**identity, "adaptation": protocol, "stream": stream},
        answers(said, 2),
        positions=np.arange(2 * N),
        diagnostics={**counts, "selected": 20},
        segments=[part, part],
        forgetting={"clips": 8, "before": 100.0, "after": 75.0},
        attention={"unit": "", "at": looks},
        collapse={
            "batch_entropy": {
                "first_quarter": 1.0,
                "last_quarter": 0.5,
                "lowest_to_average": 0.25,
                "at_batch": 9,
            }
        },
    )
    put(
        {**maker.identity(), "adaptation": protocol},
        answers(LABELS),
        positions=np.arange(N),
        diagnostics=counts,
    )
    return maker


@pytest.fixture
def panel(stored):
    return score(stored.store, [TOP1], 20).panels[0]


def rows(panel, name):
    found = adaptation_tables(panel, streams(panel))
    (table,) = (table for table in found if table.name == name)
    return {
        str(row[0]): dict(
            zip([c.key for c in table.columns], map(text, row), strict=True)
        )
        for row in table.rows
    }


def test_a_stream_counts_under_each_of_its_corruptions(stored, panel):
    assert [c.label for c in panel.corruptions] == ["gaussian", "shot"]
    table = rows(panel, "tta_corruptions")
    assert table["source"]["gaussian"] == "92.5"
    assert table["tent"]["gaussian"] == "100.0"
    shot = 100 * (wrong_from(10) == LABELS).mean()
    assert table["tent"]["shot"] == f"{shot:.1f}"
    assert table["tent"]["mean"] == f"{(100 + shot) / 2:.1f}"
    scores = score(stored.store, [TOP1], 0)
    assert (scores.finished, scores.planned) == (5, 5)
    assert len(scores.cells) == 6


def test_the_stream_is_read_in_its_order_beside_its_source(panel):
    (stream,) = (s for s in streams(panel) if s.severity)
    assert stream.label == "gaussian s5 … shot s5"
    assert stream.right[:40].all()
    assert (stream.said[50:] == 0).all()
    mine, source = windows(stream)
    assert len(mine) == len(source) == WINDOWS
    assert mine[0] == (1, 100.0)
    assert mine[-1] == (10, 25.0)
    assert source[0] == (1, 100.0)


def test_flips_are_against_the_source_on_the_same_clips(panel):
    row = rows(panel, "flips")["tent"]
    source = np.tile(wrong_from(36), 2)
    said = np.concatenate([LABELS, wrong_from(10)])
    labels = np.tile(LABELS, 2)
    helpful = ((said == labels) & (source != labels)).mean()
    harmful = ((said != labels) & (source == labels)).mean()
    assert row["changed"] == f"{100 * (said != source).mean():.1f}"
    assert row["helpful"] == f"{100 * helpful:.1f}"
    assert row["harmful"] == f"{100 * harmful:.1f}"


def test_a_stream_that_ends_with_one_class_is_flagged(panel):
    row = rows(panel, "collapse")["tent"]
    assert row["collapsed"] == "1 of 1"
    assert row["classes"] == "1.0"
    assert row["classes_source"] == "4.0"
    assert row["entropy"] == "0.00"
    assert row["lowest_to_average"] == "0.25"
    assert row["where"] == "gaussian s5 … shot s5"


def test_cost_forgetting_and_attention_come_from_the_records(panel):
    cost = rows(panel, "cost")["tent"]
    assert (cost["forwards"], cost["backwards"]) == ("1.00", "1.00")
    # 20 selected of 80 clips in the stream and 40 clean ones.
    assert cost["selected"] == f"{100 * 20 / 120:.1f}"
    # 2 s for the stream and 2 s for the clean clips, against 2 s for 40 clips each.
    assert cost["milliseconds"] == f"{1000 * 4 / 120:.2f}"
    assert cost["ratio"] == f"{(4 / 120) / (2 / 40):.2f}"
    assert cost["memory"] == "1.0"
    row = rows(panel, "forgetting")["tent"]
    assert (row["before"], row["after"], row["lost"]) == ("100.0", "75.0", "+25.0")
    table = adaptation_tables(panel, [])
    (attention,) = (t for t in table if t.name == "attention")
    assert [text(v) for v in attention.rows[0]][:6] == [
        *("tent", "first", "1.0", "2.0", "3.0", "4.0"),
    ]
    assert [text(row[-1]) for row in attention.rows] == ["25.0", "75.0"]


def test_the_spread_over_seeds_has_mean_std_and_worst(maker):
    for seed, start in ((0, 20), (1, 28), (2, 36)):
        given = answers(wrong_from(start))
        maker.add(answers(LABELS), seed=seed)
        maker.add(given, "gaussian", 5, seed=seed)
    panel = score(maker.store, [TOP1], 0).panels[0]
    row = rows(panel, "seeds")["source"]
    values = [100 * (wrong_from(s) == LABELS).mean() for s in (20, 28, 36)]
    assert row["mean"] == f"{np.mean(values):.1f}"
    assert row["top_std"] == row["mean_std"] == f"{np.std(values, ddof=1):.2f}"
    assert row["top_worst"] == row["mean_worst"] == f"{min(values):.1f}"
    (table,) = adaptation_tables(panel, streams(panel))
    assert table.name == "seeds", "nothing adapts"


def test_figures_are_drawn_where_there_is_something_to_draw(panel):
    figures = "".join(time_figures(panel, streams(panel), "p"))
    assert "Accuracy along the stream" in figures
    assert "Attention of the picture to the sound" in figures
    assert "Accuracy by pass" not in figures
    assert list(time_figures(panel, [], "p")) == []


def test_passes_are_drawn_where_answers_are_frozen(maker):
    maker.add(answers(wrong_from(36)), "gaussian", 5)
    identity = maker.identity("gaussian", 5, tta="tent")
    maker.plan(identity)
    record = {
        **COMMON,
        "clips": {"evaluated": N, "failed": 0},
        "adapted": 2 * N,
        "failures": [],
        "diagnostics": {},
        "passes": [50.0, 60.0],
    }
    places = Places(np.zeros(N, np.int32), np.arange(N, dtype=np.int32))
    maker.store.put(identity, answers(LABELS), record, places)
    panel = score(maker.store, [TOP1], 0).panels[0]
    figures = "".join(time_figures(panel, streams(panel), "p"))
    assert "tent: pass 1 50.0, pass 2 60.0, frozen 100.0." in figures
    assert "source: frozen 92.5." in figures
    assert "Accuracy along the stream" not in figures


def test_the_page_stays_well_formed(stored):
    reader = read(page(score(stored.store, [TOP1], 20)))
    shown = "".join(reader.text)
    assert "Collapse: do answers become one?" in shown
    assert "protocol continual, shuffled, batches of 4" in shown
    ids = [attrs["id"] for _, attrs in reader.elements if "id" in attrs]
    assert len(ids) == len(set(ids))


def test_markdown_holds_the_same_tables_and_escapes_what_it_shows(stored):
    shown = markdown(score(stored.store, [TOP1], 20))
    assert "### Forgetting: clean clips after adaptation" in shown
    assert "| tent | 8 | 100.0 | 75.0 | +25.0 |" in shown
    hostile = Table("t", "a|b\n# c", (Column("k", "<b>"),), (("`x` | *y*",),))
    lines = markdown_table(hostile).splitlines()
    assert lines[0] == r"### a\|b \# c"
    assert lines[2:] == ["| &lt;b&gt; |", "| ---: |", r"| \`x\` \| \*y\* |"]


def test_a_store_of_before_streams_is_still_read(full):
    panel = score(full.store, [TOP1], 20).panels[0]
    assert streams(panel) == []
    names = [table.name for table in adaptation_tables(panel, [])]
    assert names == ["tta_corruptions"]
