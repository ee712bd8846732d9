import os
import threading
from pathlib import Path

import numpy as np
import pytest

from avplug.bench.planning import make_plan
from avplug.bench.runner import default_folder, run
from avplug.bench.store import Store
from avplug.builtin_corruptions.gaussian import Gaussian
from avplug.builtin_datasets.events.dataset import Events
from avplug.core.corruption import RECORDINGS
from avplug.core.errors import MediaError
from avplug.core.registry import get_registry
from tests.bench.toys import config
from tests.waiting import LONG, until


def results(folder):
    return {cell.id: cell.predictions() for cell in Store(folder).cells()}


def run_of(tmp_path, name, **changes):
    settings = config(tmp_path, out=str(tmp_path / name), **changes)
    summary = run(settings, get_registry())
    return summary, results(summary.folder)


def equal(one, other):
    return one.keys() == other.keys() and all(
        np.array_equal(one[key].logits, other[key].logits)
        and np.array_equal(one[key].ids, other[key].ids)
        and np.array_equal(one[key].targets, other[key].targets)
        for key in one
    )


def test_batch_size_workers_and_order_change_no_bit_of_the_source_model(tmp_path):
    _, base = run_of(tmp_path, "base")
    assert len(base) == 5
    for name, changes in {
        "one": {"batch_size": 1},
        "seven": {"batch_size": 7},
        "threads": {"workers": 2},
        "reversed": {
            "severities": (5, 1),
            "corruptions": ("compression", "gaussian"),
            "batch_size": 7,
            "workers": 2,
        },
    }.items():
        _, other = run_of(tmp_path, name, **changes)
        assert equal(base, other), name


def test_an_adapted_cell_does_not_depend_on_its_neighbours(tmp_path):
    _, whole = run_of(tmp_path, "whole", tta=("tent", "source", "av2c"))
    _, alone = run_of(tmp_path, "alone", tta=("av2c",), severities=(5,), workers=2)
    shared = {key: whole[key] for key in alone}
    assert equal(shared, alone)


def test_the_same_call_goes_on_where_it_was(tmp_path):
    first, base = run_of(tmp_path, "run")
    assert (first.computed, first.reused) == (5, 0)
    again, same = run_of(tmp_path, "run")
    assert (again.computed, again.reused) == (0, 5)
    wider, more = run_of(tmp_path, "run", severities=(1, 3, 5))
    assert (wider.computed, wider.reused) == (2, 5)
    assert equal(base, same)
    assert equal(base, {key: more[key] for key in base})


def test_a_clip_that_cannot_be_read_is_noted_and_the_run_goes_on(tmp_path, monkeypatch):
    load = Events.load

    def broken(self, ref, spec):
        if ref.id in bad:
            raise MediaError(f"{ref.id}.mp4 is truncated.")
        return load(self, ref, spec)

    plan = make_plan(config(tmp_path), get_registry())
    bad = {plan.clips[3].id, plan.clips[20].id}
    monkeypatch.setattr(Events, "load", broken)
    summary, got = run_of(tmp_path, "run", tta=("source", "tent"))
    assert summary.failed == {}
    for cell in Store(summary.folder).cells():
        assert cell.record["clips"] == {"evaluated": 22, "failed": 2}
        assert {f["id"] for f in cell.record["failures"]} == bad
        assert "is truncated" in cell.record["failures"][0]["reason"]
        assert not bad & set(got[cell.id].ids)


def test_a_failing_corruption_fails_its_cells_alone(tmp_path, monkeypatch):
    def video(self, frames, times, scene, rng):
        raise RuntimeError("no lens")

    monkeypatch.setattr(Gaussian, "video", video)
    summary, got = run_of(tmp_path, "run")
    assert summary.computed == 3
    assert len(summary.failed) == 2
    assert len(got) == 3
    (error, _) = summary.failed.values()
    assert "None of 24 clips could be evaluated" in error
    assert "RuntimeError: no lens" in error
    assert Store(summary.folder).run["failed"] == summary.failed


def test_a_corruption_that_changes_its_input_or_shape_is_found_out(
    tmp_path, monkeypatch
):
    def in_place(self, frames, times, scene, rng):
        frames[:] = 0
        return frames

    monkeypatch.setattr(Gaussian, "video", in_place)
    summary, _ = run_of(tmp_path, "a", corruptions=("gaussian",), severities=(1,))
    said = next(iter(summary.failed.values()))
    assert "inputs must not be changed in place" in said
    monkeypatch.setattr(Gaussian, "video", lambda self, frames, *rest: frames[:0])
    summary, _ = run_of(tmp_path, "b", corruptions=("gaussian",), severities=(1,))
    assert "both must stay the same" in next(iter(summary.failed.values()))


def test_nonfinite_logits_are_a_failure_not_a_prediction(tmp_path, monkeypatch):
    from avplug.builtin_tta.source import Source

    step = Source.step

    def poisoned(self, batch):
        logits = step(self, batch).clone()
        logits[0, 0] = float("nan")
        return logits

    monkeypatch.setattr(Source, "step", poisoned)
    summary, got = run_of(tmp_path, "run", corruptions=("gaussian",), severities=(1,))
    for cell in Store(summary.folder).cells():
        assert cell.record["clips"] == {"evaluated": 22, "failed": 2}
        assert np.isfinite(got[cell.id].logits).all()


def test_events_are_told_in_order(tmp_path, monkeypatch):
    from avplug.core.manager import get_plugin_manager

    told = []
    monkeypatch.setattr(
        get_plugin_manager(), "notify", lambda hook, event: told.append((hook, event))
    )
    summary, _ = run_of(tmp_path, "run", severities=(1,))
    assert [hook for hook, _ in told] == [
        "avplug_run_started",
        *["avplug_cell_finished"] * 3,
        "avplug_run_finished",
    ]
    assert told[0][1].cells == 3
    assert told[-1][1].finished == summary.computed == 3
    assert 0 <= told[1][1].scores["top1"] <= 100


def test_the_folder_is_named_by_what_changes_the_results(tmp_path):
    base = config(tmp_path, out=None)
    assert default_folder(base) == default_folder(config(tmp_path, workers=2))
    assert default_folder(base) != default_folder(config(tmp_path, seeds=(1,)))
    assert default_folder(base).parent == Path("runs")


@pytest.mark.parametrize("order", ["shuffled", "fixed"])
def test_stored_clips_keep_the_order_of_the_data_set(tmp_path, order):
    _, got = run_of(tmp_path, "run", tta=("tent",), order=order, severities=(1,))
    plan = make_plan(config(tmp_path), get_registry())
    for predictions in got.values():
        assert list(predictions.ids) == [ref.id for ref in plan.clips]


def test_what_is_asked_for_twice_is_one_cell(tmp_path):
    summary, got = run_of(
        tmp_path, "run", seeds=(0, 0), tta=("source", "source"), severities=(1, 1)
    )
    assert summary.computed == len(got) == 3


def test_a_broken_metric_does_not_end_the_run(tmp_path, monkeypatch, caplog):
    from avplug.builtin_metrics.accuracy import TopOne

    def compute(self, predictions, weights):
        raise RuntimeError("no ruler")

    monkeypatch.setattr(TopOne, "compute", compute)
    summary, _ = run_of(tmp_path, "run")
    assert summary.computed == 5
    assert "no ruler" in caplog.text


def test_recordings_are_there_for_clips_that_are_corrupted_between_two_cells(
    tmp_path, monkeypatch
):
    from avplug.bench.keeping import Keeper
    from avplug.builtin_corruptions.rain import Rain

    keeping, told, keep, scene = threading.Event(), [], Keeper.keep, Rain.scene

    def slowly(self, cell, outcome):
        if cell.segments[0].name == "gaussian":
            keeping.set()
            until(lambda: told)
        keep(self, cell, outcome)

    def noting(self, info, severity, rng):
        assert keeping.wait(LONG)
        told.append(os.environ.get(RECORDINGS))
        return scene(self, info, severity, rng)

    # The folder is empty: it is its name that is looked at.
    monkeypatch.setenv("AVPLUG_RECORDINGS_MISSING", "synthesise")
    monkeypatch.setattr(Keeper, "keep", slowly)
    monkeypatch.setattr(Rain, "scene", noting)
    folder = tmp_path / "recordings"
    folder.mkdir()
    settings = config(
        tmp_path,
        corruptions=("gaussian", "rain"),
        severities=(3,),
        limit=4,
        workers=1,
        recordings=str(folder),
    )
    assert run(settings, get_registry()).computed == 3
    assert told == [str(folder)] * 4
    assert RECORDINGS not in os.environ
