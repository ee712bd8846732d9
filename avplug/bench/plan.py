"""The matrix of a run as cells: what will be computed, what is skipped and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from avplug.bench.conditions import Condition, conditions
from avplug.bench.config import RunConfig
from avplug.bench.prepare import (
    LoadedModel,
    load_model,
    open_dataset,
    option_defaults,
    pick_device,
)
from avplug.bench.store import SCHEMA, cell_id
from avplug.core.clip import ClipRef
from avplug.core.dataset import Dataset
from avplug.core.errors import UsageError
from avplug.core.registry import Entry, Registry


@dataclass(frozen=True, slots=True, eq=False)
class Cell:
    """One unit of work: data set x model x method x corruption x severity x seed.

    ``identity`` holds every choice that changes its numbers; ``id`` is its hash.
    """

    id: str
    identity: Mapping[str, Any]
    model: LoadedModel
    method: Entry
    condition: Condition
    seed: int


@dataclass(frozen=True, slots=True)
class Skip:
    """Cells that cannot be, as a group, and the reason."""

    what: str
    cells: int
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """A run, ready to be executed."""

    config: RunConfig
    dataset: Dataset
    clips: tuple[ClipRef, ...]
    cells: tuple[Cell, ...]
    skips: tuple[Skip, ...]
    metrics: tuple[Entry, ...]


def make_plan(config: RunConfig, registry: Registry) -> Plan:
    """Look every name up, open the data set, load the models, and list the cells.

    Whatever is wrong with the configuration comes out here, before any work.

    Raises:
        UsageError: A name, option, file or combination is wrong.
    """
    spoilt = conditions(config, registry)
    methods = [registry.get("adaptation", name) for name in config.tta]
    for entry in methods:
        entry.load()
    dataset_entry, dataset, clips = open_dataset(registry, config)
    device = pick_device(config.device)
    models = [
        load_model(
            registry,
            name,
            config.weights[i] if config.weights else None,
            config.dataset,
            dataset,
            config.options.get("model", {}),
            device,
        )
        for i, name in enumerate(config.models)
    ]
    _check_options(config, methods)
    about = {
        "name": dataset_entry.spec.name,
        "provider": f"{dataset_entry.provider} {dataset_entry.version}",
        "split": config.split,
        "fingerprint": dataset.fingerprint(clips),
        "clips": len(clips),
        "of": len(dataset.clips),
        "classes": len(dataset.labels),
        "multi_label": dataset.multi_label,
        "options": dict(config.options.get("dataset", {})),
    }
    cells: dict[str, Cell] = {}
    skips: list[Skip] = []
    for model, method in product(models, methods):
        reason = _obstacle(model, method, dataset)
        if reason:
            count = len(spoilt) * len(config.seeds)
            skips.append(
                Skip(f"{model.entry.spec.name} with {method.spec.name}", count, reason)
            )
    for seed, model, condition, method in product(
        config.seeds, models, spoilt, methods
    ):
        if _obstacle(model, method, dataset) is None:
            cell = _cell(config, about, model, method, condition, seed)
            # What is asked for twice, such as a seed, is one cell.
            cells[cell.id] = cell
    metrics = _metrics(registry, config, dataset)
    return Plan(config, dataset, clips, tuple(cells.values()), tuple(skips), metrics)


def _cell(
    config: RunConfig,
    dataset: Mapping[str, Any],
    model: LoadedModel,
    method: Entry,
    condition: Condition,
    seed: int,
) -> Cell:
    identity = {
        "schema": SCHEMA,
        "dataset": dataset,
        "model": model.identity,
        "adaptation": _method_identity(config, method),
        "corruption": condition.identity,
        "severity": condition.severity,
        "seed": seed,
        "dtype": "float32",
        "at": config.at,
    }
    return Cell(cell_id(identity), identity, model, method, condition, seed)


def _method_identity(config: RunConfig, method: Entry) -> dict[str, Any]:
    target = method.load()
    defaults = option_defaults(target) or {}
    defaults.pop("model", None)
    identity = {
        "name": method.spec.name,
        "provider": f"{method.provider} {method.version}",
        "options": {**defaults, **config.options.get(method.spec.name, {})},
        "predicts": target.predicts,
        "stateful": target.stateful,
    }
    if target.stateful:
        identity |= {
            "order": config.order,
            "batch_size": config.batch_size,
            "reset": "per-cell",
        }
    return identity


def _obstacle(model: LoadedModel, method: Entry, dataset: Dataset) -> str | None:
    spec: Any = method.spec
    capabilities = model.entry.spec.capabilities  # type: ignore[attr-defined]
    missing = [need for need in spec.needs if need not in capabilities]
    if missing:
        return (
            f"{spec.name} needs {', '.join(missing)}, which "
            f"{model.entry.spec.name} has not"
        )
    task = "multi-label" if dataset.multi_label else "single-label"
    if task not in spec.tasks:
        return f"{spec.name} is not defined for {task} data"
    return None


def _check_options(config: RunConfig, methods: list[Entry]) -> None:
    known = {"model", "dataset", *(m.spec.name for m in methods)}
    for name in config.options:
        if name not in known:
            raise UsageError(
                f"Options are given for {name!r}, which this run does not use.",
                f"Used here: {', '.join(sorted(known))}.",
            )


def _metrics(
    registry: Registry, config: RunConfig, dataset: Dataset
) -> tuple[Entry, ...]:
    task = "multi-label" if dataset.multi_label else "single-label"
    names = config.metrics or (("map",) if dataset.multi_label else ("top1",))
    entries = tuple(registry.get("metric", name) for name in names)
    for entry in entries:
        if entry.spec.task not in ("any", task):  # type: ignore[attr-defined]
            raise UsageError(
                f"Metric '{entry.spec.name}' is not defined for {task} data."
            )
        entry.load()
    return entries
