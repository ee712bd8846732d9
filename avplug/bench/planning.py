"""The matrix of a run laid out as cells: everything looked up, opened and checked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from avplug.bench.attack_checks import CONTROLS, check_settings
from avplug.bench.attacking import AttackSetting, attack_settings
from avplug.bench.compute import compute_of
from avplug.bench.conditions import Condition, conditions
from avplug.bench.config import RunConfig
from avplug.bench.idle_options import refuse_idle
from avplug.bench.localising import localises
from avplug.bench.methods import Treatment, treatments
from avplug.bench.metrics import choose_metrics
from avplug.bench.models import LoadedModel, load_model
from avplug.bench.plan import Cell, Plan, Skip
from avplug.bench.premade import premade_conditions
from avplug.bench.prepare import open_dataset, pick_device
from avplug.bench.protocols import protocol_of
from avplug.bench.store import SCHEMA, cell_id
from avplug.core.clip import ClipRef
from avplug.core.dataset import Dataset
from avplug.core.errors import UsageError
from avplug.core.model import Embeds, ShowsJointAttention
from avplug.core.registry import Entry, Registry
from avplug.core.senses import ONLY, lacking_signal


def make_plan(config: RunConfig, registry: Registry) -> Plan:
    """Look every name up, open the data set, load the models, and list the cells.

    Whatever is wrong with the configuration comes out here, before any work.

    Raises:
        UsageError: A name, option, file or combination is wrong.
    """
    protocol = protocol_of(config)
    methods = registry.select("adaptation", config.tta)
    entry, dataset, clips = open_dataset(registry, config)
    if dataset.premade:
        spoilt = premade_conditions(config, dataset, registry)
    else:
        spoilt = conditions(config, registry)
    models, surrogates = _load_models(registry, config, entry.lasting, dataset)
    if config.attacks and dataset.tasks:
        raise UsageError(
            f"Attacks are defined for one task; '{config.dataset}' has several: "
            f"{', '.join(dataset.tasks)}.",
            "Run it without --attack.",
        )
    attacks = attack_settings(registry, config, surrogates, models, len(clips))
    used = _with_options(config, methods, models, attacks)
    refuse_idle(config.options, used, "run", registry)
    matrix = _Matrix(
        config,
        dataset,
        _about(config, entry, dataset, clips),
        models,
        treatments(registry, config, protocol, methods),
        spoilt,
        attacks,
        check_settings(registry, config, attacks) if config.attack_checks else [],
    )
    cells, skips = tuple(matrix.cells()), tuple(matrix.skips())
    return Plan(
        config, dataset, clips, cells, skips, choose_metrics(registry, config, dataset)
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Matrix:
    """What a run crosses.

    Args:
        config: Of the run.
        dataset: Whose clips are shown.
        about: What the identity of each cell says of the data set.
        models: As loaded.
        treated: The adaptation methods, under the run's protocol.
        spoilt: The conditions, the clean one first.
        attacks: As asked for.
        checks: Attacks that only check the others: on clean clips, with one seed.
    """

    config: RunConfig
    dataset: Dataset
    about: Mapping[str, Any]
    models: Sequence[LoadedModel]
    treated: Sequence[Treatment]
    spoilt: Sequence[Condition]
    attacks: Sequence[AttackSetting]
    checks: Sequence[AttackSetting]

    def cells(self) -> Iterable[Cell]:
        """Return the cells in the order in which they are to be computed."""
        cells: dict[str, Cell] = {}
        for seed, model in product(self.config.seeds, self.models):
            found = [
                cell
                for treatment in self._able(model)
                for cell in self._cells_of(model, treatment, seed)
            ]
            # One stream after the other, each with all methods: clips are decoded and
            # results can be compared early. What is asked for twice is one cell.
            found.sort(key=lambda cell: self.spoilt.index(cell.segments[0]))
            cells |= {cell.id: cell for cell in found if cell.id not in cells}
        return cells.values()

    def skips(self) -> list[Skip]:
        """Return what cannot be, and why."""
        skips = [
            Skip(_pair(model, treatment), self._streams(treatment), reason)
            for model, treatment in product(self.models, self.treated)
            if (reason := treatment.obstacle(model, self.dataset))
        ]
        if self.config.attention_every:
            skips += [
                Skip(f"attention in {model.entry.spec.name}", 0, "it shows none")
                for model in self.models
                if not isinstance(model.model, ShowsJointAttention)
            ]
        if self.config.retrieval:
            skips += [
                Skip(f"retrieval by {model.entry.spec.name}", 0, "it has no embeddings")
                for model in self.models
                if not (isinstance(model.model, Embeds) and model.model.embeds)
            ]
        for model in self.models:
            skips += self._unheeded(model)
            for treatment in self._able(model):
                skips += self._impossible(model, treatment)
        return skips

    def _able(self, model: LoadedModel) -> list[Treatment]:
        return [t for t in self.treated if t.obstacle(model, self.dataset) is None]

    def _streams(
        self, treatment: Treatment, conditions: Sequence[Condition] | None = None
    ) -> int:
        spoilt = self.spoilt if conditions is None else conditions
        return len(treatment.protocol.streams(spoilt, 0)) * len(self.config.seeds)

    def _shown(self, model: LoadedModel) -> list[Condition]:
        """Return the conditions that can change an answer, and the clean one."""
        return [c for c in self.spoilt if c.matters_to(model.modalities)]

    def _unheeded(self, model: LoadedModel) -> list[Skip]:
        """Return what is spoilt of a sense that a model lacks."""
        shown, able = self._shown(model), self._able(model)
        count = sum(self._streams(t) - self._streams(t, shown) for t in able)
        if not count:
            return []
        signal = lacking_signal(model.modalities)
        what = f"{model.entry.spec.name} where only the {signal} is corrupted"
        return [Skip(what, count, f"it {ONLY[model.modalities]}")]

    def _meant(self, model: LoadedModel) -> list[AttackSetting]:
        return [a for a in self.attacks if a.meant_for(model, self.config.only)]

    def _impossible(self, model: LoadedModel, treatment: Treatment) -> list[Skip]:
        """Return the attacks that cannot be made on a model so treated."""
        reasons = Counter(
            (attack.method.spec.name, reason)
            for attack in self._meant(model)
            if (reason := self._obstacle(attack, model, treatment))
        )
        seeds = len(self.config.seeds)
        return [
            Skip(f"{name} on {_pair(model, treatment)}", seeds * count, reason)
            for (name, reason), count in reasons.items()
        ]

    def _obstacle(
        self, attack: AttackSetting, model: LoadedModel, treatment: Treatment
    ) -> str | None:
        # A paper's table prints the clean score of a network so attacked, and means it.
        vain = None if self.config.tables else attack.vain(model)
        return vain or attack.obstacle(model, treatment)

    def _cells_of(
        self, model: LoadedModel, treatment: Treatment, seed: int
    ) -> Iterator[Cell]:
        def possible(attacks: Iterable[AttackSetting]) -> list[AttackSetting]:
            return [a for a in attacks if not self._obstacle(a, model, treatment)]

        attacks, checks = possible(self._meant(model)), possible(self.checks)
        for segments in treatment.protocol.streams(self._shown(model), seed):
            clean = all(condition.clean for condition in segments)
            checked = clean and seed == self.config.seeds[0]
            for attack in (None, *attacks, *(checks if checked else ())):
                yield self._cell(model, treatment, segments, seed, attack)

    def _cell(
        self,
        model: LoadedModel,
        treatment: Treatment,
        segments: tuple[Condition, ...],
        seed: int,
        attack: AttackSetting | None,
    ) -> Cell:
        config = self.config
        places = [
            {"corruption": condition.identity, "severity": condition.severity}
            for condition in segments
        ]
        identity = {
            "schema": SCHEMA,
            "dataset": self.about,
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


def _pair(model: LoadedModel, treatment: Treatment) -> str:
    return f"{model.entry.spec.name} with {treatment.method.spec.name}"


def _about(
    config: RunConfig, entry: Entry, dataset: Dataset, clips: tuple[ClipRef, ...]
) -> dict[str, Any]:
    about = {
        "name": entry.spec.name,
        "provider": f"{entry.provider} {entry.version}",
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
    return about


def _load_models(
    registry: Registry, config: RunConfig, dataset_name: str, dataset: Dataset
) -> tuple[list[LoadedModel], list[LoadedModel]]:
    """Return the models of the run, and those that attacks are made on as well."""
    device, compute = pick_device(config.device), compute_of(config)
    compute.check(device)

    def load(name: str, weights: str | None) -> LoadedModel:
        return load_model(
            registry,
            name,
            weights,
            dataset_name,
            dataset,
            config.options,
            device,
            compute,
        )

    weights = config.weights or (None,) * len(config.models)
    models = [load(*pair) for pair in zip(config.models, weights, strict=True)]
    parted = [text.partition("=") for text in config.surrogates]
    return models, [load(name, weights or None) for name, _, weights in parted]


def _with_options(
    config: RunConfig,
    methods: list[Entry],
    models: list[LoadedModel],
    attacks: list[AttackSetting],
) -> set[str]:
    """Return the names under which the run reads options."""
    entries = [*methods, *(m.entry for m in models), *(a.method for a in attacks)]
    entries += [m.entry for a in attacks for m in a.surrogates]
    named = {entry.spec.name for entry in entries}
    named |= set(CONTROLS) if config.attack_checks else set()
    return {"model", "dataset", "protocol", "executor", *config.models, *named}
