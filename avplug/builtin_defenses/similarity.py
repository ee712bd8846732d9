"""MinSim and MaxSim: how alike the features of both senses are (arXiv 2104.02000)."""

from __future__ import annotations

from typing import Any

import torch

from avplug.core.batch import Batch
from avplug.core.defense import Defense, Moment, task_loss
from avplug.core.errors import CapabilityError
from avplug.core.model import ClassifiesEachSense, Model, PerSense


class MinSim(Defense):
    """Adds the mean cosine between the senses' features to the loss.

    Features that differ leave an attack on one sense less to spread to.

    Args:
        weight: Of the cosine; the paper's code has 1, a comment in it 0.8 for Kinetics.
    """

    def __init__(self, *, weight: float = 1.0) -> None:
        self._weight = weight

    def objective(
        self, model: Model, batch: Batch, labels: torch.Tensor, moment: Moment
    ) -> torch.Tensor:
        """Return the training loss; see :meth:`Defense.objective`.

        Raises:
            CapabilityError: The model shows no features of each sense.
        """
        halves = with_features(model)
        tokens = halves.encode(batch)
        alike = cosine(halves.features(tokens)).mean()
        return task_loss(halves.fuse(tokens), labels) + self._weight * self._term(alike)

    def _term(self, alike: torch.Tensor) -> torch.Tensor:
        return alike


class MaxSim(MinSim):
    """Adds 1 less that mean cosine: the opposite, which the paper finds to harm.

    Args:
        weight: Of the term.
    """

    def _term(self, alike: torch.Tensor) -> torch.Tensor:
        return 1 - alike


def cosine(features: PerSense) -> torch.Tensor:
    """Return the cosine [B] between the senses' features [B, D]; norms from 1e-8 up."""
    lengths = features.audio.norm(dim=1) * features.video.norm(dim=1)
    products = (features.audio * features.video).sum(1)
    cosines: torch.Tensor = products / lengths.clamp(min=1e-8)
    return cosines


def with_features(model: Any) -> ClassifiesEachSense:
    """Return the model as one that shows features of each sense.

    Raises:
        CapabilityError: It does not, or they differ in width.
    """
    if not isinstance(model, ClassifiesEachSense):
        raise CapabilityError(f"{type(model).__name__} shows no features of a sense.")
    return model
