"""Supervised fine-tuning on a few labelled clips: what few-shot methods are up against.

AVRobustBench (arXiv 2506.00358) names few-shot adaptation as unexplored. There is
nothing to reproduce: surface, loss and learning rate are choices of this module.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch.nn import functional as F

from avplug.builtin_tta.gradient import GradientAdapter
from avplug.builtin_tta.optim import OptimizerName, OptimizerOptions
from avplug.core.batch import Batch
from avplug.core.model import Model, Surface
from avplug.core.supervision import SupervisedAdapter


class FineTune(GradientAdapter, SupervisedAdapter):
    """Minimises the cross-entropy of labelled clips; answers change nothing.

    A clip of several labels counts for each in equal parts; where the model answers
    with independent classes, the loss is the binary cross-entropy.

    Args:
        model: The model; changed in place.
        surface: Which of its parameters change: ``"norm"``, ``"fusion_attention"`` or
            ``"classifier"``.
        lr: Learning rate.
        optimizer: ``"adam"`` or ``"sgd"``.
        momentum: Of SGD.

    Raises:
        CapabilityError: The model has no such surface.
        UsageError: An option is unknown or out of range.
    """

    def __init__(
        self,
        model: Model,
        *,
        surface: Surface = "norm",
        lr: float = 1e-3,
        optimizer: OptimizerName = "adam",
        momentum: float = 0.9,
    ) -> None:
        self.surface = surface  # type: ignore[misc]  # an option of this method alone
        super().__init__(model, OptimizerOptions(lr, optimizer, momentum), "pre")

    @classmethod
    def needs(
        cls, declared: tuple[str, ...], options: Mapping[str, Any]
    ) -> tuple[str, ...]:
        """Return what is declared, and the surface."""
        return (*declared, cls.settings(options)["surface"])

    def fit(self, batch: Batch, targets: torch.Tensor) -> torch.Tensor:
        """Take one step; return the logits [B, C] of before."""
        self._counts["batches"] += 1
        with torch.enable_grad():
            logits = self.predict(batch)
            wanted = targets.to(logits.dtype)
            if self.model.outputs == "softmax":
                wanted = wanted / wanted.sum(1, keepdim=True)
                loss = F.cross_entropy(logits, wanted)
            else:
                loss = F.binary_cross_entropy_with_logits(logits, wanted)
            self.descend(loss)
        return logits.detach()

    def adapt(self, inputs: Batch) -> torch.Tensor:
        """Answer; without labels there is nothing to learn."""
        with torch.no_grad():
            return self.predict(inputs)
