"""Adversarial training with efficient crafting and a curriculum (arXiv 2502.11858).

After the paper: its full text gives neither budgets nor schedules. It crafts with TMA;
any attack can be named here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
from torch.nn import functional as F

from avplug.builtin_defenses.adversarial import AdversarialTraining
from avplug.builtin_defenses.crafting import craft, excerpt_of
from avplug.builtin_defenses.curriculum import Curriculum, Schedule, masked
from avplug.core.attack import Attack, Attacked, ThreatModel
from avplug.core.batch import Batch
from avplug.core.defense import Moment, task_loss
from avplug.core.errors import CapabilityError, UsageError
from avplug.core.model import FusesFeatures, Model, PerSense
from avplug.core.randomness import KeyedRandom


class EfficientTraining(AdversarialTraining):
    """Crafts on sampled moments; masking, dropout and steps grow with the epochs.

    Args:
        attack: Name of the attack.
        attack_options: Its options; the curriculum sets ``steps``.
        clean: See :class:`AdversarialTraining`.
        ratio: Share of a clip's moments that the attack is crafted on; 1 crafts on
            all, as plain adversarial training does.
        parts: Moments that a clip's sound is divided into.
        trained_on: ``"clip"``: whole clips, every moment of which is changed like the
            nearest crafted one. ``"excerpt"``: the crafted moments alone, which is
            cheaper, and does not depend on what is added to a moment being bad for its
            neighbours, too. The paper's hours grow with ``ratio`` as if it did this.
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
        trained_on: Literal["clip", "excerpt"] = "clip",
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
        if trained_on not in ("clip", "excerpt"):
            raise UsageError(
                f"Option trained_on is {trained_on!r}; it is 'clip' or 'excerpt'."
            )
        self._ratio = ratio
        self._parts = parts
        self._trained_on = trained_on
        self._curriculum = Curriculum(schedule, masked, dropout, steps, grow_budget)

    def objective(
        self, model: Model, batch: Batch, labels: torch.Tensor, moment: Moment
    ) -> torch.Tensor:
        """Return the training loss; see :meth:`Defense.objective`."""
        plan, at = self._curriculum, moment.progress
        attack = self._made({"steps": plan.steps_at(at)})
        threat = self._threat.scaled(plan.budget_at(at))
        randoms = moment.randoms
        if self._ratio < 1:
            attacked = self._crafted(attack, model, batch, labels, threat, randoms)
        else:
            attacked = attack.perturb(model, batch, labels, threat, randoms)
        # A pass over an excerpt counts as one: what it saves depends on the model,
        # and the seconds tell.
        self.forwards += attacked.forwards
        self.backwards += attacked.backwards
        share = plan.masked * plan.hardness(at)
        hidden = masked(attacked.batch, share, self._parts, randoms)
        dropped = plan.dropout * plan.hardness(at)
        loss = task_loss(_logits(model, hidden, dropped), labels)
        if self._clean:
            own = task_loss(model.classify(batch), labels)
            loss = (1 - self._clean) * loss + self._clean * own
        return loss

    def _crafted(
        self,
        attack: Attack,
        model: Model,
        batch: Batch,
        labels: torch.Tensor,
        threat: ThreatModel,
        randoms: Sequence[KeyedRandom],
    ) -> Attacked:
        """Return what the network is trained on, attacked on sampled moments."""
        ratio, parts = self._ratio, self._parts
        shift = float(randoms[0].stream("shift").generator().random())
        if self._trained_on == "clip":
            return craft(
                attack,
                model,
                batch,
                labels,
                threat,
                randoms,
                ratio=ratio,
                parts=parts,
                shift=shift,
            )
        short = excerpt_of(batch, ratio=ratio, parts=parts, shift=shift).batch
        return attack.perturb(model, short, labels, threat, randoms)


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
