"""One MLflow run for a folder of avplug, and one nested in it for each cell."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mlflow.entities import Metric, Param, RunStatus, RunTag
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from avplug import __version__
from avplug.bench.describing import describe_cell
from avplug.bench.runner import scores
from avplug.bench.store import Store
from avplug.core.events import CellFailed, CellFinished, RunFinished, RunStarted
from avplug.core.files import write_atomic
from avplug.core.registry import get_registry
from avplug_mlflow.experiments import experiment_id
from avplug_mlflow.flatten import flatten, params_of, tags_of

#: In a run's folder: ids of its MLflow runs, one for each server that it was told to.
IDS = "mlflow.json"
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
        self._client.update_run(self._run.info.run_id, status="RUNNING")
        self._cells = dict(self._children())
        self._log_params(self._id, about["config"], self._run.data.params)
        tags = {"version": __version__, "folder": str(self._folder.resolve())}
        tags |= {"command": about["command"], "cells": str(event.cells)}
        self._client.log_batch(self._id, tags=_tags(tags))
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
        self._client.log_batch(run, tags=_tags({"error": event.error}))
        self._client.set_terminated(run, "FAILED")

    def run_finished(self, event: RunFinished) -> None:
        """Log how the run ended."""
        self._ended = True
        self._client.log_batch(self._id, tags=_tags({"failed": str(event.failed)}))
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

    def _known_run(self) -> Any:
        """Return this folder's run on this server; None if there is none."""
        for name in self._ids():
            try:
                run = self._client.get_run(name)
            except MlflowException as error:
                if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                    raise
                continue
            if run.info.lifecycle_stage == "active":
                return run
        return None

    def _new_run(self) -> Any:
        name = self._folder.resolve().name
        run = self._client.create_run(experiment_id(self._client), run_name=name)
        ids = [*self._ids(), run.info.run_id]
        write_atomic(self._folder / IDS, json.dumps({"runs": ids}).encode())
        return run

    def _ids(self) -> list[str]:
        path = self._folder / IDS
        return json.loads(path.read_text())["runs"] if path.is_file() else []

    def _children(self) -> Iterator[tuple[str, Any]]:
        """Yield the cells that MLflow knows of this run, by their ids."""
        token = None
        while True:
            page = self._client.search_runs(
                [self._run.info.experiment_id],
                f"tags.`mlflow.parentRunId` = '{self._id}'",
                max_results=1000,
                page_token=token,
            )
            for run in page:
                yield run.data.tags["avplug.cell"], run.info
            token = page.token
            if not token:
                return

    def _catch_up(self, metrics: list[str]) -> None:
        finished = RunStatus.to_string(RunStatus.FINISHED)
        entries = [get_registry().get("metric", name) for name in metrics]
        for stored in Store(self._folder).cells():
            known = self._cells.get(stored.id)
            if known is None or known.status != finished:
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
        now = round(1000 * time.time())
        logged = [
            Metric(key, value, now, 0)
            for key, value in {**values, "seconds": seconds}.items()
        ]
        self._client.log_batch(run, metrics=logged, tags=_tags({"error": ""}))
        self._client.set_terminated(run, "FINISHED")

    def _cell(self, name: str, cell: Mapping[str, Any], seconds: float) -> str:
        """Return the id of a cell's run, made with its parameters if it is new."""
        if name not in self._cells:
            run = self._client.create_run(
                self._run.info.experiment_id,
                start_time=round(1000 * (time.time() - seconds)),
                tags={"mlflow.parentRunId": self._id, "avplug.cell": name},
                run_name=describe_cell(cell),
            )
            self._cells[name] = run.info
            self._log_params(run.info.run_id, cell, {})
        return str(self._cells[name].run_id)

    def _log_params(
        self, run: str, settings: Mapping[str, Any], known: Mapping[str, str]
    ) -> None:
        """Log settings; MLflow changes no parameter, so that known ones stay."""
        params = [
            Param(key, value)
            for key, value in params_of(flatten(settings)).items()
            if key not in known
        ]
        for start in range(0, len(params), _AT_ONCE):
            self._client.log_batch(run, params=params[start : start + _AT_ONCE])


def _tags(values: Mapping[str, str]) -> list[RunTag]:
    return [RunTag(key, value) for key, value in tags_of(values).items()]
