"""Losses and their gradients with respect to what the attacker may change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch.nn import functional as F

from avplug.builtin_attacks.ball import Ball, Signals
from avplug.builtin_attacks.goals import Goal
from avplug.core.batch import Batch
from avplug.core.errors import CapabilityError
from avplug.core.model import ClassifiesEachSense, Model


@dataclass(frozen=True, slots=True, eq=False)
class Slope:
    """Losses [B], logits [B, C], and gradients by sense at some point."""

    losses: torch.Tensor
    logits: torch.Tensor
    gradients: dict[str, torch.Tensor]


class Objective(Protocol):
    """What an attack maximises."""

    def __call__(
        self, model: Model, batch: Batch, goal: Goal
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return logits [B, C] and what to maximise, [B]."""


def plain(model: Model, batch: Batch, goal: Goal) -> tuple[torch.Tensor, torch.Tensor]:
    """The goal's own loss; an :class:`Objective`."""
    logits = model.classify(batch)
    return logits, goal.losses(logits)


@dataclass(frozen=True, slots=True)
class WithSimilarity:
    """The goal's loss and the cosine between both senses' features.

    How the authors of arXiv 2104.02000 attack their defended models.

    Args:
        weight: Of the cosine.
    """

    weight: float = 1.0

    def __call__(
        self, model: Model, batch: Batch, goal: Goal
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return logits [B, C] and what to maximise, [B]."""
        if not isinstance(model, ClassifiesEachSense):
            raise CapabilityError(f"{type(model).__name__} shows no features.")
        tokens = model.encode(batch)
        features = model.features(tokens)
        logits = model.fuse(tokens)
        alike = F.cosine_similarity(features.audio, features.video, dim=1, eps=1e-8)
        return logits, goal.losses(logits) + self.weight * alike


@contextmanager
def frozen(model: Model) -> Iterator[None]:
    """Put a model in eval mode without gradients of its weights, for a while."""
    modes = {module: module.training for module in model.modules()}
    flags = {parameter: parameter.requires_grad for parameter in model.parameters()}
    try:
        model.eval().requires_grad_(False)
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode
        for parameter, flag in flags.items():
            parameter.requires_grad_(flag)


def slope(
    objective: Objective, model: Model, ball: Ball, signals: Signals, goal: Goal
) -> Slope:
    """Return what the objective is at a point, and where it grows.

    Losses are summed, so that a clip's gradient does not depend on the batch. A sense
    that the objective does not depend on, such as the picture for a model that only
    hears, has a gradient of zero.

    Raises:
        CapabilityError: The objective has no gradient in either sense.
    """
    leaves = {name: s.detach().requires_grad_() for name, s in signals.items()}
    found: Sequence[torch.Tensor | None] = [None] * len(leaves)
    with torch.enable_grad():
        logits, losses = objective(model, ball.batch(leaves), goal)
        if losses.requires_grad:
            found = torch.autograd.grad(
                losses.sum(), list(leaves.values()), allow_unused=True
            )
        elif not _differentiable(objective, model, ball, goal):
            raise CapabilityError(f"{type(model).__name__} gives no gradient.")
    gradients = {}
    for (name, leaf), gradient in zip(leaves.items(), found, strict=True):
        if gradient is None:
            gradient = torch.zeros_like(leaf)
        gradients[name] = ball.unpadded(gradient) if name == "audio" else gradient
    return Slope(losses.detach(), logits.detach(), gradients)


def _differentiable(objective: Objective, model: Model, ball: Ball, goal: Goal) -> bool:
    """Whether an objective depends on any sense, be it one that is not attacked."""
    frames, waveform = (
        signal.detach().clone().requires_grad_()
        for signal in (ball.clean.frames, ball.clean.waveform)
    )
    batch = replace(ball.clean, frames=frames, waveform=waveform)
    return objective(model, batch, goal)[1].requires_grad
