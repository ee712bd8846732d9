"""Adversarial training with efficient crafting and a curriculum (arXiv 2502.11858).

After the paper: its full text gives neither budgets nor schedules. It crafts with TMA;
any attack can be named here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch.nn import functional as F

from avplug.builtin_defenses.adversarial import AdversarialTraining
from avplug.builtin_defenses.crafting import craft
from avplug.builtin_defenses.curriculum import Curriculum, Schedule, masked
from avplug.core.batch import Batch
from avplug.core.defense import Moment, task_loss
from avplug.core.errors import CapabilityError, UsageError
from avplug.core.model import FusesFeatures, Model, PerSense


class EfficientTraining(AdversarialTraining):
    """Crafts on sampled moments; masking, dropout and steps grow with the epochs.

    Args:
        attack: Name of the attack.
        attack_options: Its options; the curriculum sets ``steps``.
        clean: See :class:`AdversarialTraining`.
        ratio: Share of a clip's moments that the attack is crafted on; 1 crafts on
            all, as plain adversarial training does.
        parts: Moments that a clip's sound is divided into.
        schedule: See :class:`~avplug.builtin_defenses.curriculum.Curriculum`.
        masked: See there.
        dropout: See there; 0 where the model does not fuse one vector of each sense.
        steps: See there.
        grow_budget: See there, ``budget``.

    Raises:
        UsageError: An option is out of its range.
    """

    def __init__(
        self,
        *,
        attack: str = "tma",
        attack_options: Mapping[str, Any] | None = None,
        clean: float = 0.5,
        ratio: float = 0.25,
        parts: int = 10,
        schedule: Schedule = "cosine",
        masked: float = 0.5,
        dropout: float = 0.3,
        steps: int = 5,
        grow_budget: bool = False,
    ) -> None:
        options = dict(attack_options or {"step": 0.25})
        super().__init__(attack=attack, attack_options=options, clean=clean)
        if not 0 < ratio <= 1:
            raise UsageError(f"Option ratio is {ratio}; it is a share, above 0.")
        if not isinstance(parts, int) or parts < 1:
            raise UsageError(f"Option parts is {parts!r}: 1 or more are needed.")
        self._ratio = ratio
        self._parts = parts
        self._curriculum = Curriculum(schedule, masked, dropout, steps, grow_budget)

    def objective(
        self, model: Model, batch: Batch, labels: torch.Tensor, moment: Moment
    ) -> torch.Tensor:
        """Return the training loss; see :meth:`Defense.objective`."""
        plan, at = self._curriculum, moment.progress
        attack = self._made({"steps": plan.steps_at(at)})
        threat = self._threat.scaled(plan.budget_at(at))
        if self._ratio < 1:
            attacked = craft(
                attack,
                model,
                batch,
                labels,
                threat,
                moment.randoms,
                ratio=self._ratio,
                parts=self._parts,
                shift=float(moment.randoms[0].stream("shift").generator().random()),
            )
        else:
            attacked = attack.perturb(model, batch, labels, threat, moment.randoms)
        # A pass over an excerpt counts as one: what it saves depends on the model,
        # and the seconds tell.
        self.forwards += attacked.forwards
        self.backwards += attacked.backwards
        share = plan.masked * plan.hardness(at)
        hidden = masked(attacked.batch, share, self._parts, moment.randoms)
        dropped = plan.dropout * plan.hardness(at)
        loss = task_loss(_logits(model, hidden, dropped), labels)
        if self._clean:
            own = task_loss(model.classify(batch), labels)
            loss = (1 - self._clean) * loss + self._clean * own
        return loss


def _logits(model: Model, batch: Batch, dropout: float) -> torch.Tensor:
    """Return logits [B, C] with a share of the features dropped."""
    if not dropout:
        return model.classify(batch)
    if not isinstance(model, FusesFeatures):
        raise CapabilityError(
            f"{type(model).__name__} does not fuse one vector of each sense: there are"
            " no features to drop.",
            "Set -o efficient.dropout=0.",
        )
    own = model.features(model.encode(batch))
    thinned = PerSense(F.dropout(own.audio, dropout), F.dropout(own.video, dropout))
    return model.fuse_features(thinned)
