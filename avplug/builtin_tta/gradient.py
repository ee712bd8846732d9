"""What methods share that adapt by gradient steps: guard, counts, reset."""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

from avplug.builtin_tta.optim import OptimizerOptions
from avplug.core.adaptation import Adapter, Prediction
from avplug.core.batch import Batch
from avplug.core.model import Model


class GradientAdapter(Adapter):
    """Steps down a loss, unless the loss or a gradient is not a finite number.

    Subclasses say in :meth:`adapt` what to learn from a batch. Those that change a
    part of the model only say in :meth:`inputs` what goes before it, which is then
    computed once and without gradients.

    Args:
        model: The model; changed in place.
        options: How to step.
        predicts: Whether answers are of before or after the update.

    Attributes:
        latest: Logits [B, C] of the latest batch before its update.
        before_step: Called when finite gradients are there and the step is next; may
            change them.

    Raises:
        CapabilityError: The model lacks the surface.
        UsageError: ``predicts`` is neither ``"pre"`` nor ``"post"``.
    """

    #: Counts that are reported even while they are 0.
    counted: tuple[str, ...] = (
        "batches",
        "forwards",
        "backwards",
        "updates",
        "nonfinite",
    )
    #: Terms of the loss whose mean over the updates is reported.
    noted: tuple[str, ...] = ()

    def __init__(
        self, model: Model, options: OptimizerOptions, predicts: Prediction
    ) -> None:
        super().__init__(model, predicts=predicts)
        self._options = options
        self._counts: Counter[str] = Counter()
        self._totals: dict[str, torch.Tensor] = {}
        self._optimizer = options.build(self.parameters.values())
        self.latest: torch.Tensor | None = None
        self.before_step: list[Callable[[], None]] = []

    def inputs(self, batch: Batch) -> Any:
        """Return what :meth:`predict` and :meth:`adapt` take."""
        return batch

    def predict(self, inputs: Any) -> torch.Tensor:
        """Return logits [B, C] of the model as it is now."""
        self._counts["forwards"] += 1
        return self.model.classify(inputs)

    @abstractmethod
    def adapt(self, inputs: Any) -> torch.Tensor:
        """Learn, and return logits [B, C] of before; called with gradients on."""

    def step(self, batch: Batch) -> torch.Tensor:
        """Return logits [B, C] of before or after the update that it makes."""
        return self.step_on(self.inputs(batch))

    def step_on(self, inputs: Any) -> torch.Tensor:
        """Do as :meth:`step` does, given what :meth:`inputs` returned."""
        self._counts["batches"] += 1
        updates = self._counts["updates"]
        with torch.enable_grad():
            self.latest = self.adapt(inputs).detach()
        if self.predicts == "pre" or self._counts["updates"] == updates:
            return self.latest
        with torch.no_grad():
            return self.predict(inputs)

    def descend(self, loss: torch.Tensor) -> bool:
        """Take a step, or count a non-finite batch; say which it was.

        Here a step asks the device for an answer, and but for methods that select
        clips nowhere else.
        """
        self.backward(loss)
        finite = bool((self.gradient_norm() + loss.detach()).isfinite())
        if finite:
            self.take_step()
        else:
            self._counts["nonfinite"] += 1
        self._optimizer.zero_grad()
        return finite

    def backward(self, loss: torch.Tensor) -> None:
        """Put the loss's gradients in place of any older ones."""
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self._counts["backwards"] += 1

    def gradient_norm(self) -> torch.Tensor:
        """Return the L2 norm [] over all gradients."""
        gradients = [p.grad for p in self.parameters.values() if p.grad is not None]
        return torch.nn.utils.get_total_norm(gradients)

    def take_step(self) -> None:
        """Step by the gradients that are there, which are finite."""
        for prepare in self.before_step:
            prepare()
        self._optimizer.step()
        self._counts["updates"] += 1

    def note(self, **terms: torch.Tensor) -> None:
        """Add terms of the loss to their totals, on the device."""
        for name, term in terms.items():
            term = term.detach()
            self._totals[name] = self._totals.get(name, torch.zeros_like(term)) + term

    @contextmanager
    def as_source(self) -> Iterator[None]:
        """Let the model answer as it was trained; nothing is copied."""
        adapted = {name: p.data for name, p in self.parameters.items()}
        try:
            for name, parameter in self.parameters.items():
                parameter.data = self._source[name]
            yield
        finally:
            for name, parameter in self.parameters.items():
                parameter.data = adapted[name]

    def restore(self) -> None:
        """Restore the source model's parameters, and nothing else."""
        super().reset()

    def forget(self) -> None:
        """Restore the source model and a new optimiser; counts go on.

        Extend it to clear own state.
        """
        self.restore()
        self.latest = None
        self._optimizer = self._options.build(self.parameters.values())

    def reset(self) -> None:
        """Restore the source model, bit for bit; forget all earlier batches."""
        self.forget()
        self._counts.clear()
        self._totals.clear()

    def diagnostics(self) -> dict[str, Any]:
        """Return counts since the last reset, and means of the terms of the loss.

        ``forwards`` counts predictions, also where the encoders ran once for several;
        ``nonfinite`` updates left out because of NaN or infinity. Without an update a
        mean is None.
        """
        updates = self._counts["updates"]
        means = {
            name: self._totals[name].item() / updates if updates else None
            for name in self.noted
        }
        return {name: self._counts[name] for name in self.counted} | means
