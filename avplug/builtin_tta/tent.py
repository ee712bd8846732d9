"""TENT: entropy minimisation on the normalisation layers (arXiv 2006.10726)."""

from __future__ import annotations

import torch

from avplug.builtin_tta.entropy import entropy
from avplug.builtin_tta.gradient import GradientAdapter
from avplug.builtin_tta.optim import OptimizerName, OptimizerOptions, whole_number
from avplug.core.adaptation import Prediction
from avplug.core.batch import Batch
from avplug.core.model import Model


class Tent(GradientAdapter):
    """Minimises the mean entropy of a batch; affine parameters of the norms change.

    The paper has batch norms in mind and re-estimates their statistics; transformers
    have layer norms, which have none. Nothing guards it against collapse.

    Args:
        model: The model; changed in place.
        lr: Learning rate; 1e-4 is what ports to CAV-MAE use.
        optimizer: ``"adam"`` or ``"sgd"``.
        momentum: Of SGD.
        steps: Updates per batch. An answer from before is of before the last one.
        episodic: Start every batch from the source model.
        predicts: Whether answers are of before or after the update.

    Raises:
        CapabilityError: The model has no normalisation layers to offer.
        UsageError: An option is unknown or out of range.
    """

    surface = "norm"
    predicts = "pre"

    def __init__(
        self,
        model: Model,
        *,
        lr: float = 1e-4,
        optimizer: OptimizerName = "adam",
        momentum: float = 0.9,
        steps: int = 1,
        episodic: bool = False,
        predicts: Prediction = "pre",
    ) -> None:
        self._steps = whole_number("steps", steps, least=1)
        super().__init__(model, OptimizerOptions(lr, optimizer, momentum), predicts)
        self._episodic = episodic

    def adapt(self, inputs: Batch) -> torch.Tensor:
        """Step down the mean entropy."""
        if self._episodic:
            self.forget()
        for _ in range(self._steps):
            logits = self.predict(inputs)
            self.descend(entropy(logits).mean())
        return logits
