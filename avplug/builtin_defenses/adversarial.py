"""Adversarial training: fitting a model to attacked clips (arXiv 1706.06083)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from avplug.core.attack import Attack, ThreatModel
from avplug.core.batch import Batch
from avplug.core.defense import Defense, Moment, Training, task_loss
from avplug.core.errors import UsageError
from avplug.core.model import Model


class AdversarialTraining(Defense):
    """Attacks every batch with the weights of the moment and fits what comes out.

    Args:
        attack: Name of the attack.
        attack_options: Its options, such as ``{steps = 5, step = 0.25}``.
        clean: Weight of the loss of the clips as they are, 0..1; the attacked clips'
            has the rest. 0 is the paper's.

    Raises:
        UsageError: An option is out of its range.
    """

    def __init__(
        self,
        *,
        attack: str = "pgd",
        attack_options: Mapping[str, Any] | None = None,
        clean: float = 0.0,
    ) -> None:
        if not 0 <= clean < 1:
            raise UsageError(f"Option clean is {clean}; it is a share below 1.")
        self._name = attack
        self._options = dict(attack_options or {"steps": 5, "step": 0.25})
        self._clean = clean

    def begin(self, model: Model, training: Training) -> None:
        """Make the attack; see :meth:`Defense.begin`.

        Raises:
            UsageError: The training states no threat model.
        """
        if training.threat is None or not training.threat.modalities:
            raise UsageError(
                "Adversarial training needs a threat model.",
                "Name one, such as --budget pixel8.",
            )
        self._threat: ThreatModel = training.threat
        self._training = training
        self._attack = self._made({})

    def _made(self, changes: Mapping[str, Any]) -> Attack:
        attack = self._training.attack(self._name, {**self._options, **changes})
        if attack.fitted:
            raise UsageError(
                f"Attack '{self._name}' has to be fitted first: it cannot craft"
                " training clips.",
                "Use pgd, mim, apgd or tma.",
            )
        return attack

    def objective(
        self, model: Model, batch: Batch, labels: torch.Tensor, moment: Moment
    ) -> torch.Tensor:
        """Return the training loss; see :meth:`Defense.objective`."""
        attacked = self._attack.perturb(
            model, batch, labels, self._threat, moment.randoms
        )
        self.forwards += attacked.forwards
        self.backwards += attacked.backwards
        return self._mixed(model, batch, attacked.batch, labels)

    def _mixed(
        self, model: Model, batch: Batch, attacked: Batch, labels: torch.Tensor
    ) -> torch.Tensor:
        loss = task_loss(model.classify(attacked), labels)
        if self._clean:
            own = task_loss(model.classify(batch), labels)
            loss = (1 - self._clean) * loss + self._clean * own
        return loss
