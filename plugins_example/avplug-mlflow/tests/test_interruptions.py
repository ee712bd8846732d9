"""Nothing doubled and nothing missing, wherever a run or its server breaks off."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import pytest
from avplug_mlflow.tracker import Tracker
from mlflow.tracking import MlflowClient

from avplug.bench.store import Store
from avplug.core.events import CellFailed, CellFinished, RunFinished, RunStarted

#: What changes a store.
WRITES = ("create_experiment", "create_run", "update_run", "log_batch")
CELLS = {name: {"severity": 5, "model": {"name": name}} for name in "ab"}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return the folder of a run."""
    monkeypatch.setattr("avplug_mlflow.tracker.describe_cell", lambda cell: "m s5")
    about = {"config": {"dataset": "d"}, "command": "avplug run"}
    Store(tmp_path / "run").write_run({**about, "metrics": [], "cells": []})
    return tmp_path / "run"


def tell(folder):
    """Tell of a run of two cells, the second of which fails at first."""
    where = str(folder)
    tracker = Tracker(RunStarted(where, 2, 0))
    tracker.cell_finished(CellFinished(where, "a", CELLS["a"], {"top1": 50.0}, 1.0))
    tracker.cell_failed(CellFailed(where, "b", CELLS["b"], "ValueError: no"))
    tracker.cell_finished(CellFinished(where, "b", CELLS["b"], {"top1": 25.0}, 1.0))
    tracker.run_finished(RunFinished(where, 2, 0))
    tracker.close()


class Breaks(MlflowClient):
    """A client whose connection breaks at one of the requests that write."""

    at = -1
    #: Whether the server heard it, and only its answer was lost.
    heard = False
    count = 0

    def __getattribute__(self, name):
        method = super().__getattribute__(name)
        if name not in (*WRITES, "set_terminated"):
            return method

        def called(*what, **more):
            cls = type(self)
            cls.count += 1
            broken = cls.count == cls.at
            if not broken or cls.heard:
                answer = method(*what, **more)
            if broken:
                raise ConnectionError("gone")
            return answer

        return called


def state(store, logged):
    """Return all that a store knows of a run, but ids and times."""
    parent, cells = logged(store)
    histories = {
        name: len(store.get_metric_history(cell.info.run_id, "top1"))
        for name, cell in cells.items()
    }
    rows = {
        name: (run.info.status, run.data.params, run.data.metrics)
        for name, run in {"": parent, **cells}.items()
    }
    return rows, histories


@pytest.mark.parametrize("heard", [False, True])
def test_a_run_that_breaks_off_at_any_request(
    tmp_path, store, folder, logged, monkeypatch, empty, heard
):
    tell(folder)
    whole = state(store, logged)
    assert whole[0]["b"][0] == "FINISHED"
    monkeypatch.setattr("avplug_mlflow.tracker.MlflowClient", Breaks)
    monkeypatch.setattr(Breaks, "heard", heard)
    broken = 0
    for at in range(1, 100):
        path = tmp_path / f"{at}.db"
        path.write_bytes(empty.read_bytes())
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{path}")
        monkeypatch.setattr(Breaks, "count", 0)
        monkeypatch.setattr(Breaks, "at", at)
        try:
            tell(folder)
        except ConnectionError:
            broken += 1
            monkeypatch.setattr(Breaks, "at", -1)
            tell(folder)
        else:
            break
        assert state(MlflowClient(), logged) == whole, at
    assert broken == 14


def test_a_folder_as_store_holds_the_same(tmp_path, store, folder, logged, monkeypatch):
    tell(folder)
    whole = state(store, logged)
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "runs").as_uri())
    tell(folder)
    assert state(MlflowClient(), logged) == whole
    tell(folder)
    assert len(logged(MlflowClient())[1]) == 2


def test_a_cell_that_a_lost_answer_doubled(store, folder, logged, monkeypatch):
    create = MlflowClient.create_run

    def again(client, experiment, **what):
        # What the HTTP client does by itself where no answer comes.
        if "avplug.cell" in what["tags"]:
            create(client, experiment, **what)
        return create(client, experiment, **what)

    monkeypatch.setattr(MlflowClient, "create_run", again)
    tell(folder)
    monkeypatch.undo()
    store = MlflowClient(store.tracking_uri)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store.tracking_uri)
    Tracker(RunStarted(str(folder), 2, 2)).run_finished(RunFinished(str(folder), 2, 0))
    _, cells = logged(store)
    assert [cell.info.status for cell in cells.values()] == ["FINISHED"] * 2


@pytest.fixture
def server(tmp_path, empty):
    """Return functions that start and kill a real server of one store."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    path = tmp_path / "served.db"
    path.write_bytes(empty.read_bytes())
    command = [
        *(sys.executable, "-m", "mlflow", "server", "--workers", "1"),
        *("--backend-store-uri", f"sqlite:///{path}", "--port", str(port)),
        *("--artifacts-destination", str(tmp_path / "artifacts")),
    ]
    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    running = []

    def start():
        with (tmp_path / "server.log").open("ab") as log:
            running.append(
                subprocess.Popen(
                    command,
                    env=environment,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            )
        address = f"http://127.0.0.1:{port}"
        # Tries are counted: a clock goes on while a whole machine stands still.
        for _ in range(1200):
            if running[-1].poll() is not None:
                break
            try:
                urllib.request.urlopen(f"{address}/health", timeout=10).close()
            except OSError:
                time.sleep(0.1)
            else:
                return address
        raise AssertionError((tmp_path / "server.log").read_text()[-2000:])

    def kill():
        while running:
            process = running.pop()
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    yield start, kill
    kill()


def test_a_server_that_dies_in_the_middle_of_a_run(
    server, run, logged, monkeypatch, caplog, tmp_path
):
    start, kill = server
    monkeypatch.setenv("MLFLOW_TRACKING_URI", start())
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    finished, told = Tracker.cell_finished, []

    def first_only(tracker, event):
        if told:
            kill()
        told.append(event.cell_id)
        finished(tracker, event)

    monkeypatch.setattr(Tracker, "cell_finished", first_only)
    run("--severity", "3,5")
    assert len(list((tmp_path / "run" / "cells").iterdir())) == 3
    warned = [r for r in caplog.records if "told nothing more" in r.message]
    # One told, one in vain, and none after it.
    assert (len(told), len(warned)) == (2, 1)
    monkeypatch.setattr(Tracker, "cell_finished", finished)
    start()
    assert "3 found finished" in run("--severity", "3,5")
    parent, cells = logged(MlflowClient())
    assert parent.info.status == "FINISHED"
    assert len(cells) == 3
    for cell in cells.values():
        assert cell.info.status == "FINISHED"
        history = MlflowClient().get_metric_history(cell.info.run_id, "top1")
        assert len(history) == 1
    artifacts = {f.path for f in MlflowClient().list_artifacts(parent.info.run_id)}
    assert "run.json" in artifacts
