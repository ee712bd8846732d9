"""Noise of the size of a budget: the control that every attack has to beat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch

from avplug.builtin_attacks.ball import Ball, Signals, choose
from avplug.builtin_attacks.goals import Goal
from avplug.builtin_attacks.slopes import frozen
from avplug.builtin_attacks.tally import Tally, at_least_one, unattacked
from avplug.core.attack import Attack, Attacked, ThreatModel
from avplug.core.batch import Batch
from avplug.core.errors import UsageError
from avplug.core.model import Model
from avplug.core.randomness import KeyedRandom

Kind = Literal["uniform", "sign"]


class Noise(Attack):
    """A random point of the ball, or of its corners; asks the model for nothing.

    Args:
        kind: ``"uniform"`` over the ball, or ``"sign"``: every value moves by a whole
            epsilon up or down (in an l_2 ball, by as much as fits).
        draws: Points tried; each clip keeps the one of the largest loss that fools
            the model, or else of the largest loss. 1 does not look at the model.

    Raises:
        UsageError: An option is out of its range.
    """

    def __init__(self, *, kind: Kind = "uniform", draws: int = 1) -> None:
        if kind not in ("uniform", "sign"):
            raise UsageError(f"Unknown kind {kind!r}: uniform or sign are possible.")
        at_least_one("draws", draws)
        self._kind = kind
        self._draws = draws

    def perturb(
        self,
        model: Model,
        batch: Batch,
        labels: torch.Tensor,
        threat: ThreatModel,
        randoms: Sequence[KeyedRandom],
    ) -> Attacked:
        """Return the attacked batch; see :meth:`Attack.perturb`."""
        if not threat.modalities:
            return unattacked(batch)
        ball = Ball(batch, threat, randoms)
        tally = Tally(len(batch), 0)
        kept = self._point(ball, 0)
        if self._draws > 1:
            with frozen(model), torch.no_grad():
                kept = self._worst(model, ball, labels, kept, tally)
        return tally.result(ball.batch(kept))

    def _point(self, ball: Ball, draw: int) -> Signals:
        point = ball.random_point(draw)
        if self._kind == "uniform":
            return point
        clean = ball.signals
        signs = {name: (point[name] - clean[name]).sign() for name in point}
        return ball.project(ball.step(clean, signs, 1.0))

    def _worst(
        self,
        model: Model,
        ball: Ball,
        labels: torch.Tensor,
        first: Signals,
        tally: Tally,
    ) -> Signals:
        goal = Goal(labels)

        def score(signals: Signals) -> torch.Tensor:
            logits = model.classify(ball.batch(signals))
            tally.forwards += len(labels)
            # Being wrong outweighs any loss that a right answer can have.
            return goal.losses(logits) + 1e6 * goal.reached(logits)

        kept, worst = first, score(first)
        for draw in range(1, self._draws):
            other = self._point(ball, draw)
            now = score(other)
            kept = choose(now > worst, other, kept)
            worst = torch.maximum(worst, now)
        return kept
