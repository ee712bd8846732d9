"""PTA: partition, then adapt (NeurIPS 2025), on the joint attention."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional as F

from avplug.builtin_tta.entropy import entropy, widened
from avplug.builtin_tta.joint import AttentionAdapter
from avplug.builtin_tta.optim import OptimizerName, OptimizerOptions, number
from avplug.builtin_tta.rows import rows_where
from avplug.core.adaptation import Prediction
from avplug.core.model import Model


class PTA(AttentionAdapter):
    """Sharpens answers of rare classes, flattens those of common ones.

    Clips whose answer is rarer in the batch than the mean answer are potential, those
    of a commoner one biased; without either nothing is learnt, hence never at batch
    size 1. Potential clips count by the ranks of confidence and of rarity; the
    attention maps of the two groups are drawn together by their maximum mean
    discrepancy.

    The authors' file cannot run; this is the reading of DASP (arXiv 2603.00574), whose
    port answers ``"pre"``.

    Args:
        model: The model; changed in place.
        lr: Learning rate.
        optimizer: ``"adam"`` or ``"sgd"``.
        momentum: Of SGD.
        biased_weight: Of the biased clips' entropy, which is raised.
        predicts: Whether answers are of before or after the update.

    Raises:
        CapabilityError: The model has no joint attention, or does not show it.
        UsageError: An option is unknown or out of range.
    """

    predicts = "post"
    counted = (
        *AttentionAdapter.counted,
        "potential",
        "biased",
        "unpartitioned_batches",
    )

    def __init__(
        self,
        model: Model,
        *,
        lr: float = 1e-4,
        optimizer: OptimizerName = "adam",
        momentum: float = 0.9,
        biased_weight: float = 0.5,
        predicts: Prediction = "post",
    ) -> None:
        self._biased_weight = number("biased_weight", biased_weight, least=0.0)
        super().__init__(model, OptimizerOptions(lr, optimizer, momentum), predicts)

    def adapt(self, inputs: Any) -> torch.Tensor:
        """Step down ranked entropy and discrepancy, up the biased clips' entropy."""
        shown = self.look(inputs)
        logits = shown.logits
        entropies = entropy(logits)
        rarity, sides = partition(logits)
        # One answer from the device for all of them.
        rare, common, sound = torch.stack(
            [sides > 0, sides < 0, entropies.isfinite()]
        ).tolist()
        if not all(sound):
            self._counts["nonfinite"] += 1
            return logits
        potential, biased = (rows_where(x, logits.device) for x in (rare, common))
        self._counts.update(potential=len(potential), biased=len(biased))
        if not (len(potential) and len(biased)):
            self._counts["unpartitioned_batches"] += 1
            return logits
        confidence = widened(logits.detach()).softmax(-1).amax(-1)[potential]
        ranks = ascending_ranks(confidence) * ascending_ranks(-rarity[potential])
        attention = widened(shown.scores).softmax(-1).flatten(1)
        self.descend(
            (ranks * entropies[potential]).mean()
            - self._biased_weight * entropies[biased].mean()
            + discrepancy(attention[potential], attention[biased])
        )
        return logits


@torch.no_grad()
def partition(logits: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return how rare each clip's answer is in its batch, and its side.

    Returns:
        ``tanh(1/K - n/B)`` [B], for an answer given n times among K different ones to
        B clips; and its sign, int64 [B]: 1 for potential, -1 for biased clips.
    """
    clips, classes = logits.shape
    answers = F.one_hot(logits.argmax(-1), classes)
    counts = answers.sum(0)
    kinds = (counts > 0).sum()
    same = (answers * counts).sum(1)
    dtype = widened(logits).dtype
    rarity = (1 / kinds.to(dtype) - same.to(dtype) / clips).tanh()
    # In whole numbers, where equal is equal.
    return rarity, torch.sign(clips - same * kinds)


def ascending_ranks(values: torch.Tensor) -> torch.Tensor:
    """Return the ranks of values [n] over n, in (0, 1], ties averaged; float32."""
    smaller = (values[None] < values[:, None]).sum(1)
    equal = (values[None] == values[:, None]).sum(1)
    return (smaller + (equal + 1) / 2).float() / len(values)


def discrepancy(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Return the squared maximum mean discrepancy [] of rows [n, D] and [m, D].

    Gaussian kernel ``exp(-d^2 / s^2)``, where ``s^2`` is half the median squared
    distance between two different rows of both, without a gradient. Means include a
    row's pair with itself.
    """
    rows = torch.cat([first, second])
    # Distances do not depend on the origin; near it they lose fewer digits.
    rows = rows - rows.detach().mean(0)
    norms = (rows * rows).sum(1)
    squares = (norms[:, None] + norms[None] - 2 * rows @ rows.T).clamp_min(0)
    upper = torch.triu_indices(len(rows), len(rows), 1, device=rows.device)
    width = squares.detach()[upper[0], upper[1]].median() / 2
    kernel = (-squares / width).exp()
    split = len(first)
    return (
        kernel[:split, :split].mean()
        + kernel[split:, split:].mean()
        - 2 * kernel[:split, split:].mean()
    )
