"""A run from configuration to store: cell by cell, no finished one ever lost."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from avplug.bench.compute import Compute, compute_of
from avplug.bench.config import RunConfig
from avplug.bench.describing import describe_cell
from avplug.bench.evaluate import NoClipError, Outcome
from avplug.bench.interrupts import interruptible
from avplug.bench.locking import only_writer
from avplug.bench.plan import Cell, Plan
from avplug.bench.planning import make_plan
from avplug.bench.prepare import construct
from avplug.bench.shards import Gathering
from avplug.bench.store import Store, StoredCell, cell_id
from avplug.bench.tasks import Task, form_tasks
from avplug.bench.trained import training_costs
from avplug.bench.work import CellWork
from avplug.bench.writers import command_line
from avplug.core.errors import StoppedError, WorkerLostError, WorkerSetupError
from avplug.core.events import CellFailed, CellFinished, RunFinished, RunStarted
from avplug.core.executor import Executor
from avplug.core.manager import get_plugin_manager
from avplug.core.metric import Predictions
from avplug.core.registry import Entry, Registry

_log = logging.getLogger("avplug")


class Observer(Protocol):
    """What is told of a run's progress, such as a progress bar.

    Several cells may be under way at once; from far away little may be told of a cell
    until it ends.
    """

    def planned(self, plan: Plan, todo: Sequence[Cell], folder: Path) -> None:
        """The plan stands; ``todo`` is what the store does not hold yet."""

    def cell_started(self, cell: Cell) -> None:
        """A cell begins."""

    def clips_done(self, count: int) -> None:
        """So many more clips are done; less than 0 when a lost worker's are not."""

    def cell_ended(self, cell: Cell, error: str | None) -> None:
        """A cell is stored, or failed with this message."""


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What a run did."""

    folder: Path
    computed: int
    reused: int
    failed: dict[str, str]


def default_folder(config: RunConfig) -> Path:
    """Return the folder that the same configuration always gets."""
    settings = {k: v for k, v in config.as_dict().items() if k not in _TRANSPORT}
    settings["options"] = {
        k: v for k, v in settings["options"].items() if k not in _TRANSPORT
    }
    model = config.models[0].partition("/")[2] or config.models[0]
    name = f"{config.dataset}-{model}".replace(":", "-").replace("/", "-")
    return Path("runs") / f"{name}-{cell_id(settings)[:8]}"


#: What changes how a run is done, not what comes out.
_TRANSPORT = {
    *("out", "workers", "threads", "device", "executor", "metrics", "tables"),
    *("on_error", "retries", "auto_batch_size"),
    *("clip_cache", "clip_cache_size", "clip_timeout"),
}


def run(
    config: RunConfig,
    registry: Registry,
    observer: Observer | None = None,
    *,
    retry_failed: bool = False,
    break_lock: bool = False,
) -> RunSummary:
    """Evaluate what the store does not hold yet; the same call again goes on.

    SIGINT and SIGTERM end it as soon as the result in hand is written.

    Args:
        config: What to run.
        registry: Where components are looked up; an executor that leaves this process
            looks them up in the registry of its plugins.
        observer: Told of progress.
        retry_failed: Evaluate finished cells of which clips failed again, too.
        break_lock: Take over the folder from a writer elsewhere that may be alive.

    Raises:
        UsageError: The configuration is wrong, or no clip can be read; nothing was
            computed.
        LockedError: Another process writes to the folder.
        StorageError: Nothing can be written there, or nothing any more.
        StoppedError: A clip or a cell failed, and ``on_error`` is ``stop``.
        WorkerSetupError: A worker cannot plan the run.
        KeyboardInterrupt: A signal came.
    """
    folder = Path(config.out) if config.out else default_folder(config)
    store = Store(folder)
    # Before anything is loaded: a folder that takes no results is found out at once.
    with only_writer(folder, break_lock=break_lock):
        return _run(store, config, registry, observer, retry_failed)


def _run(
    store: Store,
    config: RunConfig,
    registry: Registry,
    observer: Observer | None,
    retry_failed: bool,
) -> RunSummary:
    folder = store.folder
    entry = registry.get("executor", config.executor)
    executor: Executor = construct(entry, config.options.get("executor", {}))
    plan = _plan(config, registry, executor)
    about = _describe(plan)
    store.clear()
    store.write_run(about)
    store.write_clips(
        plan.dataset.fingerprint(plan.clips), [ref.id for ref in plan.clips]
    )
    todo = [
        cell for cell in plan.cells if _wanted(store.recover(cell.id), retry_failed)
    ]
    manager = get_plugin_manager()
    manager.notify(
        "avplug_run_started",
        RunStarted(str(folder), len(plan.cells), len(plan.cells) - len(todo)),
    )
    if observer:
        observer.planned(plan, todo, folder)
    keeper = _Keeper(plan, store, about, observer)
    outcomes = _outcomes(executor, plan, todo, observer)
    with interruptible() as interrupts, closing(outcomes):
        for cell, outcome in outcomes:
            with interrupts.held():
                keeper.keep(cell, outcome)
    failed = len(keeper.failed)
    done = len(todo) - failed
    manager.notify("avplug_run_finished", RunFinished(str(folder), done, failed))
    return RunSummary(folder, done, len(plan.cells) - len(todo), keeper.failed)


def _wanted(stored: StoredCell | None, retry_failed: bool) -> bool:
    return stored is None or (retry_failed and stored.record["clips"]["failed"] > 0)


def _plan(config: RunConfig, registry: Registry, executor: Executor) -> Plan:
    if executor.remote and compute_of(config) == Compute():
        # Models here are only looked at; the accelerators are the workers'.
        plan = make_plan(replace(config, device="cpu"), registry)
        return replace(plan, config=config)
    return make_plan(config, registry)


def _outcomes(
    executor: Executor,
    plan: Plan,
    todo: Sequence[Cell],
    observer: Observer | None,
) -> Generator[tuple[Cell, Outcome | Exception], None, None]:
    """Yield cells with what came of them, as they end."""
    cells = {cell.id: cell for cell in todo}
    tasks = form_tasks(plan, todo, executor.shard)
    gathering = Gathering(tasks, plan.config.batch_size)
    work = CellWork(plan.config, None if executor.remote else plan)
    tell = _Teller(cells, observer)
    while tasks:
        again: list[Task] = []
        with closing(executor.run(tasks, work, tell)) as results:
            for task, outcomes in results:
                if isinstance(outcomes, WorkerSetupError):
                    raise outcomes
                if isinstance(outcomes, WorkerLostError) and len(task.cells) > 1:
                    # One of them kills its worker; the others shall not pay for it.
                    again += task.split()
                    continue
                for name, outcome in gathering.take(task, outcomes):
                    yield cells[name], outcome
        tasks = again


class _Teller:
    """Passes the progress of tasks on to an observer, cell by cell."""

    def __init__(self, cells: Mapping[str, Cell], observer: Observer | None) -> None:
        self._cells = cells
        self._observer = observer
        self._started: set[str] = set()

    def __call__(self, task: Task, count: int) -> None:
        if self._observer is None:
            return
        for name in task.cells:
            if name not in self._started:
                self._started.add(name)
                self._observer.cell_started(self._cells[name])
        if count:
            self._observer.clips_done(count)


class _Keeper:
    """Stores outcomes, and tells of them."""

    def __init__(
        self,
        plan: Plan,
        store: Store,
        about: Mapping[str, Any],
        observer: Observer | None,
    ) -> None:
        self._plan = plan
        self._store = store
        self._about = about
        self._observer = observer
        self.failed: dict[str, str] = {}

    def keep(self, cell: Cell, outcome: Outcome | Exception) -> None:
        """Store an outcome, or note a failure.

        Raises:
            NoClipError: Not one clean clip could be evaluated: the other cells would
                only say so again.
            StorageError: It cannot be stored, nor could another.
            StoppedError: It is a failure, and the run stops at the first.
        """
        folder = str(self._store.folder)
        manager = get_plugin_manager()
        if isinstance(outcome, NoClipError) and cell.clean:
            raise outcome
        if isinstance(outcome, Exception):
            error = f"{type(outcome).__name__}: {outcome}"
            self.failed[cell.id] = error
            _log.error("Cell %s failed. %s", describe_cell(cell.identity), error)
            _log.debug("Traceback of cell %s", cell.id, exc_info=outcome)
            manager.notify(
                "avplug_cell_failed",
                CellFailed(folder, cell.id, cell.identity, error),
            )
            self._store.write_run({**self._about, "failed": self.failed})
            if self._plan.config.on_error == "stop":
                raise StoppedError(
                    f"{describe_cell(cell.identity)} failed: {error}",
                    "Finished cells are kept; the same command again goes on.",
                ) from outcome
        else:
            stored = self._put(cell, outcome)
            manager.notify(
                "avplug_cell_finished", _event(self._store.folder, self._plan, stored)
            )
        if self._observer:
            self._observer.cell_ended(cell, self.failed.get(cell.id))

    def _put(self, cell: Cell, outcome: Outcome) -> StoredCell:
        config = self._plan.config
        record = {
            **outcome.record,
            "run": {
                "batch_size": config.batch_size,
                "workers": config.workers,
                "executor": config.executor,
            },
            "finished": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        }
        return self._store.put(
            cell.identity, outcome.predictions, record, outcome.places, outcome.maps
        )


def scores(metrics: Sequence[Entry], predictions: Predictions) -> dict[str, float]:
    """Return each metric of stored predictions, in percent."""
    ones = np.ones((1, len(predictions)))
    return {
        entry.spec.name: float(entry.load()().compute(predictions, ones)[0])
        for entry in metrics
    }


def _event(folder: Path, plan: Plan, stored: StoredCell) -> CellFinished:
    try:
        values = scores(plan.metrics, stored.predictions())
    except Exception:
        # The predictions are safe; a broken metric must not end the run.
        _log.exception("A metric failed on cell %s.", stored.id)
        values = {}
    seconds = stored.record["seconds"]["total"]
    return CellFinished(str(folder), stored.id, stored.cell, values, seconds)


def _describe(plan: Plan) -> dict[str, Any]:
    return {
        "config": plan.config.as_dict(),
        "labels": list(plan.dataset.labels),
        "tasks": dict(plan.dataset.tasks),
        "missing": dict(plan.dataset.missing),
        # Clips of one recording are resampled together.
        "groups": {ref.id: ref.group for ref in plan.clips if ref.group},
        "metrics": [entry.spec.name for entry in plan.metrics],
        "cells": [{"id": cell.id, "cell": cell.identity} for cell in plan.cells],
        "skipped": [asdict(skip) for skip in plan.skips],
        "trainings": training_costs(plan.config),
        "command": command_line(),
        "started": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
    }
