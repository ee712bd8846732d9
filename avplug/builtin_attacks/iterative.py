"""Attacks that walk uphill: FGSM and PGD, and the walk that others vary."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from avplug.builtin_attacks.ball import Ball, Signals, choose, pick
from avplug.builtin_attacks.goals import (
    Goal,
    Loss,
    Target,
    check_loss,
    check_target,
    goal_of,
)
from avplug.builtin_attacks.slopes import (
    Objective,
    Slope,
    WithSimilarity,
    frozen,
    plain,
    slope,
)
from avplug.builtin_attacks.tally import Tally, at_least_one, unattacked
from avplug.core.attack import Attack, Attacked, ThreatModel
from avplug.core.batch import Batch
from avplug.core.errors import UsageError
from avplug.core.model import Model
from avplug.core.randomness import KeyedRandom


class PGD(Attack):
    """Projected gradient ascent, l_inf or l_2 (arXiv 1706.06083).

    Args:
        steps: Gradient steps.
        step: Length of each in radii of the ball: 0.125 is epsilon / 8, as arXiv
            2104.02000 has it.
        random_start: Begin at a random point of the ball instead of at the clip.
        restarts: Walks, each from a point of its own; of them every clip keeps one
            that reaches the goal, or else the one of the largest loss.
        early_stop: Leave a clip alone as soon as its goal is reached. Exact for robust
            accuracy, and cheaper; off where the losses matter.
        target: See :data:`~avplug.builtin_attacks.goals.Target`.
        loss: See :class:`~avplug.builtin_attacks.goals.Goal`.
        similarity: Weight of the cosine between both senses' features in what is
            maximised; 1 is how arXiv 2104.02000 attacks defended models.

    Raises:
        UsageError: An option is out of its range.
    """

    def __init__(
        self,
        *,
        steps: int = 10,
        step: float = 0.125,
        random_start: bool = False,
        restarts: int = 1,
        early_stop: bool = False,
        target: Target = None,
        loss: Loss = "ce",
        similarity: float = 0.0,
    ) -> None:
        at_least_one("steps", steps)
        at_least_one("restarts", restarts)
        if not step > 0:
            raise UsageError(f"Option step is {step}; it must be positive.")
        if restarts > 1 and not random_start:
            raise UsageError(
                f"{restarts} restarts from the same point are one.",
                "Add random_start=true.",
            )
        check_loss(loss)
        check_target(target)
        self._steps = steps
        self._step = step
        self._random_start = random_start
        self._restarts = restarts
        self._early_stop = early_stop
        self._target: Target = target
        self._loss: Loss = loss
        self._objective: Objective = WithSimilarity(similarity) if similarity else plain

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
        tally = Tally(len(batch), self._restarts * self._steps)
        with frozen(model):
            goal = self._goal(model, batch, labels, tally)
            best = self._walk(model, ball, goal, self._start(ball, 0), tally)
            for restart in range(1, self._restarts):
                other = self._walk(model, ball, goal, self._start(ball, restart), tally)
                best = _worse(model, ball, goal, best, other, tally)
        return tally.result(ball.batch(best))

    def _goal(
        self, model: Model, batch: Batch, labels: torch.Tensor, tally: Tally
    ) -> Goal:
        if self._target is None:
            return Goal(labels, None, self._loss)
        with torch.no_grad():
            logits = model.classify(batch)
        tally.forwards += len(batch)
        return goal_of(labels, logits, self._target, self._loss)

    def _start(self, ball: Ball, restart: int) -> Signals:
        return ball.random_point(restart) if self._random_start else ball.signals

    def _walk(
        self, model: Model, ball: Ball, goal: Goal, start: Signals, tally: Tally
    ) -> Signals:
        """Return where the clips end that begin at ``start``."""
        ends = {name: value.clone() for name, value in start.items()}
        active = torch.arange(len(ball.clean), device=ball.clean.frames.device)
        signals, memory = dict(start), dict[str, torch.Tensor]()
        for step in range(self._steps):
            at = self.uphill(model, ball, signals, goal, step)
            tally.note(active, at)
            gradients = at.gradients
            if self._early_stop:
                going = ~goal.reached(at.logits)
                active, ball, goal = active[going], ball.rows(going), goal.rows(going)
                if not len(active):
                    break
                signals, memory, gradients = (
                    pick(each, going) for each in (signals, memory, gradients)
                )
            signals = self.advance(ball, signals, gradients, memory)
            for name, value in signals.items():
                ends[name][active] = value
        return ends

    def uphill(
        self, model: Model, ball: Ball, signals: Signals, goal: Goal, step: int
    ) -> Slope:
        """Return loss and gradient at a point; ``step`` counts from 0."""
        return slope(self._objective, model, ball, signals, goal)

    def advance(
        self,
        ball: Ball,
        signals: Signals,
        gradients: Signals,
        memory: dict[str, torch.Tensor],
    ) -> dict[str, torch.Tensor]:
        """Return where one step ends.

        Args:
            ball: What is allowed.
            signals: Where the clips are.
            gradients: Of what shall grow.
            memory: What to remember for the next step, rows by clip; to be changed.
        """
        return ball.project(ball.step(signals, gradients, self._step))


class FGSM(PGD):
    """One step of the length of epsilon (arXiv 1412.6572).

    Args:
        target: See :class:`PGD`.
        loss: See :class:`PGD`.
        similarity: See :class:`PGD`.
    """

    def __init__(
        self, *, target: Target = None, loss: Loss = "ce", similarity: float = 0.0
    ) -> None:
        super().__init__(
            steps=1, step=1.0, target=target, loss=loss, similarity=similarity
        )


def _worse(
    model: Model, ball: Ball, goal: Goal, one: Signals, other: Signals, tally: Tally
) -> Signals:
    """Return for each clip what is worse for the model."""
    scores = []
    for signals in (one, other):
        with torch.no_grad():
            logits = model.classify(ball.batch(signals))
        tally.forwards += len(ball.clean)
        scores.append((goal.reached(logits), goal.losses(logits)))
    (was, before), (now, after) = scores
    better = (now & ~was) | ((now == was) & (after > before))
    return choose(better, other, one)
