"""Optimisers of adaptation methods, from options that users may set."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import torch

from avplug.core.errors import UsageError, closest

OptimizerName = Literal["adam", "sgd"]
_NAMES = ("adam", "sgd")


@dataclass(frozen=True, slots=True)
class OptimizerOptions:
    """How to step.

    Args:
        lr: Learning rate.
        optimizer: ``"adam"`` (betas .9 and .999) or ``"sgd"`` (plain, no Nesterov).
        momentum: Of SGD; Adam has none.

    Raises:
        UsageError: A value is unknown or out of range.
    """

    lr: float
    optimizer: OptimizerName
    momentum: float

    def __post_init__(self) -> None:
        if self.optimizer not in _NAMES:
            raise UsageError(
                f"Unknown optimizer {self.optimizer!r}."
                f"{closest(str(self.optimizer), _NAMES)}",
                f"Optimizers: {', '.join(_NAMES)}.",
            )
        number("lr", self.lr, above=0.0)
        number("momentum", self.momentum, least=0.0, below=1.0)

    def build(self, parameters: Iterable[torch.nn.Parameter]) -> torch.optim.Optimizer:
        """Return a new optimiser, without a memory of earlier steps."""
        if self.optimizer == "adam":
            return torch.optim.Adam(parameters, lr=self.lr)
        return torch.optim.SGD(parameters, lr=self.lr, momentum=self.momentum)


def number(
    name: str,
    value: object,
    *,
    least: float = -math.inf,
    above: float = -math.inf,
    below: float = math.inf,
    most: float = math.inf,
) -> float:
    """Return an option's value as a float.

    Raises:
        UsageError: It is no finite number, or out of range.
    """
    real = isinstance(value, int | float) and not isinstance(value, bool)
    if not (real and least <= value <= most and above < value < below):  # type: ignore[operator]
        bounds = [
            f"{word} {bound:g}"
            for word, bound in (
                ("at least", least),
                ("above", above),
                ("below", below),
                ("at most", most),
            )
            if math.isfinite(bound)
        ]
        raise UsageError(
            f"Option {name} is {value!r}: a number {' and '.join(bounds)} is needed."
        )
    return float(value)  # type: ignore[arg-type]


def whole_number(name: str, value: object, *, least: int) -> int:
    """Return an option's value as an integer.

    Raises:
        UsageError: It is no integer, or too small.
    """
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise UsageError(
            f"Option {name} is {value!r}: a whole number from {least} on is needed."
        )
    return value
