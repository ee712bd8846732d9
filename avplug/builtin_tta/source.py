"""The model as it was trained: what every adaptation is compared with."""

from __future__ import annotations

from typing import Any

import torch

from avplug.core.adaptation import Adapter
from avplug.core.batch import Batch
from avplug.core.model import Model


class Source(Adapter):
    """Predicts and changes nothing; an answer depends on its clip alone."""

    surface = None
    stateful = False

    def __init__(self, model: Model) -> None:
        super().__init__(model)
        self._batches = 0

    def step(self, batch: Batch) -> torch.Tensor:
        """Return the model's logits [B, C]."""
        self._batches += 1
        with torch.no_grad():
            return self.model.classify(batch)

    def reset(self) -> None:
        """Forget the counts."""
        super().reset()
        self._batches = 0

    def diagnostics(self) -> dict[str, Any]:
        """Return the batches seen and the forward passes."""
        return {"batches": self._batches, "forwards": self._batches}
