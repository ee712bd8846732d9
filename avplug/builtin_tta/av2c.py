"""AV2C: entropy minimisation on the joint attention (AVRobustBench, arXiv 2506.00358).

The paper states what is adapted (query, key and value of the joint block), the loss
(entropy, weighted towards low entropies) and the selection (unlike a moving average of
past predictions). It publishes neither code nor constants: learning rate, thresholds,
form of the weights and prediction before the update are choices of this module, taken
from EATA (arXiv 2204.02610).
"""

from __future__ import annotations

from typing import Literal

import torch

from avplug.builtin_tta.entropy import entropy, widened
from avplug.builtin_tta.gradient import GradientAdapter
from avplug.builtin_tta.optim import OptimizerName, OptimizerOptions
from avplug.builtin_tta.selection import Selection
from avplug.core.batch import Batch
from avplug.core.errors import CapabilityError
from avplug.core.model import EncodesThenFuses, Model


class AV2C(GradientAdapter):
    """Minimises the weighted entropy of reliable, diverse clips; batches of 16.

    The encoders run once and without gradients, so that a batch costs about a tenth
    more than a prediction. A batch of which nothing is selected changes nothing.

    Args:
        model: The model; changed in place.
        lr: Learning rate.
        optimizer: ``"adam"`` or ``"sgd"``.
        momentum: Of SGD.
        e0_factor: See :class:`~avplug.builtin_tta.selection.Selection`.
        d: See there; ``0.05`` is EATA's for 1000 classes.

    Raises:
        CapabilityError: The model has no joint attention, or cannot run it apart.
        UsageError: An option is unknown or out of range.
    """

    surface = "fusion_attention"
    predicts = "pre"
    counted = (*GradientAdapter.counted, "reliable", "selected", "unselected_batches")

    def __init__(
        self,
        model: Model,
        *,
        lr: float = 1e-4,
        optimizer: OptimizerName = "adam",
        momentum: float = 0.9,
        e0_factor: float = 0.4,
        d: float | Literal["auto"] = "auto",
    ) -> None:
        if not isinstance(model, EncodesThenFuses):
            raise CapabilityError(
                f"{type(model).__name__} cannot run its joint block apart:"
                " it has no encode and fuse."
            )
        self._selection = Selection(e0_factor, d)
        super().__init__(model, OptimizerOptions(lr, optimizer, momentum))
        self._halves: EncodesThenFuses = model

    def step(self, batch: Batch) -> torch.Tensor:
        """Return logits [B, C] of before the update, then update."""
        with torch.no_grad():
            tokens = self._halves.encode(batch)
        with torch.enable_grad():
            logits = self._halves.fuse(tokens)
            entropies = entropy(logits)
        self._counts.update(batches=1, forwards=1)
        self._learn(logits, entropies)
        return logits.detach()

    def _learn(self, logits: torch.Tensor, entropies: torch.Tensor) -> None:
        probabilities = widened(logits.detach()).softmax(-1)
        choice = self._selection.choose(probabilities, entropies)
        # One answer from the device for all three.
        reliable, selected, broken = torch.stack(
            [
                choice.reliable.sum(),
                choice.selected.sum(),
                (~entropies.isfinite()).sum(),
            ]
        ).tolist()
        if broken:
            self._counts["nonfinite"] += 1
            return
        self._counts.update(reliable=reliable, selected=selected)
        if not selected:
            self._counts["unselected_batches"] += 1
            return
        self._selection.remember(probabilities, choice.selected)
        self.descend((choice.weights * entropies).sum() / selected)

    def reset(self) -> None:
        """Restore the source model; forget optimiser, mean prediction and counts."""
        super().reset()
        self._selection.clear()
