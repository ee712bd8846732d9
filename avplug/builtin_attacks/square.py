"""Square: random search in both senses, without gradients (arXiv 1912.00049).

The paper's attack changes a square of a picture at a time. Here a query changes either
a square, the same in all frames of a clip, or a window of the sound.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch

from avplug.builtin_attacks.ball import Ball, Signals, choose, pick
from avplug.builtin_attacks.goals import Target, check_target, goal_of
from avplug.builtin_attacks.slopes import frozen
from avplug.builtin_attacks.tally import Tally, at_least_one, unattacked
from avplug.core.attack import Attack, Attacked, ThreatModel
from avplug.core.batch import Batch
from avplug.core.errors import CapabilityError, UsageError
from avplug.core.model import Model
from avplug.core.randomness import KeyedRandom

#: Of 10,000 queries, after so many the changed part is halved once more.
_HALVINGS = (10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000)


class Square(Attack):
    """Random search in an l_inf ball that only asks for logits.

    A query is accepted where it raises the margin of the wrong answers. A clip is left
    alone as soon as its goal is reached.

    Args:
        queries: Passes of each clip through the model, at most.
        share: Of a sense that the first queries change; it shrinks as they go on.
        audio_share: Of the queries, how many change the sound where both may change.
        target: See :data:`~avplug.builtin_attacks.goals.Target`.

    Raises:
        UsageError: An option is out of its range.
    """

    def __init__(
        self,
        *,
        queries: int = 1000,
        share: float = 0.8,
        audio_share: float = 0.5,
        target: Target = None,
    ) -> None:
        at_least_one("queries", queries)
        for name, value in (("share", share), ("audio_share", audio_share)):
            if not 0 < value <= 1:
                raise UsageError(f"Option {name} is {value}; it is a share, 0 to 1.")
        check_target(target)
        self._queries = queries
        self._share = share
        self._audio_share = audio_share
        self._target: Target = target

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
        for budget in (threat.video, threat.audio):
            if budget and budget.epsilon and budget.norm != "linf":
                raise CapabilityError("Square is written for l_inf balls alone.")
        ball = Ball(batch, threat, randoms)
        tally = Tally(len(batch), 0)
        with frozen(model), torch.no_grad():
            ends = self._search(model, ball, labels, tally)
        return tally.result(ball.batch(ends))

    def _search(
        self, model: Model, ball: Ball, labels: torch.Tensor, tally: Tally
    ) -> Signals:
        draws = [random.stream("square").generator() for random in ball.randoms]
        logits = model.classify(ball.clean)
        goal = goal_of(labels, logits, self._target, "margin")
        ends = {name: value.clone() for name, value in ball.signals.items()}
        active = (~goal.reached(logits)).nonzero()[:, 0]
        tally.forwards += len(labels)
        best = goal.losses(logits)
        signals = self._stripes(ball, draws)
        for query in range(self._queries):
            if not len(active):
                break
            part, aim = ball.rows(_mask(active, ball)), goal.rows(active)
            if query:
                tried = self._changed(
                    part, pick(ends, active), [draws[i] for i in active], query
                )
            else:
                tried = pick(signals, active)
            logits = model.classify(part.batch(tried))
            tally.forwards += len(active)
            losses = aim.losses(logits)
            # The stripes are where the search begins, better or not.
            better = losses > best[active] if query else torch.ones_like(losses).bool()
            kept = choose(better, tried, pick(ends, active))
            for name, value in kept.items():
                ends[name][active] = value
            best[active] = torch.where(better, losses, best[active])
            active = active[~(aim.reached(logits) & better)]
        return ends

    def _stripes(self, ball: Ball, draws: list[np.random.Generator]) -> Signals:
        """Return the start: stripes one pixel wide, and blocks of sound."""
        signs = {
            name: torch.stack([_stripe(name, value[0], draw) for draw in draws])
            for name, value in ball.signals.items()
        }
        return ball.project(ball.step(ball.signals, signs, 1.0))

    def _changed(
        self,
        ball: Ball,
        signals: Signals,
        draws: list[np.random.Generator],
        query: int,
    ) -> Signals:
        done = query / self._queries * 10_000
        share = self._share / 2 ** sum(done > mark for mark in _HALVINGS)
        clean = ball.signals
        moved = {name: value.clone() for name, value in signals.items()}
        for row, draw in enumerate(draws):
            name = self._sense(moved, draw)
            radius = ball.radius(name)
            if name == "audio":
                _change_window(moved[name][row], clean[name][row], radius, share, draw)
            else:
                _change_square(moved[name][row], clean[name][row], radius, share, draw)
        return ball.project(moved)

    def _sense(self, signals: Signals, draw: np.random.Generator) -> str:
        if len(signals) == 1:
            return next(iter(signals))
        return "audio" if draw.random() < self._audio_share else "video"


def _mask(active: torch.Tensor, ball: Ball) -> torch.Tensor:
    mask = torch.zeros(len(ball.clean), dtype=torch.bool, device=active.device)
    mask[active] = True
    return mask


def _signs(draw: np.random.Generator, *shape: int) -> torch.Tensor:
    return torch.from_numpy(2.0 * draw.integers(0, 2, shape) - 1)


def _stripe(name: str, like: torch.Tensor, draw: np.random.Generator) -> torch.Tensor:
    if name == "audio":
        block = max(1, len(like) // 64)
        signs = _signs(draw, math.ceil(len(like) / block)).repeat_interleave(block)
        return signs[: len(like)].to(like)
    return _signs(draw, 1, 3, 1, like.shape[-1]).to(like).expand_as(like)


def _change_window(
    signal: torch.Tensor,
    clean: torch.Tensor,
    radius: torch.Tensor,
    share: float,
    draw: np.random.Generator,
) -> None:
    """Set a window of [N] to clean plus or minus epsilon."""
    width = min(len(signal), math.ceil(share * len(signal)))
    start = int(draw.integers(0, len(signal) - width + 1))
    sign = _signs(draw, 1).to(clean)
    signal[start : start + width] = clean[start : start + width] + sign * radius


def _change_square(
    frames: torch.Tensor,
    clean: torch.Tensor,
    radius: torch.Tensor,
    share: float,
    draw: np.random.Generator,
) -> None:
    """Set a square of [T, 3, H, W] to clean plus or minus epsilon, by colour."""
    height, width = frames.shape[-2:]
    side = max(1, min(height, width, round(math.sqrt(share * height * width))))
    top = int(draw.integers(0, height - side + 1))
    left = int(draw.integers(0, width - side + 1))
    place = (..., slice(top, top + side), slice(left, left + side))
    sign = _signs(draw, 3, 1, 1).to(clean)
    frames[place] = clean[place] + sign * radius
