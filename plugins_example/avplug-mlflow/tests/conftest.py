"""What the tests share: a real store in a file, and runs through the command line."""

from __future__ import annotations

import shutil

import pytest
from avplug_mlflow.guard import GUARD
from mlflow.tracking import MlflowClient
from typer.testing import CliRunner

from avplug.cli.app import build_app


@pytest.fixture(scope="session")
def empty(tmp_path_factory):
    """Return an empty store; to make its tables takes MLflow seconds."""
    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    MlflowClient(f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def store(tmp_path, monkeypatch, empty):
    """Return a client of a new store, which the environment names."""
    shutil.copy(empty, tmp_path / "mlflow.db")
    # MLflow lays artifacts of such a store down beside the working folder.
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.delenv("MLFLOW_EXPERIMENT_NAME", raising=False)
    monkeypatch.delenv("MLFLOW_EXPERIMENT_ID", raising=False)
    return MlflowClient()


@pytest.fixture
def run(tmp_path):
    """Return a function that runs avplug to the end of its process."""

    def go(*more, expected=0):
        arguments = [
            *("--plugin", "avplug_mlflow", "run", "--model", "cav-mae:tiny"),
            *("-c", "gaussian", "--limit", "4", "--out", str(tmp_path / "run"), *more),
        ]
        result = CliRunner().invoke(build_app(), arguments)
        GUARD.close()
        assert result.exit_code == expected, result.output
        return result.output

    return go


@pytest.fixture
def logged():
    """Return a function that gives a store's one run of a folder, and its cells'."""

    def find(client, experiment="avplug"):
        found = client.get_experiment_by_name(experiment)
        runs = list(client.search_runs([found.experiment_id]))
        (parent,) = [r for r in runs if "mlflow.parentRunId" not in r.data.tags]
        cells = {r.data.tags["avplug.cell"]: r for r in runs if r is not parent}
        assert len(cells) == len(runs) - 1
        return parent, cells

    return find
