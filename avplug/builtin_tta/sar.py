"""SAR: sharpness-aware, reliable entropy minimisation (arXiv 2302.12400)."""

from __future__ import annotations

import math
from typing import Any, Literal, get_args

import torch
from torch.nn.modules.batchnorm import _BatchNorm

from avplug.builtin_tta.entropy import entropy
from avplug.builtin_tta.gradient import GradientAdapter
from avplug.builtin_tta.optim import OptimizerName, OptimizerOptions, number
from avplug.builtin_tta.rows import rows_where
from avplug.core.adaptation import Prediction
from avplug.core.batch import Batch
from avplug.core.errors import UsageError, closest
from avplug.core.model import Model

#: What a recovery clears: all; all but momentum; the weights alone, as released.
Reset = Literal["fixed", "m-fixed", "released"]

#: Share of the old mean in the moving average of the loss.
MOMENTUM = 0.9


class SAR(GradientAdapter):
    """Minimises the entropy of reliable clips where the loss is flat.

    Weights first climb by ``rho`` along the gradient of the reliable clips' entropy;
    the step then follows the gradient there, of the clips still reliable. Where no clip
    is reliable the gradient is zero, and what the optimiser remembers moves the weights
    on, as published. When a moving average ``m`` of the loss falls under ``recover``,
    the model has collapsed onto sure answers and starts again from the source.

    The second pass sees reliable clips only: the answer to a clip does not depend on
    its batch mates, as the model is in eval mode; a batch norm without running
    statistics is the exception, and gets them all.

    Args:
        model: The model; changed in place.
        lr: Learning rate.
        optimizer: ``"adam"`` or ``"sgd"``.
        momentum: Of SGD.
        e0_factor: Entropies below this part of ``ln C`` are reliable.
        rho: Length of the climb.
        recover: Lower limit of m, in nats; 0.2 suits 1000 classes, 0 turns it off.
        reset: What a recovery clears. ``"fixed"``: weights, optimiser and m.
            ``"m-fixed"``: not the optimiser's momentum. ``"released"``: the public code
            puts m back to its old value as well, and starts again at every batch until
            the loss has risen.
        predicts: Whether answers are of before or after the update.

    Raises:
        CapabilityError: The model has no early normalisation layers to offer.
        UsageError: An option is unknown or out of range.
    """

    surface = "norm_early"
    predicts = "pre"
    counted = (*GradientAdapter.counted, "reliable", "selected", "recoveries")

    def __init__(
        self,
        model: Model,
        *,
        lr: float = 1e-4,
        optimizer: OptimizerName = "adam",
        momentum: float = 0.9,
        e0_factor: float = 0.4,
        rho: float = 0.05,
        recover: float = 0.2,
        reset: Reset = "fixed",
        predicts: Prediction = "pre",
    ) -> None:
        kinds = get_args(Reset)
        if reset not in kinds:
            raise UsageError(
                f"Unknown reset {reset!r}.{closest(str(reset), kinds)}",
                f"Kinds: {', '.join(kinds)}.",
            )
        self._e0_factor = number("e0_factor", e0_factor, above=0.0)
        self._rho = number("rho", rho, least=0.0)
        self._recover = number("recover", recover, least=0.0)
        self._kind = reset
        self._level: float | None = None
        super().__init__(model, OptimizerOptions(lr, optimizer, momentum), predicts)
        self._mates_matter = any(
            isinstance(m, _BatchNorm) and m.running_mean is None
            for m in model.modules()
        )

    def adapt(self, inputs: Batch) -> torch.Tensor:
        """Climb, step by the gradient found there, and recover from a collapse."""
        logits = self.predict(inputs)
        entropies = entropy(logits)
        limit = self._e0_factor * math.log(logits.shape[1])
        sound, reliable = torch.stack(
            [entropies.isfinite(), entropies < limit]
        ).tolist()
        if not all(sound):
            self._counts["nonfinite"] += 1
            return logits
        self._counts["reliable"] += sum(reliable)
        if any(reliable):
            chosen = rows_where(reliable, logits.device)
            self.backward(entropies[chosen].mean())
            loss, kept = self._above(inputs, chosen, limit)
        else:
            self._stand_still()
            loss, kept = entropies.new_zeros(()), entropies.new_zeros(())
        self._finish(loss.detach(), kept)
        return logits

    def _above(
        self, inputs: Batch, chosen: torch.Tensor, limit: float
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Take the gradient where the gradients at hand lead, and come back.

        Returns the loss there and the number of clips in it.
        """
        here = {n: p.detach().clone() for n, p in self.parameters.items()}
        scale = self._rho / (self.gradient_norm() + 1e-12)
        with torch.no_grad():
            for parameter in self.parameters.values():
                if parameter.grad is not None:
                    parameter.add_(parameter.grad * scale)
        if self._mates_matter:
            entropies = entropy(self.predict(inputs))[chosen]
        else:
            entropies = entropy(self.predict(inputs.rows(chosen)))
        still = entropies.detach() < limit
        kept = still.sum()
        loss = entropies.where(still, 0.0).sum() / kept.clamp(min=1)
        self.backward(loss)
        with torch.no_grad():
            for name, parameter in self.parameters.items():
                parameter.copy_(here[name])
        return loss, kept

    def _stand_still(self) -> None:
        for parameter in self.parameters.values():
            parameter.grad = torch.zeros_like(parameter)

    def _finish(self, loss: torch.Tensor, kept: torch.Tensor) -> None:
        guard = self.gradient_norm() + loss
        finite, count, level = torch.stack(
            [guard.isfinite().to(loss.dtype), kept.to(loss.dtype), loss]
        ).tolist()
        if not finite:
            self._counts["nonfinite"] += 1
            self._optimizer.zero_grad()
            return
        self.take_step()
        self._optimizer.zero_grad()
        self._counts["selected"] += int(count)
        if count:
            old = level if self._level is None else self._level
            # The first loss is the mean of itself.
            self._level = MOMENTUM * old + (1 - MOMENTUM) * level
        if self._level is not None and self._level < self._recover:
            self._counts["recoveries"] += 1
            self._recover_source()

    def _recover_source(self) -> None:
        if self._kind == "fixed":
            self.forget()
            return
        self.restore()
        if self._kind == "m-fixed":
            self._level = None

    def forget(self) -> None:
        """Restore the source model; forget optimiser, momentum and m."""
        super().forget()
        self._level = None

    def diagnostics(self) -> dict[str, Any]:
        """Return counts, and m as ``loss_level``: None before the first."""
        return super().diagnostics() | {"loss_level": self._level}
