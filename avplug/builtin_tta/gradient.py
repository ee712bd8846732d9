"""What methods share that adapt by gradient steps: guard, counts, reset."""

from __future__ import annotations

from collections import Counter
from typing import Any

import torch

from avplug.builtin_tta.optim import OptimizerOptions
from avplug.core.adaptation import Adapter
from avplug.core.model import Model


class GradientAdapter(Adapter):
    """Steps down a loss, unless the loss or a gradient is not a finite number.

    Args:
        model: The model; changed in place.
        options: How to step.

    Raises:
        CapabilityError: The model lacks the surface.
    """

    #: Counts that are reported even while they are 0.
    counted: tuple[str, ...] = (
        "batches",
        "forwards",
        "backwards",
        "updates",
        "nonfinite",
    )

    def __init__(self, model: Model, options: OptimizerOptions) -> None:
        super().__init__(model)
        self._options = options
        self._counts: Counter[str] = Counter()
        self._optimizer = options.build(self.parameters.values())

    def descend(self, loss: torch.Tensor) -> None:
        """Take one step, or count a non-finite batch and leave the weights alone."""
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self._counts["backwards"] += 1
        gradients = [p.grad for p in self.parameters.values() if p.grad is not None]
        # One answer from the device for all of them.
        if torch.stack([t.isfinite().all() for t in (loss, *gradients)]).all():
            self._optimizer.step()
            self._counts["updates"] += 1
        else:
            self._counts["nonfinite"] += 1
        self._optimizer.zero_grad()

    def forget(self) -> None:
        """Restore the source model and a new optimiser; counts go on."""
        super().reset()
        self._optimizer = self._options.build(self.parameters.values())

    def reset(self) -> None:
        """Restore the source model, bit for bit; forget optimiser state and counts."""
        self.forget()
        self._counts.clear()

    def diagnostics(self) -> dict[str, Any]:
        """Return counts since the last reset.

        ``nonfinite`` counts updates left out because of NaN or infinity.
        """
        return {name: self._counts[name] for name in self.counted}
