"""An attack at work on a cell: batches in, attacked batches out, everything noted."""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from avplug.bench.attacking import AttackSetting
from avplug.bench.feed import right, targets_of
from avplug.bench.localising import LocalisationWatch
from avplug.bench.moving import AdaptsFirst
from avplug.bench.perturbation import Perturbation, saved
from avplug.bench.prepare import construct
from avplug.bench.protocols import Item
from avplug.bench.store import Maps
from avplug.core.adaptation import Adapter
from avplug.core.attack import Attack, Attacked
from avplug.core.batch import Batch
from avplug.core.ensemble import Ensemble
from avplug.core.model import Model
from avplug.core.randomness import KeyedRandom


class AttackSession:
    """What an attack does to the stream of a cell, and what comes of it.

    Gradients are taken in float32, whatever the model answers in: of bfloat16 ones a
    third have the wrong sign on a waveform.

    Args:
        setting: The attack.
        adapter: The method, in its source state.
        multi_label: Whether clips have several labels.
        seed: Of the cell.
        shown: Clips of which localisation maps are kept, if the model localises; none
            watches no maps.
    """

    def __init__(
        self,
        setting: AttackSetting,
        adapter: Adapter,
        multi_label: bool,
        seed: int,
        shown: Collection[str] = (),
    ) -> None:
        self._setting = setting
        self._adapter = adapter
        self._multi_label = multi_label
        self._seed = seed
        self._attack: Attack = construct(setting.method, setting.options)
        self._victim = self._chosen_victim()
        self._perturbation = Perturbation(setting.allowed)
        self._localisation = LocalisationWatch(adapter.model, shown)
        self._forwards = self._backwards = self._flat = 0
        self._history: list[NDArray[np.float32]] = []
        self._right = {"attacked": 0, "saved": 0}
        self._gap = 0.0
        self._otherwise = 0
        self._alone: dict[str, Any] = {}

    def _chosen_victim(self) -> Callable[[], Model]:
        model = self._adapter.model
        if self._setting.surrogates:
            members = [loaded.model for loaded in self._setting.surrogates]
            single = members[0] if len(members) == 1 else Ensemble(members)
            return lambda: single
        moving = self._stateful
        if moving and self._setting.protocol == "transfer":
            source = copy.deepcopy(model).eval().requires_grad_(False)
            return lambda: source
        answers_late = self._adapter.predicts == "post"
        if moving and self._setting.protocol == "adaptive" and answers_late:
            return lambda: AdaptsFirst(self._adapter)
        return lambda: model

    def fit(self, batches: Iterable[tuple[list[Item], Batch]]) -> None:
        """Let a fitted attack learn from other clips."""
        labelled = ((batch, self._labels(items, batch)) for items, batch in batches)
        random = KeyedRandom((self._seed, "attack", self._name, "fit"))
        with _full_precision():
            allowed = self._setting.allowed
            self._attack.fit(self._victim(), labelled, allowed, random)

    def attacked(self, items: Sequence[Item], batch: Batch) -> Batch:
        """Return the attacked batch; the adapter is in its state of before the batch.

        Args:
            items: The clips with their labels.
            batch: The clean clips.
        """
        victim = self._victim()
        labels = self._labels(items, batch)
        found = self._perturbed(victim, items, batch, labels)
        self._note(batch, found)
        self._localisation.see([ref for _, ref in items], batch, found.batch)
        if not (self._alone or self._stateful) and len(items) > 1:
            self._look_alone(victim, items, batch, labels, found)
        with torch.no_grad():
            self._seen = self._adapter.model.classify(found.batch)
        return found.batch

    def answered(
        self, items: Sequence[Item], batch: Batch, logits: torch.Tensor
    ) -> None:
        """Take note of what the method answered to the batch last attacked."""
        refs = [ref for _, ref in items]
        self._right["attacked"] += right(logits, refs, {})
        self._gap = max(self._gap, float((logits - self._seen).abs().amax()))
        self._otherwise += int((logits.argmax(1) != self._seen.argmax(1)).sum())
        if self._stateful:
            return
        with torch.no_grad():
            kept = self._adapter.model.classify(saved(batch))
        self._right["saved"] += right(kept, refs, {})

    def facts(self) -> dict[str, Any]:
        """Return what a record keeps; ``attack`` of :mod:`avplug.bench.evaluate`."""
        facts: dict[str, Any] = {
            **self._perturbation.facts(),
            "gradient": "gradient" in self._setting.method.spec.needs,  # type: ignore[attr-defined]
            "forwards": self._forwards,
            "backwards": self._backwards,
            "flat": self._flat,
            "right": self._right["attacked"],
            "history": self._mean_history(),
            # Between the answers of the model as it stood and those of the method.
            "gap": {"logits": self._gap, "answers": self._otherwise},
        }
        if not self._stateful:
            facts["saved"] = self._right["saved"]
        optional = {"alone": self._alone, "localisation": self._localisation.facts()}
        return facts | {key: value for key, value in optional.items() if value}

    def maps(self) -> Maps | None:
        """Return where the model heard the sound, if it says so."""
        return self._localisation.maps()

    @property
    def _stateful(self) -> bool:
        return type(self._adapter).stateful

    @property
    def _name(self) -> str:
        return self._setting.method.spec.name

    def _labels(self, items: Sequence[Item], batch: Batch) -> torch.Tensor:
        device = batch.waveform.device
        if self._multi_label:
            classes = len(self._adapter.model.labels)
            return targets_of(items, classes).to(device)
        return torch.tensor([ref.labels[0] for _, ref in items], device=device)

    def _perturbed(
        self, victim: Model, items: Sequence[Item], batch: Batch, labels: torch.Tensor
    ) -> Attacked:
        randoms = [
            KeyedRandom((self._seed, "attack", self._name, ref.id)) for _, ref in items
        ]
        with _full_precision():
            return self._attack.perturb(
                victim, batch, labels, self._setting.allowed, randoms
            )

    def _note(self, clean: Batch, found: Attacked) -> None:
        self._perturbation.see(clean, found.batch)
        self._forwards += found.forwards
        self._backwards += found.backwards
        self._flat += int(found.flat.sum())
        self._history.append(found.history.numpy())

    def _look_alone(
        self,
        victim: Model,
        items: Sequence[Item],
        batch: Batch,
        labels: torch.Tensor,
        found: Attacked,
    ) -> None:
        """Attack the first clip without its batch, and see whether that differs."""
        first = torch.arange(1, device=labels.device)
        alone = self._perturbed(victim, items[:1], batch.rows(first), labels[:1]).batch
        among = found.batch.rows(first)
        with torch.no_grad(), _full_precision():
            one, other = (victim.classify(each).argmax(1) for each in (alone, among))
        allowed = self._setting.allowed
        pairs = (
            (allowed.video, alone.frames, among.frames),
            (allowed.audio, alone.waveform, among.waveform),
        )
        # Last digits differ between batch sizes and flip the odd sign; more than the
        # odd one is another perturbation.
        shares = [
            float(((x - y).abs() > budget.radius(x) / 10).double().mean())
            for budget, x, y in pairs
            if budget and budget.epsilon
        ]
        self._alone = {
            "same_answer": bool(torch.equal(one, other)),
            "moved": max(shares, default=0.0),
        }

    def _mean_history(self) -> list[float | None]:
        steps = max((len(rows) for rows in self._history), default=0)
        means: list[float | None] = []
        for step in range(steps):
            rows = [rows[step] for rows in self._history if len(rows) > step]
            values = np.concatenate(rows)
            values = values[np.isfinite(values)]
            means.append(float(values.mean()) if len(values) else None)
        return means


def _full_precision() -> Any:
    kind = "cuda" if torch.is_autocast_enabled("cuda") else "cpu"
    return torch.autocast(kind, enabled=False)
