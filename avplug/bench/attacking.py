"""Attacks of a run: which, on which senses, within which budgets, knowing what.

An attacked cell is an unattacked one with ``attack`` in its identity; without that key
the identity is that of the unattacked cell, which always runs beside it.

Adaptation is a moving defence, and there are three ways to attack it, never mixed:

============ =========================================================================
``transfer`` The frozen source model is attacked; the method then adapts to the attacked
             stream. It says what adaptation does to clips made for another model, and
             nothing of robustness.
``snapshot`` Before each batch the model as adapted so far is attacked, with its weights
             held fixed. The attacker knows everything but the update to come.
``adaptive`` At each look at the model, the attacker lets a copy of the method adapt to
             the batch as perturbed so far, and takes the gradient through the weights
             that result, held fixed: a best response step by step. It does not
             differentiate through the update itself.
============ =========================================================================

A method that answers before it updates (``predicts = "pre"``) answers with the
snapshot, so that ``adaptive`` equals ``snapshot`` for it. Without a state all three are
one, and the identity names none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from itertools import product
from typing import Any

from avplug.bench.config import AttackProtocolName, RunConfig
from avplug.bench.methods import Treatment
from avplug.bench.models import LoadedModel
from avplug.bench.prepare import construct
from avplug.bench.splits import TRAINING, Split, open_split
from avplug.bench.threats import SENSES, threat_model
from avplug.core.attack import Attack, Budget, ThreatModel
from avplug.core.ensemble import interchange_obstacle
from avplug.core.errors import UsageError
from avplug.core.registry import Entry, Registry
from avplug.core.senses import ONLY, SIGNALS
from avplug.core.targets import option_defaults


@dataclass(frozen=True, slots=True, eq=False)
class AttackSetting:
    """An attack with everything that decides what it does.

    Args:
        method: The attack.
        options: As given by the user.
        threat: What may be changed in each sense, whichever are attacked.
        senses: Of these, what is attacked: ``"a"``, ``"v"`` or ``"av"``.
        protocol: Against methods that adapt; see this module.
        surrogates: Models that it is made on; none for the attacked model itself.
        training: The split that a fitted attack learns from.
        samples: Of that split, how many clips.
        asked: The budget as the configuration has it.
        matrix: Whether the surrogate is another model of the run.
    """

    method: Entry
    options: Mapping[str, Any]
    threat: ThreatModel
    senses: str
    protocol: AttackProtocolName = "snapshot"
    surrogates: tuple[LoadedModel, ...] = ()
    training: Split | None = None
    samples: int = 0
    asked: str = ""
    matrix: bool = False

    @property
    def attack(self) -> type[Attack]:
        """The class of the attack."""
        target: type[Attack] = self.method.load()
        return target

    @property
    def allowed(self) -> ThreatModel:
        """What this attack may change."""
        return self.threat.only(self.senses)

    def identity(self, treatment: Treatment, config: RunConfig) -> dict[str, Any]:
        """Return what belongs to a cell's identity, as plain data."""
        known = option_defaults(self.attack)
        identity: dict[str, Any] = {
            "name": self.method.spec.name,
            "provider": f"{self.method.provider} {self.method.version}",
            "options": {**(known or {}), **self.options},
            "threat": {
                "video": _budget(self.threat.video),
                "audio": _budget(self.threat.audio),
                "joint": self.threat.joint,
            },
            "senses": self.senses,
        }
        if treatment.adapter.stateful and not self.surrogates:
            identity["protocol"] = self.protocol
        if self.attack.batch_dependent:
            identity["batch_size"] = config.batch_size
        if self.surrogates:
            identity["surrogates"] = [dict(model.identity) for model in self.surrogates]
        if self.training:
            identity["fitted"] = {**self.training.identity, "clips": self.samples}
        return identity

    def meant_for(self, model: LoadedModel, only: Mapping[str, Sequence[str]]) -> bool:
        """Whether the run asks for this attack on a model.

        Args:
            model: The attacked model.
            only: As in :class:`~avplug.bench.config.RunConfig`.
        """
        if self.matrix and not _of_one_seed(model, self.surrogates[0]):
            return False
        spec = model.entry.spec
        names = {spec.name, model.identity.get("training", {}).get("name", spec.name)}
        return all(
            any(fnmatchcase(name, wanted) for name in names for wanted in models)
            for pattern, models in only.items()
            if any(fnmatchcase(own, pattern) for own in (self.method.name, self.asked))
        )

    def vain(self, model: LoadedModel) -> str | None:
        """Return why nothing that it may change reaches an answer; None if it does."""
        for seen in (model, *self.surrogates):
            if {*self.senses}.isdisjoint(seen.modalities):
                name, only = seen.entry.spec.name, ONLY[seen.modalities]
                signal = SIGNALS[self.senses]
                return f"it attacks the {signal} alone, and {name} {only}"
        return None

    def obstacle(self, model: LoadedModel, treatment: Treatment) -> str | None:
        """Return why a model so treated cannot be attacked so; None if it can."""
        spec: Any = self.method.spec
        moving = treatment.adapter.stateful and not self.surrogates
        for seen in self.surrogates or (model,):
            if lack := seen.lack(spec.needs):
                return f"{spec.name} needs {lack}"
        for surrogate in self.surrogates:
            if different := interchange_obstacle(model.model, surrogate.model):
                return (
                    f"{surrogate.entry.spec.name} is no surrogate of "
                    f"{model.entry.spec.name}: {different}"
                )
            same = ("name", "weights", "config")
            if all(surrogate.identity[k] == model.identity[k] for k in same):
                return f"{model.entry.spec.name} is no surrogate of itself"
        if treatment.adapter.stateful and treatment.protocol.frozen:
            return (
                f"protocol {treatment.protocol.name} freezes what was adapted: attack "
                "it as a model of its own, or choose reset"
            )
        if moving and self.attack.fitted and self.protocol != "transfer":
            return f"{spec.name} is fitted once: --attack-protocol transfer alone fits"
        if moving and self.protocol == "adaptive" and set(spec.needs) - {"gradient"}:
            return f"{spec.name} looks into the model, which moves in 'adaptive'"
        if self.training and self.training.problem:
            return (
                f"{spec.name} needs the split '{self.training.name}' of the data set: "
                f"{self.training.problem.rstrip('.')}"
            )
        return None


def attack_settings(
    registry: Registry,
    config: RunConfig,
    surrogates: Sequence[LoadedModel],
    models: Sequence[LoadedModel],
    clips: int,
) -> list[AttackSetting]:
    """Return the attacks of a run; each has its options tried.

    With surrogates each attack is there twice, white-box and from them: a transfer
    tells little beside no white-box result.

    Args:
        registry: Where attacks are looked up.
        config: What was asked for.
        surrogates: Models to attack from.
        models: Those of the run, from which ``transfer`` attacks.
        clips: How many clips a fitted attack is fitted to.

    Raises:
        UsageError: An attack, option, or budget is wrong.
    """
    found: dict[str, AttackSetting] = {}
    training: Split | None = None
    threats = {budget: threat_model(budget) for budget in config.budgets}
    knowledge: list[tuple[LoadedModel, ...]] = [()]
    if surrogates:
        knowledge.append(tuple(surrogates))
    entries = registry.select("attack", config.attacks)
    for name in config.transfer:
        if name not in {entry.name for entry in entries}:
            raise UsageError(
                f"transfer has {name!r}, which is no attack of this run.",
                f"Attacks: {', '.join(entry.name for entry in entries) or 'none'}.",
            )
    for entry in entries:
        options = config.options.get(entry.spec.name, {})
        construct(entry, options)
        fitted = entry.load().fitted
        if fitted and training is None:
            training = open_split(registry, config, TRAINING)
        others = [(model,) for model in models if entry.name in config.transfer]
        for asked, senses, known, protocol in product(
            threats,
            config.attack_senses,
            [*knowledge, *others],
            config.attack_protocols,
        ):
            threat = threats[asked]
            there = "".join(s for s in senses if _side(threat, s) is not None)
            if there not in SENSES:
                continue
            setting = AttackSetting(
                entry,
                options,
                threat,
                there,
                protocol,
                known,
                training if fitted else None,
                clips if fitted else 0,
                asked,
                known in others,
            )
            names = [model.identity for model in known]
            key = (entry.qualified, threat, there, protocol)
            found.setdefault(repr((key, names)), setting)
    if config.attacks and not found:
        raise UsageError(
            "No budget of this run threatens a sense that is to be attacked.",
            f"Senses: {', '.join(config.attack_senses)}; "
            f"budgets: {', '.join(map(str, config.budgets))}.",
        )
    return list(found.values())


def _of_one_seed(model: LoadedModel, other: LoadedModel) -> bool:
    """Whether two are different models, and not of trainings with different seeds."""
    mine, its = (m.identity.get("training", {}).get("seed") for m in (model, other))
    return model.identity != other.identity and mine == its


def _side(threat: ThreatModel, sense: str) -> Budget | None:
    return threat.audio if sense == "a" else threat.video


def _budget(budget: Budget | None) -> dict[str, Any] | None:
    if budget is None:
        return None
    plain = asdict(budget)
    return {k: list(v) if isinstance(v, tuple) else v for k, v in plain.items()}
