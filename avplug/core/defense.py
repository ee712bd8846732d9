"""The contract of a defence: a training objective, a wrapper, or both."""

from __future__ import annotations

from abc import ABC

import torch

from avplug.core.batch import Batch
from avplug.core.model import Model


class Defense(ABC):  # noqa: B024  (both methods have a neutral default)
    """What makes a model harder to fool; each part defaults to doing nothing."""

    def objective(
        self, model: Model, batch: Batch, labels: torch.Tensor
    ) -> torch.Tensor:
        """Return the training loss, a scalar; cross-entropy by default."""
        return torch.nn.functional.cross_entropy(model.classify(batch), labels)

    def wrap(self, model: Model) -> Model:
        """Return the defended model; the model itself by default."""
        return model
