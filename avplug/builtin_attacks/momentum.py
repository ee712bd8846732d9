"""MIM: the iterative method with momentum (arXiv 1710.06081)."""

from __future__ import annotations

from typing import Literal

import torch

from avplug.builtin_attacks.ball import Ball, Signals, per_clip
from avplug.builtin_attacks.goals import Loss, Target
from avplug.builtin_attacks.iterative import PGD
from avplug.core.errors import UsageError, closest

#: How a gradient is made comparable with those before it: divided by its mean
#: magnitude over one clip's sense (the method as meant), or over both senses of a clip
#: together, each in its radii; or replaced by its signs, as foolbox does.
Rule = Literal["per-modality", "joint", "sign"]
_RULES = ("per-modality", "joint", "sign")
_TINY = 1e-12


class MIM(PGD):
    """PGD that follows an accumulated gradient.

    The public code of arXiv 2104.02000 leaves its budget under this name, by a factor
    of up to 11: it clips each iterate against itself. This one stays inside, and looks
    weaker for it.

    Args:
        steps: See :class:`PGD`.
        step: See :class:`PGD`.
        decay: Share of the past that is kept at each step.
        rule: See :data:`Rule`.
        early_stop: See :class:`PGD`.
        target: See :class:`PGD`.
        loss: See :class:`PGD`.
        similarity: See :class:`PGD`.

    Raises:
        UsageError: An option is out of its range.
    """

    def __init__(
        self,
        *,
        steps: int = 10,
        step: float = 0.125,
        decay: float = 1.0,
        rule: Rule = "per-modality",
        early_stop: bool = False,
        target: Target = None,
        loss: Loss = "ce",
        similarity: float = 0.0,
    ) -> None:
        super().__init__(
            steps=steps,
            step=step,
            early_stop=early_stop,
            target=target,
            loss=loss,
            similarity=similarity,
        )
        if rule not in _RULES:
            raise UsageError(
                f"Unknown rule {rule!r}.{closest(str(rule), _RULES)}",
                f"Rules: {', '.join(_RULES)}.",
            )
        self._decay = decay
        self._rule = rule

    def advance(
        self,
        ball: Ball,
        signals: Signals,
        gradients: Signals,
        memory: dict[str, torch.Tensor],
    ) -> dict[str, torch.Tensor]:
        """Return where one step along the accumulated gradient ends."""
        for name, gradient in self.comparable(ball, gradients).items():
            past = memory.get(name)
            memory[name] = gradient if past is None else self._decay * past + gradient
        return super().advance(ball, signals, memory, {})

    def comparable(self, ball: Ball, gradients: Signals) -> Signals:
        """Return the gradients as the rule adds them up."""
        if self._rule == "sign":
            return {name: g.sign() for name, g in gradients.items()}
        if self._rule == "per-modality":
            means = {n: g.flatten(1).abs().mean(1) for n, g in gradients.items()}
        else:
            scaled = [
                (g * ball.radius(n)).flatten(1).abs() for n, g in gradients.items()
            ]
            means = dict.fromkeys(gradients, torch.cat(scaled, 1).mean(1))
        return {
            name: g / per_clip(means[name] + _TINY, g) for name, g in gradients.items()
        }
