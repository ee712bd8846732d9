"""Universal perturbation: one shift of the picture and the sound for every clip.

After arXiv 1610.08401, fitted by sign steps on minibatches (arXiv 1811.11304).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch

from avplug.builtin_attacks.ball import Ball
from avplug.builtin_attacks.goals import Goal, Loss, check_loss
from avplug.builtin_attacks.slopes import frozen, plain, slope
from avplug.builtin_attacks.tally import Tally, at_least_one, unattacked
from avplug.core.attack import Attack, Attacked, ThreatModel
from avplug.core.batch import Batch
from avplug.core.errors import CapabilityError, UsageError
from avplug.core.model import Model
from avplug.core.randomness import KeyedRandom


class Universal(Attack):
    """One perturbation, learned from other clips, that is added to each.

    Args:
        epochs: Passes over the clips that it is fitted to.
        step: Length of a step in radii.
        loss: See :class:`~avplug.builtin_attacks.goals.Goal`.

    Raises:
        UsageError: An option is out of its range.
    """

    fitted = True

    def __init__(
        self, *, epochs: int = 5, step: float = 0.125, loss: Loss = "ce"
    ) -> None:
        at_least_one("epochs", epochs)
        if not step > 0:
            raise UsageError(f"Option step is {step}; it must be positive.")
        check_loss(loss)
        self._epochs = epochs
        self._step = step
        self._loss: Loss = loss
        self._shift: dict[str, torch.Tensor] = {}

    def fit(
        self,
        model: Model,
        batches: Iterable[tuple[Batch, torch.Tensor]],
        threat: ThreatModel,
        random: KeyedRandom,
    ) -> None:
        """Climb the mean loss over the batches, which are run through several times."""
        self._shift = {}
        held = list(batches)
        with frozen(model):
            for _ in range(self._epochs):
                for batch, labels in held:
                    self._climb(model, Ball(batch, threat, ()), labels)

    def _climb(self, model: Model, ball: Ball, labels: torch.Tensor) -> None:
        if not ball.signals:
            return
        for name, value in ball.signals.items():
            self._shift.setdefault(name, torch.zeros_like(value[:1]))
        at = slope(
            plain, model, ball, self._shifted(ball), Goal(labels, None, self._loss)
        )
        # A ball round nothing, of one clip: what all clips have in common.
        blank = ball.common()
        means = {n: g.mean(0, keepdim=True) for n, g in at.gradients.items()}
        self._shift = blank.project(blank.step(self._shift, means, self._step))

    def _shifted(self, ball: Ball) -> dict[str, torch.Tensor]:
        return ball.project(
            {n: value + self._shift[n] for n, value in ball.signals.items()}
        )

    def perturb(
        self,
        model: Model,
        batch: Batch,
        labels: torch.Tensor,
        threat: ThreatModel,
        randoms: Sequence[KeyedRandom],
    ) -> Attacked:
        """Return the attacked batch; see :meth:`Attack.perturb`.

        Raises:
            CapabilityError: It was not fitted, or to clips of another shape.
        """
        if not threat.modalities:
            return unattacked(batch)
        ball = Ball(batch, threat, randoms)
        for name, value in ball.signals.items():
            known = self._shift.get(name)
            if known is None or known.shape[1:] != value.shape[1:]:
                raise CapabilityError(
                    f"The universal perturbation was not fitted to such {name}."
                )
        return Tally(len(batch), 0).result(ball.batch(self._shifted(ball)))
