"""Attacked cells of one data set, each beside the same cell without the attack."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np

from avplug.bench.store import StoredCell
from avplug.core.attack import Budget, ThreatModel
from avplug.core.errors import UsageError, closest
from avplug.core.metric import Predictions
from avplug.report import keys
from avplug.report.labels import canonical, distinguish
from avplug.report.measure import Measured
from avplug.report.metrics import NamedMetric
from avplug.report.panel import Condition, Method
from avplug.report.statistics import Draws, Estimate, estimate

#: Epsilon, of pixels or amplitudes, within which nothing should withstand.
LARGE = 0.5

#: Senses in the order of the papers' columns.
SENSES = ("a", "v", "av")

#: What tells one attacked setting from another, whatever the senses and the seed.
Group: TypeAlias = tuple[Method, str, str, str, Condition | None, int]


@dataclass(frozen=True, slots=True, eq=False)
class AttackedCell:
    """A finished attacked cell.

    Args:
        stored: The cell.
        method: The model and its adaptation.
        attack: Label of the attack, with options where they tell two apart.
        knowledge: ``"white-box"``, ``"black-box"``, ``"noise"``, or
            ``"from <surrogates>"``.
        threat: What could be changed in each sense.
        corruption: Below the attack; None for clean clips.
        value: The metric in percent, of all clips that were evaluated.
        clean: The same cell without the attack; None where it is not finished.
        clean_value: Its metric.
    """

    stored: StoredCell
    method: Method
    attack: str
    knowledge: str
    threat: ThreatModel
    corruption: Condition | None
    value: Draws
    clean: StoredCell | None
    clean_value: Draws | None

    @property
    def about(self) -> dict[str, Any]:
        """The attack in the cell's identity."""
        found: dict[str, Any] = self.stored.cell["attack"]
        return found

    @property
    def facts(self) -> dict[str, Any]:
        """What was noted of the attack."""
        found: dict[str, Any] = self.stored.record["attack"]
        return found

    @property
    def senses(self) -> str:
        """What was attacked: ``"a"``, ``"v"``, ``"av"``."""
        return str(self.about["senses"])

    @property
    def protocol(self) -> str:
        """Against a method that adapts; "" for one without a state."""
        return str(self.about.get("protocol", ""))

    @property
    def budget(self) -> str:
        """What the attack could change, with units; short, for tables."""
        return brief(self.threat.only(self.senses))

    @property
    def group(self) -> Group:
        """What it shares with the cells of other senses and seeds."""
        whole = canonical(self.about["threat"])
        where = (self.corruption, int(self.stored.cell["severity"]))
        return (self.method, self.attack, self.knowledge + self.protocol, whole, *where)

    @property
    def seed(self) -> int:
        """Of the run."""
        return int(self.stored.cell["seed"])

    @property
    def epsilons(self) -> tuple[float, ...]:
        """Of the attacked senses."""
        allowed = self.threat.only(self.senses)
        return tuple(side.epsilon for side in (allowed.video, allowed.audio) if side)

    @property
    def ordinary(self) -> bool:
        """Whether its budget is one to report, and not one that tests the attack."""
        return max(self.epsilons) > 0 and min(self.epsilons) < LARGE

    @property
    def reading(self) -> str:
        """What its score may be called; ``"no budget"`` where it left its own."""
        if self.facts["outside"] or self.facts["invalid"]:
            return "no budget"
        if self.knowledge == "noise":
            return "control"
        if self.protocol == "transfer" or self.knowledge.startswith("from "):
            return "transfer"
        return "robust"

    def success(self) -> tuple[int, int] | None:
        """Return how many clips were fooled, of how many that were right before.

        None where the unattacked cell is not finished. A clip is right if its best
        class is one of its labels.
        """
        if self.clean is None:
            return None
        before, after = (answers(c.predictions()) for c in (self.clean, self.stored))
        kept = [clip for clip, right in before.items() if right and clip in after]
        return sum(not after[clip] for clip in kept), len(kept)


def answers(predictions: Predictions) -> dict[str, bool]:
    """Return by clip whether its best class is one of its labels."""
    rows = np.arange(len(predictions.ids))
    right = predictions.targets[rows, predictions.logits.argmax(1)]
    return dict(zip(map(str, predictions.ids), right.tolist(), strict=True))


@dataclass(frozen=True, eq=False)
class AttackPanel:
    """The attacked cells of a data set under one metric.

    Args:
        dataset: Its label.
        metric: The metric.
        cells: In the order of the plan.
        base: The model that relative improvement is measured against.
    """

    dataset: str
    metric: NamedMetric
    cells: tuple[AttackedCell, ...]
    base: str

    @cached_property
    def groups(self) -> dict[Group, list[AttackedCell]]:
        """Cells by what they share but for senses and seeds, in their order."""
        found: dict[Group, list[AttackedCell]] = {}
        for cell in self.cells:
            found.setdefault(cell.group, []).append(cell)
        return found

    @property
    def several_models(self) -> bool:
        """Whether rows must name the model."""
        return len({cell.method.model for cell in self.cells}) > 1

    @property
    def corrupted(self) -> bool:
        """Whether rows must say what the clips went through before."""
        return any(cell.corruption for cell in self.cells)


def attack_panel(
    dataset: str,
    cells: Sequence[StoredCell],
    metric: NamedMetric,
    measured: Measured,
    base: str | None,
) -> AttackPanel | None:
    """Return the attacked cells among some of a data set; None if there is none.

    Args:
        dataset: Its label.
        cells: Attacked and other cells, of streams their segments.
        metric: The metric.
        measured: Draws of the metric on all the cells.
        base: Label of the model that others are compared with; the first if None.

    Raises:
        UsageError: There is no such model.
    """
    attacked = [cell for cell in cells if cell.cell.get("attack")]
    if not attacked:
        return None
    bare = {cell.id: replace(cell, cell=_without(cell)) for cell in attacked}
    plain = [cell for cell in cells if not cell.cell.get("attack")]
    references = {canonical(cell.cell): cell for cell in plain}
    everything = [*plain, *bare.values()]
    methods, conditions = keys.methods(everything), keys.conditions(everything)
    labels = _labels(attacked)
    found = []
    for cell in attacked:
        clean = references.get(canonical(bare[cell.id].cell))
        found.append(
            AttackedCell(
                cell,
                methods[cell.id],
                labels[cell.id],
                _knowledge(cell),
                threat_of(cell.cell["attack"]["threat"]),
                conditions[cell.id],
                measured.draws[metric.name, cell.id],
                clean,
                measured.draws[metric.name, clean.id] if clean else None,
            )
        )
    models = list(dict.fromkeys(cell.method.model for cell in found))
    if base is not None and base not in models:
        raise UsageError(
            f"No attacked model is called {base!r}.{closest(base, models)}",
            f"Models: {', '.join(models)}.",
        )
    return AttackPanel(dataset, metric, tuple(found), base or models[0])


def threat_of(plain: dict[str, Any]) -> ThreatModel:
    """Return a threat model as a cell's identity has it."""

    def budget(side: dict[str, Any] | None) -> Budget | None:
        if side is None:
            return None
        return Budget(
            side["norm"],
            side["epsilon"],
            (side["bounds"][0], side["bounds"][1]),
            side["unit"],
            tuple(side["scale"]),
        )

    return ThreatModel(budget(plain["video"]), budget(plain["audio"]), plain["joint"])


def brief(threat: ThreatModel) -> str:
    """Return a threat model in few words, such as ``V linf 8/255, A linf 0.01``.

    The picture is counted in grey levels of 255, the sound in amplitude.
    """
    parts = []
    if threat.video:
        levels = (255 * threat.video.epsilon * f for f in threat.video.scale)
        if threat.video.norm == "l2":
            levels = (threat.video.epsilon * f for f in threat.video.scale)
        shown = ":".join(f"{level:.3g}" for level in levels)
        unit = "/255" if threat.video.norm == "linf" else " pixel"
        parts.append(f"V {threat.video.norm} {shown}{unit}")
    if threat.audio:
        parts.append(f"A {threat.audio.norm} {threat.audio.epsilon:.3g}")
    return ", ".join(parts) + (" jointly" if threat.joint else "")


def averaged(draws: Iterable[Draws | None]) -> Estimate | None:
    """Return the mean of what is there, with its interval; None of nothing."""
    there = [each for each in draws if each is not None]
    return estimate(np.mean(there, axis=0)) if there else None


def _without(cell: StoredCell) -> dict[str, Any]:
    return {key: value for key, value in cell.cell.items() if key != "attack"}


def _labels(cells: Sequence[StoredCell]) -> dict[str, str]:
    """Return labels of the attacks: names, with options that tell two apart."""
    telling = ("name", "provider", "options", "fitted", "batch_size")
    kinds = {
        cell.id: {k: v for k, v in cell.cell["attack"].items() if k in telling}
        for cell in cells
    }
    distinct = {canonical(kind): kind for kind in kinds.values()}
    names = [str(kind["name"]) for kind in distinct.values()]
    labels = dict(
        zip(distinct, distinguish(names, list(distinct.values())), strict=True)
    )
    return {name: labels[canonical(kind)] for name, kind in kinds.items()}


def _knowledge(cell: StoredCell) -> str:
    about = cell.cell["attack"]
    surrogates = about.get("surrogates")
    if surrogates:
        return "from " + " + ".join(keys.model_name(model) for model in surrogates)
    facts = cell.record["attack"]
    if facts["gradient"]:
        return "white-box"
    return "black-box" if facts["forwards"] else "noise"
