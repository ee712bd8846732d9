"""The contract of a defence: a training objective, a wrapper, or both."""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from avplug.core.attack import Attack, ThreatModel
from avplug.core.batch import Batch
from avplug.core.model import Model
from avplug.core.randomness import KeyedRandom


@dataclass(frozen=True, slots=True, eq=False)
class Training:
    """What a defence may use of the training that it is part of.

    Args:
        classes: Number of classes.
        threat: What the trained model shall withstand; None where nothing is said.
        attack: Makes an attack of its name and options.
        clean: Goes through the training clips once, not augmented, with labels as
            :meth:`Defense.objective` has them.
    """

    classes: int
    threat: ThreatModel | None
    attack: Callable[[str, Mapping[str, Any]], Attack]
    clean: Callable[[], Iterable[tuple[Batch, torch.Tensor]]]


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """Where in the training a batch comes.

    Args:
        progress: Share of all epochs that is done, 0..1.
        randoms: The random stream of each clip in this epoch.
    """

    progress: float
    randoms: Sequence[KeyedRandom]


class Defense(ABC):  # noqa: B024  (every method has a neutral default)
    """What makes a model harder to fool; each part defaults to doing nothing.

    Attributes:
        companion: What is trained beside the model and left behind with the training,
            such as prototypes; None for nothing.
        forwards: Passes of one clip that crafting took so far.
        backwards: The same of backward passes.
    """

    companion: nn.Module | None = None
    forwards: int = 0
    backwards: int = 0

    def wrap(self, model: Model) -> Model:
        """Return the defended model; the model itself by default.

        Called before a training begins and when its weights are loaded, so that it
        may depend on the defence's options and the model alone; what the training
        fills in belongs into buffers, which the checkpoint holds.
        """
        return model

    def begin(  # noqa: B027  (most need nothing)
        self, model: Model, training: Training
    ) -> None:
        """Get ready for a training of what :meth:`wrap` returned."""

    def objective(
        self, model: Model, batch: Batch, labels: torch.Tensor, moment: Moment
    ) -> torch.Tensor:
        """Return the training loss, a scalar; the task's own by default.

        Args:
            model: What :meth:`wrap` returned, in training mode.
            batch: The clips.
            labels: int64 [B], or bool [B, C] where clips have several.
            moment: Where in the training.
        """
        return task_loss(model.classify(batch), labels)


def task_loss(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return the mean cross-entropy of logits [B, C], binary for labels [B, C]."""
    if labels.ndim == 2:
        return F.binary_cross_entropy_with_logits(logits, labels.to(logits.dtype))
    return F.cross_entropy(logits, labels)
