"""A run from configuration to store: cell by cell, no finished one ever lost."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from avplug.bench.config import RunConfig
from avplug.bench.evaluate import NoClipError, evaluate
from avplug.bench.feed import Feed
from avplug.bench.plan import Cell, Plan, make_plan
from avplug.bench.prepare import construct, pick_device
from avplug.bench.provenance import environment
from avplug.bench.store import Store, StoredCell, cell_id
from avplug.bench.trained import training_costs
from avplug.core.events import CellFailed, CellFinished, RunFinished, RunStarted
from avplug.core.executor import Executor
from avplug.core.manager import get_plugin_manager
from avplug.core.metric import Predictions
from avplug.core.registry import Entry, Registry

_log = logging.getLogger("avplug")


class Observer(Protocol):
    """What is told of a run's progress, such as a progress bar."""

    def planned(self, plan: Plan, todo: Sequence[Cell], folder: Path) -> None:
        """The plan stands; ``todo`` is what the store does not hold yet."""

    def cell_started(self, cell: Cell) -> None:
        """A cell begins."""

    def clips_done(self, count: int) -> None:
        """So many more clips of the cell are done."""

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
    model = config.models[0].partition("/")[2] or config.models[0]
    name = f"{config.dataset}-{model}".replace(":", "-").replace("/", "-")
    return Path("runs") / f"{name}-{cell_id(settings)[:8]}"


#: What changes how a run is done, not what comes out.
_TRANSPORT = {"out", "workers", "threads", "device", "executor", "metrics", "tables"}


def run(
    config: RunConfig, registry: Registry, observer: Observer | None = None
) -> RunSummary:
    """Evaluate what the store does not hold yet; the same call again goes on.

    Args:
        config: What to run.
        registry: Where components are looked up.
        observer: Told of progress.

    Raises:
        UsageError: The configuration is wrong, or no clip can be read; nothing was
            computed.
    """
    plan = make_plan(config, registry)
    executor: Executor = construct(registry.get("executor", config.executor), {})
    folder = Path(config.out) if config.out else default_folder(config)
    store = Store(folder)
    store.write_run(_describe(plan))
    todo = [cell for cell in plan.cells if store.get(cell.id) is None]
    manager = get_plugin_manager()
    manager.notify(
        "avplug_run_started",
        RunStarted(str(folder), len(plan.cells), len(plan.cells) - len(todo)),
    )
    if observer:
        observer.planned(plan, todo, folder)
    worker = _Worker(plan, store, observer)
    failed: dict[str, str] = {}
    for cell, outcome in executor.run(todo, worker):
        if isinstance(outcome, NoClipError) and cell.clean:
            # Not one clean clip: the other cells would only say so again.
            raise outcome
        if isinstance(outcome, Exception):
            error = f"{type(outcome).__name__}: {outcome}"
            failed[cell.id] = error
            _log.error("Cell %s failed. %s", describe_cell(cell.identity), error)
            _log.debug("Traceback of cell %s", cell.id, exc_info=outcome)
            manager.notify(
                "avplug_cell_failed",
                CellFailed(str(folder), cell.id, cell.identity, error),
            )
        else:
            manager.notify("avplug_cell_finished", _event(folder, plan, outcome))
        if observer:
            observer.cell_ended(cell, failed.get(cell.id))
    store.write_run({**_describe(plan), "failed": failed})
    done = len(todo) - len(failed)
    manager.notify("avplug_run_finished", RunFinished(str(folder), done, len(failed)))
    return RunSummary(folder, done, len(plan.cells) - len(todo), failed)


class _Worker:
    """Evaluates and stores cells; decoded clips stay in memory between them."""

    def __init__(self, plan: Plan, store: Store, observer: Observer | None) -> None:
        self._plan = plan
        self._store = store
        self._observer = observer
        self._environment = environment(pick_device(plan.config.device))
        self._feed = Feed(plan)

    def __call__(self, cell: Cell) -> StoredCell:
        if self._observer:
            self._observer.cell_started(cell)
        tick = self._observer.clips_done if self._observer else _no_tick
        outcome = evaluate(cell, self._plan, self._feed, tick)
        record = {
            **outcome.record,
            "environment": self._environment,
            "run": {
                "batch_size": self._plan.config.batch_size,
                "workers": self._plan.config.workers,
            },
            "finished": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        }
        return self._store.put(
            cell.identity, outcome.predictions, record, outcome.places, outcome.maps
        )


def _no_tick(count: int) -> None:
    """Take no notice of progress."""


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


def describe_cell(identity: Any) -> str:
    """Return a cell in words, such as ``cav-mae tent gaussian s5 seed 0``."""
    attack = describe_attack(identity.get("attack"))
    model = identity["model"]
    training = model.get("training")
    name = f"{training['name']} #{training['seed']}" if training else model["name"]
    return (
        f"{name} {identity['adaptation']['name']} "
        f"{describe_condition(identity)}{attack} seed {identity['seed']}"
    )


def describe_attack(about: Any) -> str:
    """Return an attack in words, such as `` pgd on av (video 0.031, audio 0.01)``."""
    if not about:
        return ""
    sizes = [
        f"{name} {about['threat'][name]['epsilon']:.2g}"
        for name in ("video", "audio")
        if about["threat"][name] and name[0] in about["senses"]
    ]
    where = f", {about['protocol']}" if "protocol" in about else ""
    made = ", from surrogates" if about.get("surrogates") else ""
    return f" {about['name']} on {about['senses']} ({', '.join(sizes)}{where}{made})"


def describe_condition(identity: Any) -> str:
    """Return what happens to the clips of a cell, such as ``gaussian s5``."""
    if "stream" in identity:
        first, *_, last = (describe_condition(part) for part in identity["stream"])
        count = len(identity["stream"])
        return f"{identity['adaptation']['protocol']} {first} to {last} ({count})"
    corruption = identity["corruption"]
    return f"{corruption['name']} s{identity['severity']}" if corruption else "clean"


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
    }
