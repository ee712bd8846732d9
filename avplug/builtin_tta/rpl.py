"""RPL: robust pseudo-labels on the normalisation layers (arXiv 2104.12928)."""

from __future__ import annotations

import torch

from avplug.builtin_tta.entropy import widened
from avplug.builtin_tta.gradient import GradientAdapter
from avplug.builtin_tta.optim import OptimizerName, OptimizerOptions, number
from avplug.core.adaptation import Prediction
from avplug.core.batch import Batch
from avplug.core.model import Model


class RPL(GradientAdapter):
    """Learns its own answers by generalised cross-entropy, ``mean((1 - p^q) / q)``.

    ``p`` is the probability of the likeliest class; towards ``q = 0`` the loss is
    cross-entropy, at 1 the mean absolute error, which wrong labels mislead less. The
    paper trains for epochs with hard labels of the batch at hand; here a batch is
    seen once, as everywhere online. No rate for CAV-MAE is published.

    Args:
        model: The model; changed in place.
        lr: Learning rate.
        optimizer: ``"adam"`` or ``"sgd"``.
        momentum: Of SGD.
        q: Between cross-entropy and absolute error, in (0, 1].
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
        q: float = 0.8,
        predicts: Prediction = "pre",
    ) -> None:
        self._q = number("q", q, above=0.0, most=1.0)
        super().__init__(model, OptimizerOptions(lr, optimizer, momentum), predicts)

    def adapt(self, inputs: Batch) -> torch.Tensor:
        """Step down the generalised cross-entropy with the likeliest classes."""
        logits = self.predict(inputs)
        likeliest = widened(logits).softmax(-1).amax(-1)
        self.descend(((1 - likeliest**self._q) / self._q).mean())
        return logits
