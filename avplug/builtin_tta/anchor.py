"""A pull towards earlier weights, stronger for those that matter more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import nn


@dataclass(frozen=True, slots=True, eq=False)
class Anchor:
    """The penalty ``strength * sum_j F_j (theta_j - centre_j)^2``.

    Its gradient is known in closed form, so that it costs no pass through the model.

    Args:
        importance: F by the parameter's name; others are free.
        centre: Where each is pulled to.
    """

    importance: Mapping[str, torch.Tensor]
    centre: Mapping[str, torch.Tensor]

    @torch.no_grad()
    def pull(self, parameters: Mapping[str, nn.Parameter], strength: float) -> None:
        """Add the penalty's gradient to the gradients that are there."""
        for name, importance in self.importance.items():
            parameter = parameters[name]
            if parameter.grad is not None:
                away = parameter - self.centre[name]
                parameter.grad.addcmul_(importance, away, value=2 * strength)
