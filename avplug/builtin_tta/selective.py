"""Learning from selected clips: EATA's step, on any surface."""

from __future__ import annotations

from typing import Any

import torch

from avplug.builtin_tta.entropy import entropy, widened
from avplug.builtin_tta.gradient import GradientAdapter
from avplug.builtin_tta.optim import OptimizerOptions
from avplug.builtin_tta.selection import Selection
from avplug.core.adaptation import Prediction
from avplug.core.model import Model


class SelectiveAdapter(GradientAdapter):
    """Minimises the weighted entropy of the clips that a selection chooses.

    A batch of which nothing is selected changes nothing: Adam and momentum would move
    the weights even by a gradient of zero.
    """

    counted = (*GradientAdapter.counted, "reliable", "selected", "unselected_batches")

    def __init__(
        self,
        model: Model,
        options: OptimizerOptions,
        predicts: Prediction,
        selection: Selection,
    ) -> None:
        super().__init__(model, options, predicts)
        self._selection = selection

    def adapt(self, inputs: Any) -> torch.Tensor:
        """Step down the selected clips' mean of weight times entropy."""
        logits = self.predict(inputs)
        entropies = entropy(logits)
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
            return logits
        self._counts.update(reliable=reliable, selected=selected)
        if selected:
            self._selection.remember(probabilities, choice.selected)
            self.descend((choice.weights * entropies).sum() / selected)
        else:
            self._counts["unselected_batches"] += 1
        return logits

    def forget(self) -> None:
        """Restore the source model; forget optimiser and mean prediction."""
        super().forget()
        self._selection.clear()
