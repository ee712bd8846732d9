"""APGD: gradient ascent that chooses its own step length (arXiv 2003.01690, section 3).

Both senses move in one walk; lengths are in radii of their balls, so that one schedule
serves pixels and amplitudes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
from avplug.builtin_attacks.slopes import frozen, plain, slope
from avplug.builtin_attacks.tally import Tally, at_least_one, unattacked
from avplug.core.attack import Attack, Attacked, ThreatModel
from avplug.core.batch import Batch
from avplug.core.model import Model
from avplug.core.randomness import KeyedRandom

_MOMENTUM = 0.75
#: Of the steps between two checks so many must raise the loss.
_RISING = 0.75


@dataclass(slots=True, eq=False)
class Ascent:
    """Where a walk of B clips has come to.

    Args:
        best: The clips of the largest loss so far, and ...
        best_gradients: ... the gradients there, and ...
        best_losses: ... the losses, [B].
        reached: Whether the goal was ever reached, bool [B].
        fooling: The clips where it last was; the start where it never was.
    """

    best: dict[str, torch.Tensor]
    best_gradients: dict[str, torch.Tensor]
    best_losses: torch.Tensor
    reached: torch.Tensor
    fooling: dict[str, torch.Tensor]

    def result(self) -> dict[str, torch.Tensor]:
        """Return what fooled the model, or else what came nearest to it."""
        return choose(self.reached, self.fooling, self.best)


class APGD(Attack):
    """APGD, without parameters to tune but the number of steps.

    Args:
        steps: Gradient steps.
        loss: See :class:`~avplug.builtin_attacks.goals.Goal`.
        random_start: Begin at a random point of the ball instead of at the clip.
        target: See :data:`~avplug.builtin_attacks.goals.Target`.
        early_stop: Leave clips alone whose goal is reached where they start.

    Raises:
        UsageError: An option is out of its range.
    """

    def __init__(
        self,
        *,
        steps: int = 100,
        loss: Loss = "ce",
        random_start: bool = False,
        target: Target = None,
        early_stop: bool = False,
    ) -> None:
        at_least_one("steps", steps)
        check_loss(loss)
        check_target(target)
        self._steps = steps
        self._loss: Loss = loss
        self._random_start = random_start
        self._target: Target = target
        self._early_stop = early_stop

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
        tally = Tally(len(batch), self._steps + 1)
        with frozen(model):
            ends = self.ascend(model, ball, labels, tally).result()
        return tally.result(ball.batch(ends))

    def ascend(
        self, model: Model, ball: Ball, labels: torch.Tensor, tally: Tally
    ) -> Ascent:
        """Walk and return where it led."""
        start = ball.random_point(0) if self._random_start else ball.signals
        if self._target is None and not self._early_stop:
            goal = Goal(labels, None, self._loss)
            return self._walk(model, ball, goal, start, tally, None)
        with torch.no_grad():
            logits = model.classify(ball.batch(start))
        tally.forwards += len(labels)
        goal = goal_of(labels, logits, self._target, self._loss)
        reached = goal.reached(logits)
        if not self._early_stop or not reached.any():
            return self._walk(model, ball, goal, start, tally, None)
        return self._survivors(model, ball, goal, start, tally, ~reached, logits)

    def _survivors(
        self,
        model: Model,
        ball: Ball,
        goal: Goal,
        start: Signals,
        tally: Tally,
        left: torch.Tensor,
        logits: torch.Tensor,
    ) -> Ascent:
        """Walk with the clips ``left``, bool [B]; the others stay where they start."""
        ends = {name: value.clone() for name, value in start.items()}
        losses = goal.losses(logits)
        reached = ~left
        if left.any():
            part = self._walk(
                model, ball.rows(left), goal.rows(left), pick(start, left), tally, left
            )
            for name, value in part.result().items():
                ends[name][left] = value
            losses[left] = part.best_losses
            reached[left] = part.reached
        return Ascent(ends, {}, losses, reached, ends)

    def _walk(
        self,
        model: Model,
        ball: Ball,
        goal: Goal,
        start: Signals,
        tally: Tally,
        left: torch.Tensor | None,
    ) -> Ascent:
        places = torch.arange(tally.clips, device=goal.labels.device)
        places = places if left is None else places[left]
        at = slope(plain, model, ball, start, goal)
        tally.note(places, at)
        here, before = dict(start), dict(start)
        gradients = at.gradients
        ascent = Ascent(
            here, gradients, at.losses, goal.reached(at.logits), dict(start)
        )
        pace = _Pace(self._steps, at.losses)
        for step in range(self._steps):
            ahead = ball.project(ball.step(here, gradients, pace.length))
            share = _MOMENTUM if step else 1.0
            moved = {
                n: v + share * (ahead[n] - v) + (1 - share) * (v - before[n])
                for n, v in here.items()
            }
            before, here = here, ball.project(moved)
            at = slope(plain, model, ball, here, goal)
            tally.note(places, at)
            gradients = at.gradients
            reached = goal.reached(at.logits)
            ascent.reached = ascent.reached | reached
            ascent.fooling = choose(reached, here, ascent.fooling)
            better = at.losses > ascent.best_losses
            ascent.best = choose(better, here, ascent.best)
            ascent.best_gradients = choose(better, gradients, ascent.best_gradients)
            ascent.best_losses = torch.where(better, at.losses, ascent.best_losses)
            stuck = pace.check(at.losses, ascent.best_losses)
            if stuck is not None:
                here = choose(stuck, ascent.best, here)
                gradients = choose(stuck, ascent.best_gradients, gradients)
        return ascent


class _Pace:
    """Length of the steps of each clip, halved where a window of steps went badly."""

    def __init__(self, steps: int, losses: torch.Tensor) -> None:
        self.length = torch.full_like(losses, 2.0)
        self._shortest = max(int(0.06 * steps), 1)
        self._shrink = max(int(0.03 * steps), 1)
        self._window = max(int(0.22 * steps), 1)
        self._since = 0
        self._rises = torch.zeros_like(losses)
        # The published code counts the first step as a rise from a loss of 0, and
        # compares losses in single precision.
        self._last = torch.zeros_like(losses, dtype=torch.float32)
        self._reduced = torch.ones_like(losses, dtype=torch.bool)
        self._best = losses

    def check(self, losses: torch.Tensor, best: torch.Tensor) -> torch.Tensor | None:
        """Take note of a step; at the end of a window say who restarts, bool [B]."""
        now = losses.float()
        self._rises += now > self._last
        self._last = now
        self._since += 1
        if self._since < self._window:
            return None
        stuck = self._rises <= self._window * _RISING
        stuck = stuck | (~self._reduced & (self._best >= best))
        self._reduced, self._best = stuck, best
        self.length = torch.where(stuck, self.length / 2, self.length)
        self._window = max(self._window - self._shrink, self._shortest)
        self._since = 0
        self._rises = torch.zeros_like(losses)
        return stuck
