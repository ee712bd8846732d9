"""Which runs stand in a leaderboard, in what order, and what the others lack."""

from __future__ import annotations

import json

import pytest

from avplug.bench.store import Store
from avplug.core.errors import UsageError
from avplug.core.registry import get_registry
from avplug.report.leaderboard import (
    SEVERITIES,
    benchmark_corruptions,
    board_table,
    leaderboard_page,
    read_leaderboard,
    refused_table,
)
from avplug.report.table import text
from tests.report.stores import StoreMaker, right

ALL = benchmark_corruptions(get_registry())


@pytest.fixture(autouse=True)
def _hasty_disk(monkeypatch):
    """A store of 76 cells need not survive a power cut here."""
    monkeypatch.setattr("os.fsync", lambda handle: None)


def submit(folder, count=12, names=ALL, severities=SEVERITIES, clean=True, **changes):
    maker = StoreMaker(Store(folder))
    if clean:
        maker.add(right(20), **changes)
    for name in names:
        for severity in severities:
            maker.add(right(count), name, severity, **changes)
    return maker


def read(root):
    return read_leaderboard(root, get_registry(), resamples=20)


def faults(root):
    (entry,) = read(root).entries
    return entry.faults


def test_the_benchmark_has_fifteen_corruptions():
    assert len(ALL) == 15


def test_the_best_comes_first_and_boards_are_apart(tmp_path):
    submit(tmp_path / "a", 12, model="one")
    submit(tmp_path / "b", 15, model="two")
    other = StoreMaker(Store(tmp_path / "c"), dataset="vggsound")
    other.add(right(20))
    for name in ALL:
        for severity in SEVERITIES:
            other.add(right(19), name, severity)
    board = read(tmp_path)
    assert board.boards == [
        "events · top-1 accuracy (%)",
        "vggsound · top-1 accuracy (%)",
    ]
    table = board_table(board, board.boards[0])
    shown = [[text(value) for value in row] for row in table.rows]
    assert [row[:5] for row in shown] == [
        ["1", "two:tiny", "source", "75.0", "100.0"],
        ["2", "one:tiny", "source", "60.0", "100.0"],
    ]
    assert [row[5:] for row in shown] == [
        ["0.750", "0.750", "2026-01-01", "b"],
        ["0.600", "0.600", "2026-01-01", "a"],
    ]
    assert len(board_table(board, board.boards[1]).rows) == 1
    assert refused_table(board) is None


def test_a_run_that_lacks_corruptions_or_severities(tmp_path):
    submit(tmp_path / "a", names=ALL[1:], clean=False)
    assert faults(tmp_path) == (f"no cells with {ALL[0]}", "no clean cell")
    maker = submit(tmp_path / "a", names=ALL[1:])
    for severity in (1, 2):
        maker.add(right(3), ALL[0], severity)
    assert faults(tmp_path) == (f"not every severity of {ALL[0]}",)


def test_an_unfinished_run(tmp_path):
    maker = submit(tmp_path / "a")
    maker.plan(maker.identity("rain", 5, seed=1))
    assert "76 of 77 planned cells are finished" in faults(tmp_path)


def test_a_part_of_the_data(tmp_path):
    data = {**StoreMaker(Store(tmp_path)).identity()["dataset"], "of": 600}
    submit(tmp_path / "a", dataset=data)
    assert faults(tmp_path) == ("only 20 of 600 clips (--limit)",)


def test_other_conditions(tmp_path):
    maker = submit(tmp_path / "a", names=ALL[1:])
    for severity in SEVERITIES:
        identity = maker.identity(ALL[0], severity)
        identity["corruption"] |= {"profile": "released", "modalities": "a"}
        maker.put(right(3), identity)
    assert set(faults(tmp_path)) == {
        "profile released instead of paper",
        "only a corrupted",
    }


def test_clips_that_failed(tmp_path):
    submit(tmp_path / "a", names=ALL[1:])
    maker = StoreMaker(Store(tmp_path / "a"), Store(tmp_path / "a").run)
    for severity in SEVERITIES:
        maker.add(right(3), ALL[0], severity, failures=[("x", "why")])
    assert faults(tmp_path) == ("up to 1 clips failed in a cell",)


def test_no_weights_on_record(tmp_path):
    submit(tmp_path / "a", model={"name": "mine", "weights": ""})
    assert faults(tmp_path) == ("no hash of the weights",)


def test_a_folder_that_holds_anything(tmp_path):
    submit(tmp_path / "good")
    for name, content in (("bad", "{"), ("odd", json.dumps({"cells": "<b>"}))):
        (tmp_path / name).mkdir()
        (tmp_path / name / "run.json").write_text(content)
    board = read(tmp_path)
    assert len(board.board("events · top-1 accuracy (%)")) == 1
    assert [name for name, _ in board.unreadable] == ["bad", "odd"]
    page = leaderboard_page(board, "Ours <now>")
    assert "<h1>Ours &lt;now&gt;</h1>" in page
    assert "unreadable." in page


def test_no_run_at_all(tmp_path):
    with pytest.raises(UsageError, match="no run below"):
        read(tmp_path)
