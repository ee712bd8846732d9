"""What an attacker wants: losses that grow as the model goes wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch.nn import functional as F

from avplug.core.errors import CapabilityError, UsageError, closest

Loss = Literal["ce", "dlr", "margin"]
LOSSES = ("ce", "dlr", "margin")
#: Which answer is aimed at: none in particular, the least likely one, the class after
#: the true one, or a class by its number.
Target = Literal["least-likely", "next"] | int | None


@dataclass(frozen=True, slots=True, eq=False)
class Goal:
    """What the answers to B clips shall not be, or shall be.

    Args:
        labels: int64 [B], or bool [B, C] where clips have several.
        targets: int64 [B], the answers aimed at; None aims at any wrong one.
        loss: ``"ce"``, cross-entropy (binary where clips have several labels), or
            ``"dlr"``, the difference of logits ratio (arXiv 2003.01690, eqs. 5 and 6),
            which neither the scale nor the confidence of the logits can flatten, or
            ``"margin"``, the largest wrong logit less the right one.
    """

    labels: torch.Tensor
    targets: torch.Tensor | None = None
    loss: Loss = "ce"

    def losses(self, logits: torch.Tensor) -> torch.Tensor:
        """Return what to maximise, [B], of logits [B, C]."""
        if self.loss == "dlr":
            return self._dlr(logits)
        if self.loss == "margin":
            return self._margin(logits)
        if self.targets is not None:
            return -F.cross_entropy(logits, self.targets, reduction="none")
        if self.labels.ndim == 2:
            wanted = self.labels.to(logits.dtype)
            each = F.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
            return each.sum(1)
        return F.cross_entropy(logits, self.labels, reduction="none")

    def _margin(self, logits: torch.Tensor) -> torch.Tensor:
        if self.labels.ndim == 2:
            right = self.labels.bool()
            own = logits.masked_fill(~right, -torch.inf).amax(1)
            return logits.masked_fill(right, -torch.inf).amax(1) - own
        aims = self.labels if self.targets is None else self.targets
        own = logits.gather(1, aims[:, None])[:, 0]
        others = logits.scatter(1, aims[:, None], -torch.inf).amax(1)
        return others - own if self.targets is None else own - others

    def _dlr(self, logits: torch.Tensor) -> torch.Tensor:
        if self.labels.ndim == 2:
            raise CapabilityError("The DLR loss is not defined for several labels.")
        needed = 3 if self.targets is None else 4
        if logits.shape[1] < needed:
            raise CapabilityError(
                f"The DLR loss needs {needed} classes, the model has {logits.shape[1]}."
            )
        ranked = logits.sort(dim=1, descending=True).values
        own = logits.gather(1, self.labels[:, None])[:, 0]
        if self.targets is not None:
            aim = logits.gather(1, self.targets[:, None])[:, 0]
            spread = ranked[:, 0] - (ranked[:, 2] + ranked[:, 3]) / 2
            return (aim - own) / (spread + 1e-12)
        right = logits.argmax(1) == self.labels
        other = torch.where(right, ranked[:, 1], ranked[:, 0])
        return (other - own) / (ranked[:, 0] - ranked[:, 2] + 1e-12)

    def reached(self, logits: torch.Tensor) -> torch.Tensor:
        """Return for which clips the goal is reached, bool [B]."""
        answers = logits.argmax(1)
        if self.targets is not None:
            return answers == self.targets
        if self.labels.ndim == 2:
            return ~self.labels.gather(1, answers[:, None])[:, 0].bool()
        return answers != self.labels

    def rows(self, index: torch.Tensor) -> Goal:
        """Return the goal of some of the clips."""
        targets = None if self.targets is None else self.targets[index]
        return Goal(self.labels[index], targets, self.loss)


def check_loss(loss: object) -> None:
    """Make sure that an option names a loss.

    Raises:
        UsageError: It does not.
    """
    if loss not in LOSSES:
        raise UsageError(
            f"Unknown loss {loss!r}.{closest(str(loss), LOSSES)}",
            f"Losses: {', '.join(LOSSES)}.",
        )


def check_target(target: object) -> None:
    """Make sure that an option names a target.

    Raises:
        UsageError: It does not.
    """
    names = ("least-likely", "next")
    number = isinstance(target, int) and not isinstance(target, bool) and target >= 0
    if target is not None and target not in names and not number:
        raise UsageError(
            f"Unknown target {target!r}.{closest(str(target), names)}",
            "Possible: least-likely, next, or the number of a class.",
        )


def goal_of(
    labels: torch.Tensor, logits: torch.Tensor, target: Target, loss: Loss
) -> Goal:
    """Return the goal for clips whose clean logits [B, C] are known.

    Raises:
        UsageError: The target is no class of the model.
        CapabilityError: A target is asked for where clips have several labels.
    """
    if target is None:
        return Goal(labels, None, loss)
    if labels.ndim == 2:
        raise CapabilityError("Targets are not defined for clips with several labels.")
    classes = logits.shape[1]
    if target == "least-likely":
        aims = logits.argmin(1)
    elif target == "next":
        aims = (labels + 1) % classes
    elif isinstance(target, int) and target < classes:
        aims = torch.full_like(labels, target)
    else:
        raise UsageError(f"Target {target} is no class: there are {classes}.")
    return Goal(labels, aims, loss)
