"""A run from configuration to store: cell by cell, no finished one ever lost."""

from __future__ import annotations

import datetime as dt
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from avplug.bench.compute import Compute, compute_of
from avplug.bench.config import RunConfig
from avplug.bench.evaluate import Outcome
from avplug.bench.interrupts import interruptible
from avplug.bench.keeping import Keeper
from avplug.bench.locking import only_writer
from avplug.bench.metrics import scores
from avplug.bench.observing import Observer, Teller
from avplug.bench.plan import Cell, Plan
from avplug.bench.planning import make_plan
from avplug.bench.prepare import construct
from avplug.bench.shards import Gathering
from avplug.bench.store import Store, StoredCell, cell_id
from avplug.bench.tasks import Task, form_tasks
from avplug.bench.trained import training_costs
from avplug.bench.untyped import bare_defaults
from avplug.bench.work import CellWork
from avplug.bench.writers import command_line
from avplug.core.corruption import recordings_from
from avplug.core.errors import WorkerLostError, WorkerSetupError
from avplug.core.events import RunFinished, RunStarted
from avplug.core.executor import Executor
from avplug.core.manager import get_plugin_manager
from avplug.core.registry import Registry

__all__ = ["Observer", "RunSummary", "default_folder", "run", "scores"]


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
    settings = bare_defaults(RunConfig, settings)
    model = settings["models"][0].partition("/")[2] or settings["models"][0]
    name = f"{settings['dataset']}-{model}".replace(":", "-").replace("/", "-")
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
    keeper = Keeper(plan, store, about, observer)
    outcomes = _outcomes(executor, plan, todo, observer)
    # Clips of the next cell are corrupted while a cell is stored, too.
    recordings = recordings_from(config.recordings)
    with interruptible() as interrupts, recordings, closing(outcomes):
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
    tell = Teller(cells, observer)
    with closing(
        CellWork(plan.config, None if executor.remote else plan, tasks)
    ) as work:
        while tasks:
            again: list[Task] = []
            with closing(executor.run(tasks, work, tell)) as results:
                for task, outcomes in results:
                    if isinstance(outcomes, WorkerSetupError):
                        raise outcomes
                    if isinstance(outcomes, WorkerLostError) and len(task.cells) > 1:
                        # One of them kills its worker; the others must not pay for it.
                        again += task.split()
                        continue
                    for name, outcome in gathering.take(task, outcomes):
                        yield cells[name], outcome
            tasks = again


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
