"""The matrix of a run as cells: what will be computed, what is skipped and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import torch

from avplug.bench.attack_checks import CONTROLS, check_settings
from avplug.bench.attacking import AttackSetting, attack_settings
from avplug.bench.compute import Compute, compute_of
from avplug.bench.conditions import Condition, conditions
from avplug.bench.config import RunConfig
from avplug.bench.localising import localises
from avplug.bench.methods import Treatment, treatments
from avplug.bench.models import LoadedModel, load_model
from avplug.bench.premade import premade_conditions
from avplug.bench.prepare import (
    open_dataset,
    pick_device,
)
from avplug.bench.protocols import Protocol, protocol_of
from avplug.bench.store import SCHEMA, cell_id
from avplug.core.clip import ClipRef
from avplug.core.components import MetricSpec
from avplug.core.dataset import Dataset
from avplug.core.errors import UsageError
from avplug.core.metric import task_of
from avplug.core.model import Embeds, ShowsJointAttention
from avplug.core.registry import Entry, Registry

_DEFAULT_METRICS = {
    "single-label": ("top1",),
    "multi-label": ("map",),
    "multi-task": ("verb-top1", "noun-top1", "action-top1"),
}


@dataclass(frozen=True, slots=True, eq=False)
class Cell:
    """One unit of work: data set x model x method x stream x attack x seed.

    Most streams have one segment, a corruption at a severity. ``identity`` holds every
    choice that changes its numbers; ``id`` is its hash.
    """

    id: str
    identity: Mapping[str, Any]
    model: LoadedModel
    treatment: Treatment
    segments: tuple[Condition, ...]
    seed: int
    attack: AttackSetting | None = None

    @property
    def method(self) -> Entry:
        """The adaptation method."""
        return self.treatment.method

    @property
    def protocol(self) -> Protocol:
        """How its clips become a stream."""
        return self.treatment.protocol

    @property
    def clean(self) -> bool:
        """Whether nothing is corrupted or attacked."""
        return self.attack is None and all(
            condition.clean for condition in self.segments
        )


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

    def visits(self, cell: Cell) -> int:
        """Return how many times a clip is shown to the model in a cell."""
        treatment = cell.treatment
        answers = len(cell.segments) * len(self.clips)
        if not treatment.protocol.frozen:
            return answers
        shown = treatment.shots.get(cell.seed, self.clips)
        return treatment.protocol.passes * len(shown) + answers


def make_plan(config: RunConfig, registry: Registry) -> Plan:
    """Look every name up, open the data set, load the models, and list the cells.

    Whatever is wrong with the configuration comes out here, before any work.

    Raises:
        UsageError: A name, option, file or combination is wrong.
    """
    protocol = protocol_of(config)
    methods = registry.select("adaptation", config.tta)
    dataset_entry, dataset, clips = open_dataset(registry, config)
    if dataset.premade:
        spoilt = premade_conditions(config, dataset, registry)
    else:
        spoilt = conditions(config, registry)
    device = pick_device(config.device)
    compute = compute_of(config)
    compute.check(device)
    models = [
        load_model(
            registry,
            name,
            config.weights[i] if config.weights else None,
            config.dataset,
            dataset,
            config.options,
            device,
            compute,
        )
        for i, name in enumerate(config.models)
    ]
    surrogates = [
        _surrogate(registry, config, dataset, text, device, compute)
        for text in config.surrogates
    ]
    if config.attacks and dataset.tasks:
        raise UsageError(
            f"Attacks are defined for one task; '{config.dataset}' has several: "
            f"{', '.join(dataset.tasks)}.",
            "Run it without --attack.",
        )
    attacks = attack_settings(registry, config, surrogates, models, len(clips))
    _check_options(config, methods, models, attacks)
    treated = treatments(registry, config, protocol, methods)
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
    # Absent where there is nothing to say, so that cells of old keep their names.
    about |= {"tasks": dict(dataset.tasks)} if dataset.tasks else {}
    about |= {"missing": len(dataset.missing)} if dataset.missing else {}
    about |= {"list": dataset.list_name} if dataset.list_name else {}
    cells: dict[str, Cell] = {}
    skips: list[Skip] = []
    for model, treatment in product(models, treated):
        reason = treatment.obstacle(model, dataset)
        if reason:
            streams = treatment.protocol.streams(spoilt, 0)
            what = f"{model.entry.spec.name} with {treatment.method.spec.name}"
            skips.append(Skip(what, len(streams) * len(config.seeds), reason))
    if config.attention_every:
        skips += [
            Skip(f"attention in {model.entry.spec.name}", 0, "it shows none")
            for model in models
            if not isinstance(model.model, ShowsJointAttention)
        ]
    if config.retrieval:
        skips += [
            Skip(f"retrieval by {model.entry.spec.name}", 0, "it has no embeddings")
            for model in models
            if not (isinstance(model.model, Embeds) and model.model.embeds)
        ]
    extra = check_settings(registry, config, attacks) if config.attack_checks else []
    for seed, model in product(config.seeds, models):
        able = [t for t in treated if t.obstacle(model, dataset) is None]
        found = []
        for treatment in able:
            meant = [a for a in attacks if a.meant_for(model, config.only)]
            possible, why = _possible(meant, model, treatment, len(config.seeds))
            skips += why if seed == config.seeds[0] else []
            checking = [a for a in extra if a.obstacle(model, treatment) is None]
            for segments in treatment.protocol.streams(spoilt, seed):
                clean = all(condition.clean for condition in segments)
                first = clean and seed == config.seeds[0]
                for attack in (None, *possible, *(checking if first else ())):
                    found.append(
                        _cell(config, about, model, treatment, segments, seed, attack)
                    )
        # One stream after the other, each with all methods: clips are decoded and
        # results can be compared early. What is asked for twice is one cell.
        found.sort(key=lambda cell: spoilt.index(cell.segments[0]))
        cells |= {cell.id: cell for cell in found if cell.id not in cells}
    metrics = _metrics(registry, config, dataset)
    return Plan(config, dataset, clips, tuple(cells.values()), tuple(skips), metrics)


def _cell(
    config: RunConfig,
    dataset: Mapping[str, Any],
    model: LoadedModel,
    treatment: Treatment,
    segments: tuple[Condition, ...],
    seed: int,
    attack: AttackSetting | None,
) -> Cell:
    places = [
        {"corruption": condition.identity, "severity": condition.severity}
        for condition in segments
    ]
    identity = {
        "schema": SCHEMA,
        "dataset": dataset,
        "model": model.identity,
        "adaptation": treatment.identity(config, seed),
        **(places[0] if len(places) == 1 else {"stream": places}),
        "seed": seed,
        **compute_of(config).identity(),
        "at": config.at,
    }
    probes = treatment.probes(config, model)
    if probes:
        identity["probes"] = probes
    if attack:
        identity["attack"] = attack.identity(treatment, config)
        if config.localisation and localises(model.model):
            identity["attack"]["localisation"] = config.localisation
    name = cell_id(identity)
    return Cell(name, identity, model, treatment, segments, seed, attack)


def _possible(
    attacks: list[AttackSetting], model: LoadedModel, treatment: Treatment, seeds: int
) -> tuple[list[AttackSetting], list[Skip]]:
    """Return the attacks on a model so treated, and those that cannot be."""
    possible: list[AttackSetting] = []
    reasons: dict[tuple[str, str], int] = {}
    for attack in attacks:
        reason = attack.obstacle(model, treatment)
        if reason is None:
            possible.append(attack)
        else:
            key = attack.method.spec.name, reason
            reasons[key] = reasons.get(key, 0) + seeds
    on = f"{model.entry.spec.name} with {treatment.method.spec.name}"
    return possible, [
        Skip(f"{name} on {on}", count, reason)
        for (name, reason), count in reasons.items()
    ]


def _surrogate(
    registry: Registry,
    config: RunConfig,
    dataset: Dataset,
    text: str,
    device: torch.device,
    compute: Compute,
) -> LoadedModel:
    name, _, weights = text.partition("=")
    return load_model(
        registry,
        name,
        weights or None,
        config.dataset,
        dataset,
        config.options,
        device,
        compute,
    )


def _check_options(
    config: RunConfig,
    methods: list[Entry],
    models: list[LoadedModel],
    attacks: list[AttackSetting],
) -> None:
    entries = [*methods, *(m.entry for m in models), *(a.method for a in attacks)]
    entries += [m.entry for a in attacks for m in a.surrogates]
    named = {entry.spec.name for entry in entries}
    named |= set(CONTROLS) if config.attack_checks else set()
    known = {"model", "dataset", "protocol", "executor", *config.models, *named}
    for name in config.options:
        if name not in known:
            raise UsageError(
                f"Options are given for {name!r}, which this run does not use.",
                f"Used here: {', '.join(sorted(known))}.",
            )


def _metrics(
    registry: Registry, config: RunConfig, dataset: Dataset
) -> tuple[Entry, ...]:
    task = task_of(dataset.multi_label, dataset.tasks)
    names = config.metrics or _DEFAULT_METRICS[task]
    entries = tuple(registry.get("metric", name) for name in names)
    retrieving = [e for e in registry.entries("metric") if _embeddings_for(e)]
    if config.retrieval and not config.metrics:
        entries += tuple(entry for entry in retrieving if not entry.conflict)
    for entry in entries:
        if entry.spec.task not in ("any", task):  # type: ignore[attr-defined]
            raise UsageError(
                f"Metric '{entry.spec.name}' is not defined for {task} data."
            )
        if entry in retrieving and not config.retrieval:
            raise UsageError(
                f"Metric '{entry.spec.name}' needs the embeddings of both senses.",
                "Keep them with --retrieval.",
            )
        entry.load()
    return entries


def _embeddings_for(metric: Entry) -> bool:
    return isinstance(metric.spec, MetricSpec) and "embeddings" in metric.spec.needs
