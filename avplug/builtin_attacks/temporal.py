"""TIA, MMA and TMA, after arXiv 2502.11858 (ICLR 2025).

The paper's budgets and weights are not public, and neither is its code; its equation
of the multimodal term cannot be meant as printed. So these are attacks *after* the
paper, and belong beside MIM, PGD and APGD, never in their place:

- the temporal term is the variation of each sense's features over time, which TIA
  lowers (the paper says so, and that it helps transfer), or raises on request;
- the multimodal term is the cosine between the senses' features, which MMA lowers;
- TMA maximises the loss minus both terms, with MIM's momentum.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch.nn import functional as F

from avplug.builtin_attacks.ball import Ball, Signals, per_clip
from avplug.builtin_attacks.goals import Goal, Loss, Target
from avplug.builtin_attacks.momentum import MIM
from avplug.builtin_attacks.slopes import Slope, slope
from avplug.builtin_attacks.views import view
from avplug.core.batch import Batch
from avplug.core.errors import CapabilityError, UsageError
from avplug.core.model import ClassifiesEachSense, Model, PerSense, ShowsTime

#: Time steps that features are averaged to before their variation is taken.
_SEGMENTS = 8


class TMA(MIM):
    """MIM on the loss, less the temporal and the multimodal term.

    Args:
        steps: See :class:`~avplug.builtin_attacks.iterative.PGD`.
        step: See there.
        decay: See :class:`~avplug.builtin_attacks.momentum.MIM`.
        temporal: Weight of the temporal term; negative raises the variation.
        multimodal: Weight of the multimodal term.
        balance: ``"fixed"`` subtracts the terms as they are. ``"scaled"`` subtracts
            their gradients after giving each so large a share of the gradient of the
            loss as its weight says: confident answers have so small gradients that
            a fixed term would take over.
        views: Altered copies that each gradient is averaged over: the clip itself,
            then fainter, with moments blanked in both senses, and blurred in time.
        target: See :class:`~avplug.builtin_attacks.iterative.PGD`.
        loss: See there.

    Raises:
        UsageError: An option is out of its range.
    """

    def __init__(
        self,
        *,
        steps: int = 10,
        step: float = 0.125,
        decay: float = 1.0,
        temporal: float = 0.1,
        multimodal: float = 0.1,
        balance: Literal["fixed", "scaled"] = "scaled",
        views: int = 1,
        target: Target = None,
        loss: Loss = "ce",
    ) -> None:
        super().__init__(steps=steps, step=step, decay=decay, target=target, loss=loss)
        if balance not in ("fixed", "scaled"):
            raise UsageError(
                f"Unknown balance {balance!r}: fixed or scaled are possible."
            )
        if not isinstance(views, int) or not 1 <= views <= 4:
            raise UsageError(f"Option views is {views!r}: 1 to 4 are possible.")
        self._weights = {"temporal": temporal, "multimodal": multimodal}
        self._balance = balance
        self._views = views

    def uphill(
        self, model: Model, ball: Ball, signals: Signals, goal: Goal, step: int
    ) -> Slope:
        """Return loss and gradient at a point, averaged over the views."""
        found = [
            self._uphill(model, ball, signals, goal, step, number)
            for number in range(self._views)
        ]
        first = found[0]
        mean = {
            name: torch.stack([f.gradients[name] for f in found]).mean(0)
            for name in first.gradients
        }
        return Slope(first.losses, first.logits, mean)

    def _uphill(
        self,
        model: Model,
        ball: Ball,
        signals: Signals,
        goal: Goal,
        step: int,
        number: int,
    ) -> Slope:
        keys = [random.stream("view", step, number) for random in ball.randoms]

        def combined(
            model: Model, batch: Batch, goal: Goal
        ) -> tuple[torch.Tensor, torch.Tensor]:
            logits, parts = _parts(model, view(batch, number, keys), goal, self._used)
            terms = [self._weights[name] * parts[name] for name in self._used]
            return logits, parts["loss"] - sum(terms)

        if self._balance == "fixed" or not self._used:
            return slope(combined, model, ball, signals, goal)

        def one(name: str) -> Slope:
            def objective(
                model: Model, batch: Batch, goal: Goal
            ) -> tuple[torch.Tensor, torch.Tensor]:
                seen = view(batch, number, keys)
                logits, parts = _parts(model, seen, goal, self._used)
                return logits, parts[name]

            return slope(objective, model, ball, signals, goal)

        at = one("loss")
        gradients = dict(at.gradients)
        for name in self._used:
            for sense, term in one(name).gradients.items():
                size, own = (
                    g.flatten(1).abs().sum(1) for g in (at.gradients[sense], term)
                )
                share = self._weights[name] * size / (own + 1e-20)
                gradients[sense] = gradients[sense] - per_clip(share, term) * term
        return Slope(at.losses, at.logits, gradients)

    @property
    def _used(self) -> list[str]:
        return [name for name, weight in self._weights.items() if weight]


class TIA(TMA):
    """The temporal term alone.

    Args:
        steps: See :class:`TMA`.
        step: See :class:`TMA`.
        decay: See :class:`TMA`.
        temporal: See :class:`TMA`.
        balance: See :class:`TMA`.
        views: See :class:`TMA`.
        target: See :class:`TMA`.
        loss: See :class:`TMA`.
    """

    def __init__(
        self,
        *,
        steps: int = 10,
        step: float = 0.125,
        decay: float = 1.0,
        temporal: float = 0.1,
        balance: Literal["fixed", "scaled"] = "scaled",
        views: int = 1,
        target: Target = None,
        loss: Loss = "ce",
    ) -> None:
        super().__init__(
            steps=steps,
            step=step,
            decay=decay,
            temporal=temporal,
            multimodal=0.0,
            balance=balance,
            views=views,
            target=target,
            loss=loss,
        )


class MMA(TMA):
    """The multimodal term alone.

    Args:
        steps: See :class:`TMA`.
        step: See :class:`TMA`.
        decay: See :class:`TMA`.
        multimodal: See :class:`TMA`.
        balance: See :class:`TMA`.
        views: See :class:`TMA`.
        target: See :class:`TMA`.
        loss: See :class:`TMA`.
    """

    def __init__(
        self,
        *,
        steps: int = 10,
        step: float = 0.125,
        decay: float = 1.0,
        multimodal: float = 0.1,
        balance: Literal["fixed", "scaled"] = "scaled",
        views: int = 1,
        target: Target = None,
        loss: Loss = "ce",
    ) -> None:
        super().__init__(
            steps=steps,
            step=step,
            decay=decay,
            temporal=0.0,
            multimodal=multimodal,
            balance=balance,
            views=views,
            target=target,
            loss=loss,
        )


def _parts(
    model: Model, batch: Batch, goal: Goal, used: list[str]
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Return logits [B, C], and the loss and the terms used, each [B]."""
    if not isinstance(model, ClassifiesEachSense):
        raise CapabilityError(f"{type(model).__name__} shows no features of a sense.")
    tokens = model.encode(batch)
    logits = model.fuse(tokens)
    parts = {"loss": goal.losses(logits)}
    if "temporal" in used:
        if not isinstance(model, ShowsTime):
            raise CapabilityError(
                f"{type(model).__name__} shows no features over time."
            )
        parts["temporal"] = temporal_variation(model.sequences(tokens))
    if "multimodal" in used:
        parts["multimodal"] = agreement(model, tokens)
    return logits, parts


def temporal_variation(sequences: PerSense) -> torch.Tensor:
    """Return how much the features vary over time, [B], summed over the senses.

    The mean squared distance from the mean over time, relative to its square. Both
    senses are first averaged to as many moments as the one with fewer has, eight at
    most; a sense of a single moment, such as one frame, cannot vary and is left out.

    Raises:
        CapabilityError: Neither sense has more than one moment.
    """
    moving = [s for s in (sequences.audio, sequences.video) if s.shape[1] > 1]
    if not moving:
        raise CapabilityError(
            "The model looks at a single moment: its features cannot vary in time."
        )
    segments = min(_SEGMENTS, *(s.shape[1] for s in moving))
    total = []
    for sequence in moving:
        parts = F.adaptive_avg_pool1d(sequence.transpose(1, 2), segments)
        mean = parts.mean(2, keepdim=True)
        spread = (parts - mean).square().sum(1).mean(1)
        total.append(spread / (mean.square().sum((1, 2)) + 1e-8))
    return torch.stack(total).sum(0)


def agreement(model: ClassifiesEachSense, tokens: object) -> torch.Tensor:
    """Return how much both senses say the same, [B].

    The cosine between their features, or, where these have different widths, the
    logarithm of the probability that both give the same answer.
    """
    features = model.features(tokens)
    if features.audio.shape == features.video.shape:
        return F.cosine_similarity(features.audio, features.video, dim=1, eps=1e-8)
    answers = model.unimodal(tokens)
    both = answers.audio.softmax(1) * answers.video.softmax(1)
    return (both.sum(1) + 1e-12).log()
