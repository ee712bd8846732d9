"""How evenly a batch's predictions spread over the classes."""

from __future__ import annotations

from typing import Literal, get_args

import torch

from avplug.core.errors import UsageError, closest

#: READ's softmax of summed probabilities, or the mean prediction.
Balance = Literal["double", "fixed"]


def check_balance(balance: str) -> Balance:
    """Return the kind of balance.

    Raises:
        UsageError: There is no such kind.
    """
    kinds = get_args(Balance)
    if balance not in kinds:
        raise UsageError(
            f"Unknown balance {balance!r}.{closest(str(balance), kinds)}",
            f"Kinds: {', '.join(kinds)}.",
        )
    kind: Balance = balance  # type: ignore[assignment]
    return kind


def balance_of(probabilities: torch.Tensor, kind: Balance) -> torch.Tensor:
    """Return an entropy [] in nats of predictions [B, C] taken together.

    ``"fixed"`` is the entropy of their mean. ``"double"`` is READ's, in paper and code:
    probabilities are summed, and softmax is applied to the sums once more. They sum to
    B, so that it depends on the batch size: of one clip it is nearly flat, and where
    many agree its gradient vanishes.
    """
    if kind == "fixed":
        mean = probabilities.mean(0)
        # A probability may underflow to 0; the gradient stays finite.
        return -(mean * mean.clamp_min(torch.finfo(mean.dtype).tiny).log()).sum()
    logs = probabilities.sum(0).log_softmax(-1)
    return -(logs.exp() * logs).sum()
