"""``avplug status``: what it says of runs that are done, damaged, failed, at work."""

import datetime as dt
import json

import pytest

from avplug.bench.inspecting import inspect_run
from avplug.bench.locking import only_writer
from avplug.bench.runner import run
from avplug.bench.store import Store
from avplug.builtin_corruptions.gaussian import Gaussian
from avplug.core.registry import get_registry
from tests.bench.test_locking import elsewhere
from tests.bench.toys import config


@pytest.fixture
def finished(tmp_path):
    """The store of a small run."""
    settings = config(tmp_path, corruptions=("gaussian",), limit=12)
    return Store(run(settings, get_registry()).folder)


def cells(store):
    return sorted(path for path in (store.folder / "cells").iterdir())


def test_a_finished_run_is_complete(avplug, finished):
    before = sorted(finished.folder.rglob("*"))
    result = avplug("status", str(finished.folder))
    assert result.exit_code == 0
    assert result.stdout == f"3 of 3 cells are finished in {finished.folder}.\n"
    assert sorted(finished.folder.rglob("*")) == before


def test_a_cell_that_is_missing_makes_it_incomplete_and_is_timed(avplug, finished):
    gone = cells(finished)[0]
    (gone / "record.json").rename(gone.parent / "kept")
    for path in gone.iterdir():
        path.unlink()
    gone.rmdir()
    (gone.parent / "kept").unlink()
    result = avplug("status", str(finished.folder), "--json")
    assert result.exit_code == 1
    facts = json.loads(result.stdout)
    assert (facts["done"], facts["planned"], facts["complete"]) == (2, 3, False)
    assert facts["cells_per_hour"] > 0
    assert facts["seconds_left"] > 0
    assert "to go at that pace" in avplug("status", str(finished.folder)).stdout


def test_damage_is_named_and_left_where_it_is(avplug, finished):
    one = cells(finished)[1]
    (one / "record.json").write_text("{")
    result = avplug("status", str(finished.folder))
    assert result.exit_code == 1
    assert f"({one.name}): record.json is no JSON" in result.stdout
    assert one.is_dir()


def test_failed_cells_and_clips_are_listed(avplug, tmp_path, monkeypatch):
    def video(self, frames, times, scene, rng):
        raise RuntimeError("no lens")

    monkeypatch.setattr(Gaussian, "video", video)
    settings = config(tmp_path, corruptions=("gaussian",), limit=12, severities=(1,))
    folder = run(settings, get_registry()).folder
    result = avplug("status", str(folder))
    assert result.exit_code == 1
    assert "Failed: cav-mae source gaussian s1 seed 0" in result.stdout
    assert "RuntimeError: no lens" in result.stdout
    monkeypatch.undo()
    store = Store(folder)
    record = {"clips": {"evaluated": 9, "failed": 3}, "seconds": {"total": 1.0}}
    (row,) = [row for row in store.run["cells"] if row["id"] in store.run["failed"]]
    done = store.cells()[0]
    store.put(row["cell"], done.predictions(), record)
    result = avplug("status", str(folder))
    assert "3 of 12 clips failed" in result.stdout
    assert result.exit_code == 0, "a cell that lacks clips is finished"


def test_who_writes_is_told_while_the_run_is_at_work(avplug, finished):
    with only_writer(finished.folder):
        status = inspect_run(finished)
        assert status.writer_state == "active"
        assert (
            "Being written by process" in avplug("status", str(finished.folder)).stdout
        )
    assert inspect_run(finished).writer_state == "none"
    elsewhere(finished.folder)
    assert "of ada on node7" in avplug("status", str(finished.folder)).stdout


def test_the_pace_is_that_of_the_last_run(finished):
    facts = finished.run
    begun = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=30)
    facts["started"] = begun.isoformat(timespec="seconds")
    stored = finished.cells()
    facts["cells"] += [
        {"id": f"{i:020}", "cell": {**stored[0].cell, "seed": i}} for i in range(1, 7)
    ]
    finished.write_run(facts)
    status = inspect_run(finished)
    assert status.cells_per_hour == pytest.approx(6, rel=0.02)
    # Twice as many cells as are done take about twice as long, if of the same kind.
    assert status.seconds_left == pytest.approx(3600, rel=0.02)


@pytest.mark.parametrize("content", [None, "{"])
def test_a_folder_without_a_plan_is_refused(avplug, tmp_path, content):
    if content:
        (tmp_path / "run.json").write_text(content)
    result = avplug("status", str(tmp_path))
    assert result.exit_code == 2
    assert "Error: " in result.stderr
    assert "Traceback" not in result.stderr
