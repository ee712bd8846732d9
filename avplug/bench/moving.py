"""A model that adapts to whatever it is shown, as an attacker meets it."""

from __future__ import annotations

import copy
from dataclasses import replace

import torch

from avplug.core.adaptation import Adapter
from avplug.core.batch import Batch
from avplug.core.model import Model


class AdaptsFirst(Model):
    """Answers with the weights that an adapter would have after the batch.

    Each call adapts a copy to the batch and forgets it again: what is asked before has
    no influence. Gradients reach the batch through the adapted weights, which are held
    fixed, and not through the update that made them.

    Args:
        adapter: In the state that it has before the batch; never changed.
    """

    def __init__(self, adapter: Adapter) -> None:
        super().__init__(adapter.model.labels)
        self.input = adapter.model.input
        self.outputs = adapter.model.outputs
        # In a tuple it is no submodule: an attack that freezes its model would keep
        # the adapter from adapting.
        self._held = (adapter,)

    def classify(self, batch: Batch) -> torch.Tensor:
        """Return logits [B, C] after adapting to the batch, differentiable by it."""
        trial = copy.deepcopy(self._held[0])
        seen = replace(
            batch, frames=batch.frames.detach(), waveform=batch.waveform.detach()
        )
        with torch.enable_grad():
            trial.step(seen)
        trial.model.eval().requires_grad_(False)
        return trial.model.classify(batch)
