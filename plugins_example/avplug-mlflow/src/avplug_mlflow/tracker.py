"""One MLflow run for a folder of avplug, and one nested in it for each cell."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mlflow.entities import Metric, Param, RunStatus, RunTag
from mlflow.tracking import MlflowClient

from avplug import __version__
from avplug.bench.describing import describe_cell
from avplug.bench.runner import scores
from avplug.bench.store import Store
from avplug.core.events import CellFailed, CellFinished, RunFinished, RunStarted
from avplug.core.files import write_atomic
from avplug.core.registry import get_registry
from avplug_mlflow.experiments import experiment_id
from avplug_mlflow.flatten import flatten, name_of, params_of, tags_of

#: In a run's folder: the key by which its MLflow runs are found, on any server.
KEY = "mlflow.json"
#: What a server takes in one request.
_AT_ONCE = 100
#: Of the folder, logged as artifacts; written after the run's last event.
_FILES = ("run.json", "report.html", "tables.md", "scores.csv", "scores.json")


class Tracker:
    """Tells MLflow of one run of avplug.

    Args:
        event: The run begins. Cells that its folder holds and MLflow lacks, such as
            those of a time without a server, are logged at once.

    Raises:
        MlflowException: The server says no, or does not answer.
    """

    def __init__(self, event: RunStarted) -> None:
        self._folder = Path(event.folder)
        self._client = MlflowClient()
        self._started = time.time()
        self._ended = False
        about = Store(self._folder).run
        self._run = self._known_run() or self._new_run()
        self._client.update_run(self._id, status="RUNNING")
        self._cells = self._known_cells()
        tags = {"version": __version__, "folder": str(self._folder.resolve())}
        tags |= {"command": about["command"], "cells": str(event.cells)}
        self._log(self._run, about["config"], {}, tags)
        self._catch_up(about["metrics"])

    @property
    def _id(self) -> str:
        return str(self._run.info.run_id)

    def cell_finished(self, event: CellFinished) -> None:
        """Log a cell's identity as parameters and its scores as metrics."""
        self._finish(event.cell_id, event.cell, event.scores, event.seconds)

    def cell_failed(self, event: CellFailed) -> None:
        """Log why a cell has no scores; it may have some another time."""
        run = self._cell(event.cell_id, event.cell, 0)
        self._log(run, event.cell, {}, {"error": event.error})
        self._client.set_terminated(run.info.run_id, "FAILED")

    def run_finished(self, event: RunFinished) -> None:
        """Log how the run ended."""
        self._ended = True
        self._log(self._run, {}, {}, {"failed": str(event.failed)})
        self._client.set_terminated(self._id, "FAILED" if event.failed else "FINISHED")

    def close(self) -> None:
        """Log files that this run wrote; one without an end was interrupted."""
        for name in _FILES:
            path = self._folder / name
            # Whole seconds: some file systems keep no more.
            if path.is_file() and path.stat().st_mtime >= int(self._started) - 1:
                self._client.log_artifact(self._id, str(path))
        if not self._ended:
            self._client.set_terminated(self._id, "KILLED")

    def _key(self) -> str:
        """Return the folder's key, which is written before a server hears of it.

        So a run whose beginning was interrupted, or whose server's answer was lost,
        is found again.
        """
        path = self._folder / KEY
        if not path.is_file():
            write_atomic(path, json.dumps({"key": uuid.uuid4().hex}).encode())
        return str(json.loads(path.read_text())["key"])

    def _known_run(self) -> Any:
        """Return this folder's run on this server; None if there is none."""
        experiments = _all(self._client.search_experiments)
        found = self._search(
            [each.experiment_id for each in experiments],
            f"tags.`avplug.key` = '{self._key()}'",
        )
        return max(found, key=lambda run: run.info.start_time, default=None)

    def _new_run(self) -> Any:
        return self._client.create_run(
            experiment_id(self._client),
            run_name=self._folder.resolve().name,
            tags={"avplug.key": self._key()},
        )

    def _known_cells(self) -> dict[str, Any]:
        """Return the cells that MLflow knows of this run, by their ids.

        A cell may be there twice: made, and made again since the server's answer was
        lost. The one that lags behind is deleted.
        """
        cells: dict[str, Any] = {}
        found = self._search(
            [self._run.info.experiment_id], f"tags.`mlflow.parentRunId` = '{self._id}'"
        )
        for run in sorted(found, key=_is_finished, reverse=True):
            # Users may nest runs of their own.
            name = run.data.tags.get("avplug.cell")
            if name in cells:
                self._client.delete_run(run.info.run_id)
            elif name:
                cells[name] = run
        return cells

    def _search(self, experiments: list[str], condition: str) -> list[Any]:
        return _all(self._client.search_runs, experiments, condition)

    def _catch_up(self, metrics: list[str]) -> None:
        entries = [get_registry().get("metric", name) for name in metrics]
        for stored in Store(self._folder).cells():
            known = self._cells.get(stored.id)
            if known is None or not _is_finished(known):
                values = scores(entries, stored.predictions())
                seconds = stored.record["seconds"]["total"]
                self._finish(stored.id, stored.cell, values, seconds)

    def _finish(
        self,
        name: str,
        cell: Mapping[str, Any],
        values: Mapping[str, float],
        seconds: float,
    ) -> None:
        run = self._cell(name, cell, seconds)
        self._log(run, cell, {**values, "seconds": seconds}, {"error": ""})
        self._client.set_terminated(run.info.run_id, "FINISHED")

    def _cell(self, name: str, cell: Mapping[str, Any], seconds: float) -> Any:
        """Return a cell's run, made if it is new."""
        if name not in self._cells:
            self._cells[name] = self._client.create_run(
                self._run.info.experiment_id,
                start_time=round(1000 * (time.time() - seconds)),
                tags={"mlflow.parentRunId": self._id, "avplug.cell": name},
                run_name=describe_cell(cell),
            )
        return self._cells[name]

    def _log(
        self,
        run: Any,
        settings: Mapping[str, Any],
        values: Mapping[str, float],
        tags: Mapping[str, str],
    ) -> None:
        """Log what a run has not got yet; MLflow changes no parameter."""
        params = [
            Param(key, value)
            for key, value in params_of(flatten(settings)).items()
            if key not in run.data.params
        ]
        now = round(1000 * time.time())
        metrics = [
            Metric(name_of(key), value, now, 0)
            for key, value in values.items()
            if run.data.metrics.get(name_of(key)) != value
        ]
        name = run.info.run_id
        for start in range(_AT_ONCE, len(params), _AT_ONCE):
            self._client.log_batch(name, params=params[start : start + _AT_ONCE])
        told = [RunTag(key, value) for key, value in tags_of(tags).items()]
        self._client.log_batch(name, metrics, params[:_AT_ONCE], told)


def _is_finished(run: Any) -> bool:
    return bool(run.info.status == RunStatus.to_string(RunStatus.FINISHED))


def _all(search: Callable[..., Any], *what: Any) -> list[Any]:
    """Return what all pages of a search hold."""
    found: list[Any] = []
    token = None
    while True:
        page = search(*what, max_results=1000, page_token=token)
        found += page
        token = page.token
        if not token:
            return found
