"""What the public code of arXiv 2104.02000 runs under the name of MIM, budget and all.

Two slips take it out of its ball. It clips an iterate against itself instead of
against the clean clip. And its lower bound 0, meant for pixels in 0..1, meets pixels
that are normalised: every negative one rises by epsilon at every step, whatever the
gradient says. Ten steps of epsilon 0.012 move pixels by 0.135. Besides, it divides
gradients by their sum over the whole batch, so that a clip depends on its neighbours.

It is here to set one's numbers beside the published ones, and for nothing else.
"""

from __future__ import annotations

import torch

from avplug.builtin_attacks.ball import Ball, Signals
from avplug.builtin_attacks.momentum import MIM

_MEAN = (0.485, 0.456, 0.406)


class CVPR21MIM(MIM):
    """MIM as released with arXiv 2104.02000; it leaves its threat model.

    Meant for the preset ``cvpr21``, whose epsilon of a colour is a multiple of
    ImageNet's deviation of that colour.

    Args:
        steps: Gradient steps.
        step: Length of each in radii of the ball.
        similarity: See :class:`~avplug.builtin_attacks.iterative.PGD`.
    """

    batch_dependent = True
    leaves_budget = True

    def __init__(
        self, *, steps: int = 10, step: float = 0.125, similarity: float = 0.0
    ) -> None:
        super().__init__(steps=steps, step=step, similarity=similarity)

    def comparable(self, ball: Ball, gradients: Signals) -> Signals:
        """Return the gradients, each divided by its sum over the batch."""
        # Of normalised pixels: the radius is the same multiple of each deviation.
        scaled = {name: g * ball.radius(name) for name, g in gradients.items()}
        return {name: g / g.abs().sum() for name, g in scaled.items()}

    def advance(
        self,
        ball: Ball,
        signals: Signals,
        gradients: Signals,
        memory: dict[str, torch.Tensor],
    ) -> dict[str, torch.Tensor]:
        """Return where one step ends, inside the valid range but not the ball."""
        for name, gradient in self.comparable(ball, gradients).items():
            memory[name] = memory.get(name, 0.0) + gradient
        moved = ball.step(signals, memory, self._step)
        if "video" in moved:
            moved["video"] = self._raised(ball, moved["video"])
        return ball.bounded(moved)

    def _raised(self, ball: Ball, frames: torch.Tensor) -> torch.Tensor:
        grey = frames.new_tensor(_MEAN).view(3, 1, 1)
        lifted = torch.minimum(grey, frames + ball.radius("video"))
        return torch.where(frames < grey, lifted, frames)
