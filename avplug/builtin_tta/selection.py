"""Which clips of a batch to learn from: reliable ones that say something new.

The selection and weighting of EATA (arXiv 2204.02610).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch.nn import functional as F

from avplug.builtin_tta.optim import number

#: Share of the old mean in the moving average of predictions.
MOMENTUM = 0.9


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """What to learn from.

    Args:
        reliable: bool [B], predictions of low entropy.
        selected: bool [B], those of them unlike the earlier ones.
        weights: float [B], larger for lower entropy, 0 where not selected.
    """

    reliable: torch.Tensor
    selected: torch.Tensor
    weights: torch.Tensor


class Selection:
    """Chooses clips, remembering the mean of the predictions chosen before.

    Args:
        e0_factor: Entropies below this part of ``ln C``, the largest possible one, are
            reliable.
        d: A prediction is new if the absolute cosine between it and the mean is below
            this. ``"auto"`` is ``.05 * sqrt(1000 / C)``: confident predictions of C
            balanced classes have a cosine of about ``1 / sqrt(C)``, so that the .05 of
            1000 classes would reject nearly every clip of few.

    Raises:
        UsageError: An option is out of range.
    """

    def __init__(self, e0_factor: float, d: float | Literal["auto"]) -> None:
        self._e0_factor = number("e0_factor", e0_factor, above=0.0)
        self._d = None if d == "auto" else number("d", d, above=0.0)
        self._mean: torch.Tensor | None = None

    def choose(self, probabilities: torch.Tensor, entropies: torch.Tensor) -> Choice:
        """Return the choice among predictions [B, C] of entropies [B]; no gradient."""
        probabilities, entropies = probabilities.detach(), entropies.detach()
        classes = probabilities.shape[1]
        limit = self._e0_factor * math.log(classes)
        reliable = selected = entropies < limit
        if self._mean is not None:
            margin = self._d or 0.05 * math.sqrt(1000 / classes)
            likeness = F.cosine_similarity(self._mean[None], probabilities).abs()
            selected = reliable & (likeness < margin)
        weights = (limit - entropies).exp().where(selected, 0.0)
        return Choice(reliable, selected, weights)

    def remember(self, probabilities: torch.Tensor, selected: torch.Tensor) -> None:
        """Take the selected predictions, at least one, into the mean."""
        chosen = probabilities.detach().where(selected[:, None], 0.0)
        fresh = chosen.sum(0) / selected.sum()
        if self._mean is not None:
            fresh = MOMENTUM * self._mean + (1 - MOMENTUM) * fresh
        self._mean = fresh

    def clear(self) -> None:
        """Forget all earlier predictions."""
        self._mean = None
