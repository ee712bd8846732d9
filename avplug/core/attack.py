"""The contract of an adversarial attack, and its threat model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, Self

import torch

from avplug.core.batch import Batch
from avplug.core.errors import UsageError
from avplug.core.model import Model
from avplug.core.randomness import KeyedRandom

Norm = Literal["linf", "l2"]


@dataclass(frozen=True, slots=True)
class Budget:
    """What an attacker may do to one sense.

    Args:
        norm: ``"linf"`` or ``"l2"`` of the perturbation of a clip.
        epsilon: Its largest value, in ``unit``.
        bounds: Smallest and largest value that the attacked signal may take. What is
            beyond them in the clean clip, as resampled sound can be, may stay.
        unit: What epsilon counts: ``"pixel"`` in 0..1, or ``"amplitude"`` in -1..1.
        scale: One factor of epsilon, or one for each colour.

    Raises:
        UsageError: A value is out of its range.
    """

    norm: Norm
    epsilon: float
    bounds: tuple[float, float]
    unit: str
    scale: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        if self.norm not in ("linf", "l2"):
            raise UsageError(f"Unknown norm {self.norm!r}: linf or l2 are possible.")
        if not self.epsilon >= 0:
            raise UsageError(f"epsilon is {self.epsilon}; it must be 0 or more.")
        if min(self.scale) <= 0:
            raise UsageError(f"scale {self.scale} must be positive.")

    def radius(self, like: torch.Tensor) -> torch.Tensor:
        """Return epsilon times scale, of the dtype and on the device of ``like``.

        [1], or [3, 1, 1] with a factor for each colour: both multiply frames.
        """
        scale = like.new_tensor(self.scale) * self.epsilon
        return scale.view(-1, 1, 1) if len(self.scale) > 1 else scale

    def bounded(self, value: torch.Tensor, clean: torch.Tensor) -> torch.Tensor:
        """Return values brought into the bounds, and no further than to the clean."""
        low, high = self.bounds
        return torch.minimum(
            torch.maximum(value, clean.clamp(max=low)), clean.clamp(min=high)
        )

    def scaled(self, factor: float) -> Self:
        """Return the budget with epsilon multiplied."""
        return replace(self, epsilon=factor * self.epsilon)


@dataclass(frozen=True, slots=True)
class ThreatModel:
    """The budgets of both senses; None leaves that sense alone.

    Args:
        video: Budget of the frames.
        audio: Budget of the waveform.
        joint: One ball for both, instead of one for each: the perturbations, each
            divided by its epsilon, have together a norm of at most 1.
    """

    video: Budget | None
    audio: Budget | None
    joint: bool = False

    @property
    def modalities(self) -> str:
        """``"av"``, ``"a"``, ``"v"``, or ``""`` where nothing may be changed."""
        parts = (("a", self.audio), ("v", self.video))
        return "".join(name for name, budget in parts if budget and budget.epsilon)

    def only(self, senses: str) -> Self:
        """Return the threat to ``"a"``, ``"v"`` or ``"av"`` alone."""
        return replace(
            self,
            video=self.video if "v" in senses else None,
            audio=self.audio if "a" in senses else None,
        )

    def scaled(self, factor: float) -> Self:
        """Return the threat with each epsilon multiplied."""
        return replace(
            self,
            video=self.video and self.video.scaled(factor),
            audio=self.audio and self.audio.scaled(factor),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Attacked:
    """What an attack made of a batch, and what that took.

    Args:
        batch: The attacked clips, inside the threat model.
        forwards: Passes of one clip through the model, summed over the clips.
        backwards: The same of backward passes.
        history: Loss of each clip before each step, [steps, B]; NaN where it was
            left alone.
        flat: Clips whose very first gradient was zero, bool [B]: nothing to follow,
            as on digital silence, or where a defence hides its gradient.
    """

    batch: Batch
    forwards: int
    backwards: int
    history: torch.Tensor
    flat: torch.Tensor


class Attack(ABC):
    """Something that perturbs clips so that a model fails.

    It leaves the model as it found it: weights, modes and gradient flags. What it does
    to a clip depends on the clip, its label and its random stream alone, never on
    batch mates.

    Attributes:
        fitted: Whether :meth:`fit` must be called first.
        batch_dependent: Whether it breaks the rule above, as published code does that
            is run as it is; the batch size then belongs to the result's identity.
        leaves_budget: Whether its perturbations may be larger than the threat model
            allows, as those of published code are; never what an attack of one's own
            should do.
    """

    fitted: ClassVar[bool] = False
    batch_dependent: ClassVar[bool] = False
    leaves_budget: ClassVar[bool] = False

    def fit(  # noqa: B027  (most attacks learn nothing)
        self,
        model: Model,
        batches: Iterable[tuple[Batch, torch.Tensor]],
        threat: ThreatModel,
        random: KeyedRandom,
    ) -> None:
        """Learn from other clips what to do to all; does nothing by default."""

    @abstractmethod
    def perturb(
        self,
        model: Model,
        batch: Batch,
        labels: torch.Tensor,
        threat: ThreatModel,
        randoms: Sequence[KeyedRandom],
    ) -> Attacked:
        """Return the attacked batch, inside the threat model.

        Args:
            model: Whose answers shall be wrong.
            batch: The clean clips.
            labels: int64 [B], or bool [B, C] where clips have several.
            threat: What may be changed, and how much.
            randoms: The random stream of each clip.

        Raises:
            CapabilityError: The model hides what the attack needs.
        """
