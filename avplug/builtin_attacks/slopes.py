"""Losses and their gradients with respect to what the attacker may change."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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

    Losses are summed, so that a clip's gradient does not depend on the batch.

    Raises:
        CapabilityError: No gradient reaches a sense.
    """
    leaves = {name: s.detach().requires_grad_() for name, s in signals.items()}
    with torch.enable_grad():
        logits, losses = objective(model, ball.batch(leaves), goal)
        if not losses.requires_grad:
            raise CapabilityError(f"{type(model).__name__} gives no gradient.")
        found = torch.autograd.grad(
            losses.sum(), list(leaves.values()), allow_unused=True
        )
    gradients = {}
    for name, gradient in zip(leaves, found, strict=True):
        if gradient is None:
            raise CapabilityError(
                f"No gradient of {type(model).__name__} reaches the {name}."
            )
        gradients[name] = ball.unpadded(gradient) if name == "audio" else gradient
    return Slope(losses.detach(), logits.detach(), gradients)
