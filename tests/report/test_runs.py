"""Several runs in one report."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from avplug.bench.store import Store
from avplug.report.runs import Runs
from avplug.report.scores import score
from avplug.report.write import page_of, read_scores, write_report
from tests.report.stores import TOP1, StoreMaker, predictions, right


@pytest.fixture
def make(tmp_path, monkeypatch):
    monkeypatch.setattr("os.fsync", lambda handle: None)
    return lambda name, **changes: StoreMaker(Store(tmp_path / name), **changes)


def test_cells_of_both_are_in_one_panel(make):
    one, two = make("one"), make("two")
    one.add(right(20))
    one.add(right(10), "rain", 5)
    two.add(right(15), "rain", 5, tta="tent")
    scores = score(Runs([one.store, two.store]), [TOP1], 10)
    (panel,) = scores.panels
    assert [m.adaptation for m in panel.methods] == ["source", "tent"]
    tent = panel.at(panel.methods[1], panel.corruptions[0], 5)
    assert tent.value[0] == 75
    assert tent.rho[0] == 0.75, "A_clean is of the other run"
    assert (scores.finished, scores.planned) == (3, 3)
    assert scores.notes[0] == "2 runs in one report."


def test_the_same_cell_counts_once(make, caplog):
    one, two = make("one"), make("two")
    for maker in (one, two):
        maker.add(right(20))
        maker.add(right(10), "rain", 5)
    with caplog.at_level(logging.WARNING):
        scores = score(Runs([one.store, two.store]), [TOP1], 0)
    assert len(scores.panels[0].cells) == 2
    assert any("2 cells of several runs counted once" in n for n in scores.notes)
    assert not any("other predictions" in note for note in scores.notes)


def test_a_cell_that_came_out_differently_is_told_of(make):
    one, two = make("one"), make("two")
    one.add(right(10), "rain", 5)
    two.add(right(12), "rain", 5)
    scores = score(Runs([one.store, two.store]), [TOP1], 0)
    assert scores.panels[0].cells[0].point.value[0] == 50, "the first run's"
    assert any("1 cell of these have other predictions" in n for n in scores.notes)


def test_of_one_cell_that_of_which_fewer_clips_failed_counts(make):
    one, two = make("one"), make("two")
    one.add(right(10, of=18), "rain", 5, failures=[("a", "broken"), ("b", "broken")])
    two.add(right(12), "rain", 5)
    scores = score(Runs([one.store, two.store]), [TOP1], 0)
    assert scores.panels[0].cells[0].point.value[0] == 60


def test_data_sets_stay_apart(make):
    one, two = make("one"), make("two", dataset="clips")
    one.add(right(20))
    two.add(right(10))
    scores = score(Runs([one.store, two.store]), [TOP1], 0)
    assert [p.dataset for p in scores.panels] == ["events", "clips"]


def test_seeds_of_two_runs_are_averaged(make):
    one, two = make("one"), make("two")
    one.add(right(10), "rain", 5, seed=0)
    two.add(right(16), "rain", 5, seed=1)
    (panel,) = score(Runs([one.store, two.store]), [TOP1], 0).panels
    assert panel.seeds == (0, 1)
    assert panel.overall(panel.methods[0]).value[0] == 65


def test_recordings_are_those_of_the_cells_own_run(make):
    one, two = make("one"), make("two", dataset="clips")
    one.run["groups"] = {f"clip-{i}": "all" for i in range(20)}
    for maker in (one, two):
        maker.add(predictions(np.arange(20) < 10))
    scores = score(Runs([one.store, two.store]), [TOP1], 200)
    together, apart = (panel.cells[0].point.estimate() for panel in scores.panels)
    assert together.low == together.high == 50, "one recording: nothing to resample"
    assert apart.low < 50 < apart.high


def test_the_plans_are_put_together(make):
    one, two = make("one"), make("two")
    one.run |= {
        "config": {"dataset": "events", "seeds": [0], "device": "cpu", "dtype": "f"},
        "labels": ["a", "b", "a"],
        "command": "avplug run A",
        "skipped": [{"what": "x", "cells": 1, "reason": "no"}],
        "failed": {},
        "started": "2026-01-02",
    }
    two.run |= {
        "config": {"dataset": "events", "seeds": [1], "device": "cuda", "dtype": "f"},
        "labels": ["a", "b", "a"],
        "command": "avplug run B",
        "skipped": [{"what": "x", "cells": 1, "reason": "no"}],
        "metrics": ["top1", "top5"],
        "started": "2026-01-01",
    }
    cell = one.add(right(20))
    two.run["failed"] = {cell.id: "died", "other": "died"}
    two.plan(two.identity("rain", 5))
    run = Runs([one.store, two.store]).run
    assert run["config"] == {
        "dataset": "events",
        "seeds": [0, 1],
        "device": ["cpu", "cuda"],
        "dtype": "f",
    }
    assert run["metrics"] == ["top1", "top5"]
    assert run["failed"] == {"other": "died"}, "the other run has finished it"
    assert len(run["skipped"]) == 1
    assert len(run["cells"]) == 2
    assert run["labels"] == ["a", "b", "a"]
    assert run["command"] == "avplug run A; avplug run B"
    assert run["started"] == "2026-01-01"


def test_profiles_that_differ_are_told_of(make):
    one, two = make("one"), make("two")
    one.add(right(10), "rain", 5)
    identity = two.identity("rain", 5)
    identity["corruption"]["profile"] = "released"
    two.put(right(12), identity)
    scores = score(Runs([one.store, two.store]), [TOP1], 0)
    assert len(scores.panels[0].corruptions) == 2
    assert any("profiles paper, released" in note for note in scores.notes)


def test_one_run_is_as_it_was(full):
    alone = score(full.store, [TOP1], 10)
    assert alone.run == full.store.run
    assert not alone.notes
    again = read_scores(full.store.folder, full.store.folder, resamples=10)
    assert not again.notes, "the same folder twice is one run"


def test_pages(make, tmp_path):
    one, two = make("one"), make("two")
    one.add(right(10), "rain", 5)
    two.add(right(12), "rain", 5, tta="tent")
    assert page_of("one") == page_of("one", *[]) != page_of("one", "two")
    page = write_report(tmp_path / "one", tmp_path / "two", resamples=0)
    assert page == tmp_path / "one" / "combined" / "report.html"
    assert "tent" in page.read_text(encoding="utf-8")
    assert page.with_name("scores.csv").read_text(encoding="utf-8").count("\n") == 3
