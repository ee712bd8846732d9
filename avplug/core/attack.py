"""The contract of an adversarial attack, and its threat model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal

import torch

from avplug.core.batch import Batch
from avplug.core.model import Model


@dataclass(frozen=True, slots=True)
class Budget:
    """What an attacker may do to one modality.

    Args:
        norm: ``"linf"`` or ``"l2"`` of the perturbation.
        epsilon: Its largest value, in ``unit``.
        bounds: Smallest and largest value that the attacked signal may take.
        unit: What epsilon counts: pixels in 0..1, or waveform amplitude.
    """

    norm: Literal["linf", "l2"]
    epsilon: float
    bounds: tuple[float, float]
    unit: str


@dataclass(frozen=True, slots=True)
class ThreatModel:
    """The budgets per modality; None leaves that modality alone."""

    video: Budget | None
    audio: Budget | None


class Attack(ABC):
    """Something that perturbs a batch so that the model fails."""

    @abstractmethod
    def perturb(
        self, model: Model, batch: Batch, labels: torch.Tensor, threat: ThreatModel
    ) -> Batch:
        """Return the attacked batch, inside the threat model; labels are int64 [B]."""
