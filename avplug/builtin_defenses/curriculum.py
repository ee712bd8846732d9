"""How hard a training is at each moment, after arXiv 2502.11858."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch

from avplug.core.batch import Batch
from avplug.core.errors import UsageError
from avplug.core.randomness import KeyedRandom

Schedule = Literal["cosine", "linear", "constant"]


@dataclass(frozen=True, slots=True)
class Curriculum:
    """Masking, dropout, steps and budget that grow over the epochs.

    The paper names the three levels (data, model, attack) but no figures; these are
    ours.

    Args:
        schedule: ``"cosine"``, ``"linear"``, or ``"constant"`` for none: the hardest
            from the start.
        masked: Share of a clip's moments blanked in both senses at the end.
        dropout: Share of the features dropped at the end.
        steps: Of the attack at the end; it begins with 1.
        budget: Whether epsilon grows too, from a quarter.

    Raises:
        UsageError: A value is out of its range.
    """

    schedule: Schedule = "cosine"
    masked: float = 0.5
    dropout: float = 0.3
    steps: int = 5
    budget: bool = False

    def __post_init__(self) -> None:
        if self.schedule not in ("cosine", "linear", "constant"):
            raise UsageError(
                f"Unknown schedule {self.schedule!r}: cosine, linear or constant."
            )
        for name in ("masked", "dropout"):
            value = getattr(self, name)
            if not 0 <= value < 1:
                raise UsageError(f"Option {name} is {value}; it is a share below 1.")
        if not isinstance(self.steps, int) or self.steps < 1:
            raise UsageError(f"Option steps is {self.steps!r}: 1 or more are needed.")

    def hardness(self, progress: float) -> float:
        """Return 0..1 at a share of the training, 0..1."""
        match self.schedule:
            case "constant":
                return 1.0
            case "linear":
                return progress
        return (1 - math.cos(math.pi * progress)) / 2

    def steps_at(self, progress: float) -> int:
        """Return how many steps the attack takes."""
        return 1 + round((self.steps - 1) * self.hardness(progress))

    def budget_at(self, progress: float) -> float:
        """Return the factor of epsilon."""
        return max(0.25, self.hardness(progress)) if self.budget else 1.0


def masked(
    batch: Batch, share: float, parts: int, randoms: Sequence[KeyedRandom]
) -> Batch:
    """Return clips of which the same moments are blanked in both senses.

    Args:
        batch: The clips.
        share: Of the moments, rounded to whole ones.
        parts: Equal moments that a clip is divided into.
        randoms: The random stream of each clip, which says the moments.
    """
    count = round(share * parts)
    if not count:
        return batch
    kept = torch.ones(len(batch), parts)
    for row, random in enumerate(randoms):
        kept[row, random.stream("mask").permutation(parts)[:count].tolist()] = 0
    return batch.only(kept)
