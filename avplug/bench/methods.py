"""Adaptation methods under a protocol: what they need, and what identifies them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from avplug.bench.config import RunConfig
from avplug.bench.models import LoadedModel
from avplug.bench.protocols import Protocol
from avplug.bench.splits import TRAINING, Split, draw_shots, open_split
from avplug.core.adaptation import Adapter
from avplug.core.clip import ClipRef
from avplug.core.dataset import Dataset
from avplug.core.errors import DatasetError
from avplug.core.metric import task_of
from avplug.core.model import Embeds, ShowsJointAttention
from avplug.core.registry import Entry, Registry

#: Needs that the run meets, and not the model.
_DATA = ("labels", "source-data")


@dataclass(frozen=True, slots=True, eq=False)
class Treatment:
    """A method with its options, under a protocol.

    Args:
        method: The method.
        options: As given by the user.
        protocol: A method without a state has ``reset`` in the listed order.
        needs: Capabilities of the model, and ``labels`` or ``source-data``.
        source: The training split, if the method needs it.
        support: The split of the labelled shots, if the protocol draws any.
        shots: What it drew, by seed.
        problem: Why shots cannot be drawn.
    """

    method: Entry
    options: Mapping[str, Any]
    protocol: Protocol
    needs: tuple[str, ...]
    source: Split | None = None
    support: Split | None = None
    shots: Mapping[int, tuple[ClipRef, ...]] = field(default_factory=dict)
    problem: str = ""

    @property
    def adapter(self) -> type[Adapter]:
        """The class of the method."""
        target: type[Adapter] = self.method.load()
        return target

    def identity(self, config: RunConfig, seed: int) -> dict[str, Any]:
        """Return what belongs to a cell's identity, as plain data."""
        target = self.adapter
        options = target.settings(self.options)
        identity: dict[str, Any] = {
            "name": self.method.spec.name,
            "provider": f"{self.method.provider} {self.method.version}",
            "options": options,
            "predicts": target.answers(self.options),
            "stateful": target.stateful,
        }
        if target.stateful:
            identity |= {"order": self.protocol.order, "batch_size": config.batch_size}
            identity |= self.protocol.identity()
        if self.source:
            identity["source_data"] = self.source.identity
        if self.support and self.support.dataset:
            shots = self.shots.get(seed, ())
            identity["shots_fingerprint"] = self.support.dataset.fingerprint(shots)
        return identity

    def probes(self, config: RunConfig, model: LoadedModel) -> dict[str, int]:
        """Return what is looked at besides the predictions; it changes none."""
        found = {}
        if config.forgetting and self.adapter.stateful:
            found["forgetting"] = config.forgetting
        if config.attention_every and isinstance(model.model, ShowsJointAttention):
            found["attention_every"] = config.attention_every
        if config.retrieval and isinstance(model.model, Embeds) and model.model.embeds:
            found["retrieval"] = 1
        return found

    def obstacle(self, model: LoadedModel, dataset: Dataset) -> str | None:
        """Return why the method cannot run on this model and data; None if it can."""
        spec: Any = self.method.spec
        if lack := model.lack(need for need in self.needs if need not in _DATA):
            return f"{spec.name} needs {lack}"
        task = task_of(dataset.multi_label, dataset.tasks)
        if task not in spec.tasks:
            return f"{spec.name} is not defined for {task} data"
        if "labels" in self.needs and not self.protocol.shots:
            return f"{spec.name} needs labels, which protocol few-shot alone gives"
        if self.source and self.source.problem:
            return (
                f"{spec.name} needs the split '{self.source.name}' of the data set: "
                f"{self.source.problem.rstrip('.')}"
            )
        if self.problem:
            return f"protocol few-shot draws no clips: {self.problem.rstrip('.')}"
        return None


def treatments(
    registry: Registry, config: RunConfig, protocol: Protocol, methods: Sequence[Entry]
) -> list[Treatment]:
    """Return the methods as the run treats them; splits are opened if needed only.

    Raises:
        UsageError: A method has no such option.
    """
    splits: dict[str, Split] = {}

    def split(name: str) -> Split:
        if name not in splits:
            splits[name] = open_split(registry, config, name)
        return splits[name]

    found = []
    for entry in methods:
        target: type[Adapter] = entry.load()
        options = config.options.get(entry.spec.name, {})
        declared = entry.spec.needs  # type: ignore[attr-defined]
        treatment = Treatment(
            entry,
            options,
            protocol if target.stateful else Protocol("reset", "fixed"),
            target.needs(declared, options),
        )
        if "source-data" in treatment.needs:
            treatment = replace(treatment, source=split(TRAINING))
        if treatment.protocol.shots:
            support = split(protocol.options.support)
            treatment = replace(treatment, support=support)
            treatment = _with_shots(treatment, support, config.seeds)
        found.append(treatment)
    return found


def _with_shots(
    treatment: Treatment, support: Split, seeds: Sequence[int]
) -> Treatment:
    if support.dataset is None:
        return replace(treatment, problem=support.problem)
    count = treatment.protocol.shots
    try:
        shots = {seed: draw_shots(support.dataset, count, seed) for seed in seeds}
    except DatasetError as error:
        return replace(treatment, problem=error.message)
    return replace(treatment, shots=shots)
