"""ASR: start again when answers collapse, and only as far as needed (ICLR 2026)."""

from __future__ import annotations

import math
from typing import Any

import torch

from avplug.builtin_tta.anchor import Anchor
from avplug.builtin_tta.entropy import entropy
from avplug.builtin_tta.gradient import GradientAdapter
from avplug.builtin_tta.wrapper import Wrapper
from avplug.core.batch import Batch
from avplug.core.errors import CapabilityError
from avplug.core.model import Model

#: Share of the old values when what was learnt between two resets joins them.
KEPT = 0.9
#: Strength of the pull when every answer has changed.
PULL = 5.0


class ASR(Wrapper):
    """Watches the entropy of a batch's mean answer, and resets what collapses.

    With ``e`` this entropy and ``f`` the share of clips whose answer is another than
    the source model's, a mean ``m`` follows ``e`` with momentum ``1 - .15 (1 - f)``,
    from ``ln(C / 2)`` on. When ``e`` falls under ``m``, the first share
    ``max(1/2 - 20 (m - e), 0)`` of the adapted tensors, in the model's order, is kept;
    the others are the source's again, and method and ``m`` start anew.

    From the first reset on weights are pulled by ``5 f^2``, with the ``f`` of the batch
    before, towards their means between resets, in proportion to the mean squared
    gradients there; each reset adds a tenth of the new to the old of both.

    Costs a prediction of the source model; of it, what the inner method does not
    change is not repeated. The pull costs no pass.

    Args:
        model: The model; changed in place.
        method: Name of the inner method; it must learn by gradient steps.
        options: Options of the inner method.

    Raises:
        CapabilityError: The inner method does not learn by gradient steps, or the model
            lacks what it needs.
        UsageError: An option is unknown or out of range.
    """

    def __init__(self, model: Model, *, method: str = "tent", **options: Any) -> None:
        super().__init__(model, method, options)
        if not isinstance(self.inner, GradientAdapter):
            raise CapabilityError(
                f"'{method}' is no GradientAdapter: ASR has no steps to pull at.",
                "Resets at fixed intervals, around any method: rdumb.",
            )
        self._method: GradientAdapter = self.inner
        self._method.before_step.append(self._follow)
        self._resets = 0
        self._start()

    def _start(self) -> None:
        self._level: float | None = None
        self._changed = 0.0
        self._anchor: Anchor | None = None
        self._begin_phase()

    def _begin_phase(self) -> None:
        self._steps = 0
        self._squares: dict[str, torch.Tensor] = {}
        self._weights: dict[str, torch.Tensor] = {}

    def step(self, batch: Batch) -> torch.Tensor:
        """Return the inner method's logits [B, C]; reset if the batch shows collapse.

        A reset acts on the batches to come.
        """
        inputs = self._method.inputs(batch)
        with torch.no_grad(), self._method.as_source():
            source = self._method.predict(inputs).argmax(-1)
        logits = self._method.step_on(inputs)
        before = self._method.latest
        assert before is not None
        spread = entropy(before.mean(0, keepdim=True))[0]
        changed = (before.argmax(-1) != source).to(spread.dtype).mean()
        # One answer from the device for both.
        level, share = torch.stack([spread, changed]).tolist()
        if math.isfinite(level):
            self._judge(level, share, before.shape[1])
        return logits

    def _judge(self, level: float, changed: float, classes: int) -> None:
        old = math.log(classes / 2) if self._level is None else self._level
        if level < old:
            self._reset_in_part(max(0.5 - 20 * (old - level), 0.0))
            self._level = None
        else:
            momentum = 1 - 0.15 * (1 - changed)
            self._level = momentum * old + (1 - momentum) * level
        self._changed = changed

    @torch.no_grad()
    def _reset_in_part(self, share: float) -> None:
        self._resets += 1
        self._keep_what_was_learnt()
        names = list(self.parameters)[: int(share * len(self.parameters))]
        kept = {name: self.parameters[name].clone() for name in names}
        self._method.forget()
        for name, tensor in kept.items():
            self.parameters[name].copy_(tensor)

    def _keep_what_was_learnt(self) -> None:
        if not self._steps:
            return
        terms = [
            {name: total / self._steps for name, total in totals.items()}
            for totals in (self._squares, self._weights)
        ]
        if self._anchor is not None:
            olds = (self._anchor.importance, self._anchor.centre)
            terms = [
                {n: KEPT * old[n] + (1 - KEPT) * new[n] for n in new}
                for old, new in zip(olds, terms, strict=True)
            ]
        self._anchor = Anchor(*terms)
        self._begin_phase()

    @torch.no_grad()
    def _follow(self) -> None:
        """Add up the gradients and weights of a step to come; pull at it."""
        self._steps += 1
        for name, parameter in self.parameters.items():
            if parameter.grad is not None:
                for totals, term in (
                    (self._squares, parameter.grad**2),
                    (self._weights, parameter.detach()),
                ):
                    totals[name] = totals[name] + term if name in totals else +term
        if self._anchor is not None:
            self._anchor.pull(self.parameters, PULL * self._changed**2)

    def reset(self) -> None:
        """Restore the source model, bit for bit; forget all that was learnt."""
        super().reset()
        self._resets = 0
        self._start()

    def forget(self) -> None:
        """Restore the source model in mid-stream; forget all but the resets' count."""
        super().forget()
        self._start()

    def diagnostics(self) -> dict[str, Any]:
        """Return the inner method's, the resets and ``m``: None after a reset."""
        return super().diagnostics() | {
            "resets": self._resets,
            "collapse_level": self._level,
        }
