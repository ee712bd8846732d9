"""Optimisers, learning rates by parameter, and how the rate goes over the steps.

``cosine``: up in the warm-up, then down to 0 along half a cosine. ``steps``: divided by
ten at each of the milestones, epochs that ``-o schedule.milestones=[30,60,90]`` names;
by default after a third and two thirds of the epochs, as arXiv 2104.02000 has it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import nn

from avplug.bench.train_config import TrainConfig
from avplug.core.errors import UsageError, closest

_MOMENTUM = 0.9


class Optimising:
    """An optimiser whose rate follows a schedule.

    Args:
        config: Its settings.
        model: Before a defence wraps it: its names are what ``lr_of`` speaks of.
        others: What is learned besides, at the plain rate.
        steps: Of one epoch.

    Attributes:
        optimizer: Its state belongs to what a training goes on from.

    Raises:
        UsageError: ``lr_of`` or the milestones do not fit.
    """

    def __init__(
        self,
        config: TrainConfig,
        model: nn.Module,
        others: Iterable[nn.Parameter],
        steps: int,
    ) -> None:
        self._config = config
        self._steps = steps
        self._milestones = _milestones(config)
        named = dict(model.named_parameters())
        factors = _factors(config.options.get("lr_of", {}), named)
        learned = {id(p): (p, factors[name]) for name, p in named.items()}
        for parameter in others:
            learned.setdefault(id(parameter), (parameter, 1.0))
        groups: dict[tuple[float, float], list[nn.Parameter]] = {}
        for parameter, factor in learned.values():
            spared = config.optimizer == "adamw" and parameter.ndim <= 1
            decay = 0.0 if spared else config.weight_decay
            groups.setdefault((factor, decay), []).append(parameter)
        self._scales = [factor for factor, _ in groups]
        listed: list[dict[str, Any]] = [
            {"params": parameters, "weight_decay": decay}
            for (_, decay), parameters in groups.items()
        ]
        self.optimizer: torch.optim.Optimizer = (
            torch.optim.AdamW(listed, lr=config.lr)
            if config.optimizer == "adamw"
            else torch.optim.SGD(listed, lr=config.lr, momentum=_MOMENTUM)
        )

    def step(self, loss: torch.Tensor, number: int) -> None:
        """Go down along the loss; ``number`` counts all steps from 0."""
        rate = self._config.lr * self.scale(number)
        for group, factor in zip(
            self.optimizer.param_groups, self._scales, strict=True
        ):
            group["lr"] = rate * factor
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        if self._config.clip_norm:
            learned = [p for g in self.optimizer.param_groups for p in g["params"]]
            nn.utils.clip_grad_norm_(learned, self._config.clip_norm)
        self.optimizer.step()

    def scale(self, number: int) -> float:
        """Return the factor of the learning rate at a step, counted from 0."""
        if self._config.schedule == "steps":
            passed = sum(number >= m * self._steps for m in self._milestones)
            return float(0.1**passed)
        total = self._config.epochs * self._steps
        warm = max(1, round(self._config.warmup * total))
        if number < warm:
            return (number + 1) / warm
        share = (number - warm) / max(1, total - warm)
        return 0.5 * (1 + math.cos(math.pi * share))


def _milestones(config: TrainConfig) -> list[float]:
    options = config.options.get("schedule", {})
    for name in options:
        if name != "milestones":
            raise UsageError(f"A schedule has no option {name!r}.", "Set milestones.")
    if not options:
        return [config.epochs / 3, 2 * config.epochs / 3]
    found = options["milestones"]
    if config.schedule != "steps":
        raise UsageError("Milestones belong to --schedule steps.")
    if not isinstance(found, list) or not all(isinstance(m, int) for m in found):
        raise UsageError(f"milestones are {found!r}; write a list of epochs: [30, 60].")
    return found


def _factors(
    wanted: Mapping[str, Any], named: Mapping[str, nn.Parameter]
) -> dict[str, float]:
    """Return the factor of each parameter; of several that fit the longest counts."""
    for prefix, factor in wanted.items():
        if not isinstance(factor, int | float) or not factor >= 0:
            raise UsageError(f"lr_of.{prefix} is {factor!r}; it must be 0 or more.")
        if not any(name.startswith(prefix) for name in named):
            first = {name.partition(".")[0] for name in named}
            raise UsageError(
                f"No parameter's name begins with {prefix!r}.{closest(prefix, first)}",
                f"They begin with: {', '.join(sorted(first))}.",
            )
    longest = sorted(wanted, key=len, reverse=True)
    return {
        name: float(next((wanted[p] for p in longest if name.startswith(p)), 1.0))
        for name in named
    }
