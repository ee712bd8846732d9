"""What a run leaves in a real MLflow store."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from avplug_mlflow.flatten import flatten, params_of
from avplug_mlflow.guard import GUARD
from avplug_mlflow.tracker import Tracker
from mlflow.tracking import MlflowClient

from avplug.bench.store import Store
from avplug.core.events import CellFailed, CellFinished, RunFinished, RunStarted


def test_a_run_and_its_cells(store, run, logged, tmp_path):
    run("--severity", "3,5")
    parent, cells = logged(store)
    assert parent.info.status == "FINISHED"
    assert parent.info.run_name == "run"
    assert parent.data.params["severities"] == "[3, 5]"
    assert parent.data.params["dataset"] == "events"
    assert parent.data.tags["avplug.cells"] == "3"
    assert parent.data.tags["avplug.folder"] == str(tmp_path / "run")
    assert set(cells) == {path.name for path in (tmp_path / "run" / "cells").iterdir()}
    for name, cell in cells.items():
        identity = json.loads(
            (tmp_path / "run" / "cells" / name / "cell.json").read_text()
        )
        assert cell.info.status == "FINISHED"
        assert cell.data.params["severity"] == str(identity["severity"])
        corruption = (identity["corruption"] or {}).get("name")
        assert cell.data.params.get("corruption.name") == corruption
        assert cell.data.params["model.weights"] == identity["model"]["weights"]
        assert 0 <= cell.data.metrics["top1"] <= 100
        assert cell.data.metrics["seconds"] > 0
    artifacts = {file.path for file in store.list_artifacts(parent.info.run_id)}
    assert artifacts >= {"run.json", "report.html", "scores.json"}


def test_the_same_folder_is_the_same_run(store, run, logged, tmp_path):
    run("--severity", "5")
    first, cells = logged(store)
    assert len(cells) == 2
    said = run("--severity", "3,5")
    assert "2 found finished" in said
    again, more = logged(store)
    assert again.info.run_id == first.info.run_id
    assert again.info.status == "FINISHED"
    assert len(more) == 3
    for name, cell in cells.items():
        assert more[name].info.run_id == cell.info.run_id
        history = store.get_metric_history(cell.info.run_id, "top1")
        assert len(history) == 1
    # MLflow keeps the first value; the file has the last.
    assert again.data.params["severities"] == "[5]"
    local = store.download_artifacts(again.info.run_id, "run.json", str(tmp_path))
    assert json.loads(Path(local).read_text())["config"]["severities"] == [3, 5]


def test_cells_of_a_run_without_tracking_are_made_up_for(
    store, run, logged, monkeypatch
):
    address = os.environ["MLFLOW_TRACKING_URI"]
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    run("--severity", "5")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    run("--severity", "5")
    _, cells = logged(store)
    assert len(cells) == 2
    assert all("top1" in cell.data.metrics for cell in cells.values())


def test_another_store_gets_a_run_of_its_own(
    store, run, logged, monkeypatch, tmp_path, empty
):
    run("--severity", "5")
    first, _ = logged(store)
    shutil.copy(empty, tmp_path / "other.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/other.db")
    run("--severity", "5")
    other, cells = logged(MlflowClient())
    assert other.info.run_id != first.info.run_id
    assert len(cells) == 2
    # And the first is found again.
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    run("--severity", "5")
    assert logged(store)[0].info.run_id == first.info.run_id


def test_the_experiment_is_the_users(store, run, logged, monkeypatch):
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "mine")
    run("--severity", "5")
    assert len(logged(store, "mine")[1]) == 2
    monkeypatch.delenv("MLFLOW_EXPERIMENT_NAME")
    assert store.get_experiment_by_name("avplug") is None


CELL = {"severity": 5, "corruption": "gaussian", "seed": 0, "model": {"name": "m"}}


@pytest.fixture
def folder(tmp_path):
    """Return the folder of a run that has not finished a cell."""
    about = {"config": {"dataset": "d"}, "command": "avplug run"}
    Store(tmp_path / "run").write_run({**about, "metrics": [], "cells": []})
    return tmp_path / "run"


def test_a_failed_cell_and_its_second_try(store, logged, folder, monkeypatch):
    monkeypatch.setattr("avplug_mlflow.tracker.describe_cell", lambda cell: "m s5")
    tracker = Tracker(RunStarted(str(folder), 1, 0))
    tracker.cell_failed(CellFailed(str(folder), "abc", CELL, "ValueError: no"))
    tracker.run_finished(RunFinished(str(folder), 0, 1))
    tracker.close()
    parent, cells = logged(store)
    assert parent.info.status == cells["abc"].info.status == "FAILED"
    assert cells["abc"].data.tags["avplug.error"] == "ValueError: no"
    tracker = Tracker(RunStarted(str(folder), 1, 0))
    assert logged(store)[0].info.status == "RUNNING"
    tracker.cell_finished(CellFinished(str(folder), "abc", CELL, {"top1": 50.0}, 1.0))
    tracker.run_finished(RunFinished(str(folder), 1, 0))
    parent, cells = logged(store)
    assert parent.info.status == cells["abc"].info.status == "FINISHED"
    assert cells["abc"].data.tags["avplug.error"] == ""
    assert cells["abc"].data.metrics == {"top1": 50.0, "seconds": 1.0}
    assert cells["abc"].data.params["model.name"] == "m"


def test_an_interrupted_run_is_killed(store, logged, folder):
    tracker = Tracker(RunStarted(str(folder), 1, 0))
    tracker.close()
    assert logged(store)[0].info.status == "KILLED"


def test_a_deleted_run_is_begun_anew(store, logged, folder):
    Tracker(RunStarted(str(folder), 1, 0)).close()
    first = logged(store)[0].info.run_id
    store.delete_run(first)
    Tracker(RunStarted(str(folder), 1, 0)).close()
    again, _ = logged(store)
    assert again.info.status == "KILLED"
    assert again.info.run_id != first


def test_a_server_that_is_away_is_told_once_and_the_run_goes_on(
    run, monkeypatch, caplog, tmp_path
):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    run("--severity", "3,5")
    told = [r for r in caplog.records if "MLflow is told nothing more" in r.message]
    assert len(told) == 1
    assert len(list((tmp_path / "run" / "cells").iterdir())) == 3


def test_a_server_that_goes_away_in_between(store, folder, monkeypatch, caplog):
    GUARD.started(RunStarted(str(folder), 2, 0))

    def broken(*_, **__):
        raise ConnectionError("gone")

    monkeypatch.setattr(MlflowClient, "create_run", broken)
    monkeypatch.setattr("avplug_mlflow.tracker.describe_cell", lambda cell: "m s5")
    for name in "ab":
        event = CellFinished(str(folder), name, CELL, {}, 1.0)
        GUARD.tell("cell_finished", event)
    GUARD.close()
    told = [r.message for r in caplog.records if "told nothing more" in r.message]
    assert told == [
        "MLflow is told nothing more of this run: ConnectionError: gone. The run goes "
        "on; the same command again logs what is missing."
    ]


def test_without_an_address_nothing_is_tracked(run, monkeypatch, caplog, tmp_path):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    run("--severity", "5")
    told = [r for r in caplog.records if "MLFLOW_TRACKING_URI is not set" in r.message]
    assert len(told) == 1
    assert {path.name for path in tmp_path.iterdir()} == {"run"}


def test_the_report_of_a_process_is_logged_when_it_ends(store, logged, tmp_path):
    command = [
        *(sys.executable, "-m", "avplug", "--plugin", "avplug_mlflow", "run"),
        *("--model", "cav-mae:tiny", "-c", "gaussian", "--severity", "5"),
        *("--limit", "4", "--out", "run"),
    ]
    subprocess.run(command, check=True, capture_output=True, cwd=tmp_path)
    parent, _ = logged(store)
    artifacts = {file.path for file in store.list_artifacts(parent.info.run_id)}
    assert "report.html" in artifacts


def test_settings_become_short_texts():
    flat = flatten({"a": {"b": 1, "c": None}, "d": [], "e": [1, "x"], "f": "t" * 7000})
    assert set(flat) == {"a.b", "e", "f"}
    params = params_of(flat)
    assert params["e"] == '[1, "x"]'
    assert len(params["f"]) == 6000
    assert params["f"].endswith("…")


def test_names_as_mlflow_takes_them(store, logged, folder, monkeypatch):
    monkeypatch.setattr("avplug_mlflow.tracker.describe_cell", lambda cell: "m s5")
    tracker = Tracker(RunStarted(str(folder), 1, 0))
    odd = {**CELL, "what (is it)?": "é", "x" * 300: 1}
    values = {"top1 [%]": 1.0, "none": float("nan"), "much": float("inf")}
    tracker.cell_finished(CellFinished(str(folder), "abc", odd, values, 1.0))
    _, cells = logged(store)
    assert cells["abc"].info.status == "FINISHED"
    assert cells["abc"].data.params["what _is it__"] == "é"
    assert cells["abc"].data.metrics["top1 ___"] == 1.0


def test_a_run_nested_by_the_user_is_left_alone(store, folder):
    Tracker(RunStarted(str(folder), 1, 0)).close()
    experiment = store.get_experiment_by_name("avplug").experiment_id
    (parent,) = store.search_runs([experiment])
    tags = {"mlflow.parentRunId": parent.info.run_id}
    mine = store.create_run(experiment, tags=tags).info.run_id
    Tracker(RunStarted(str(folder), 1, 0)).close()
    assert len(store.search_runs([experiment])) == 2
    assert store.get_run(mine).info.lifecycle_stage == "active"


def test_an_experiment_that_two_make_at_once(store, folder, logged, monkeypatch):
    create = MlflowClient.create_experiment

    def late(client, name):
        create(client, name)
        return create(client, name)

    monkeypatch.setattr(MlflowClient, "create_experiment", late)
    Tracker(RunStarted(str(folder), 1, 0)).close()
    assert logged(store)[0].info.status == "KILLED"


def test_a_forked_process_ends_no_run(store, folder, logged):
    GUARD.started(RunStarted(str(folder), 1, 0))
    worker = multiprocessing.get_context("fork").Process(target=GUARD.close)
    worker.start()
    worker.join()
    assert worker.exitcode == 0
    assert logged(store)[0].info.status == "RUNNING"
    GUARD.close()
    assert logged(store)[0].info.status == "KILLED"


def test_cells_of_worker_processes(store, run, logged):
    run("--severity", "3,5", "-j", "2")
    parent, cells = logged(store)
    assert parent.info.status == "FINISHED"
    assert [cell.info.status for cell in cells.values()] == ["FINISHED"] * 3
