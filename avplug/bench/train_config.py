"""Everything that decides trained weights, and the rows of a training's curve."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from avplug.core.errors import UsageError, closest

OptimizerName = Literal["adamw", "sgd"]
ScheduleName = Literal["cosine", "steps"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """Everything that decides the trained weights.

    ``shift`` and ``gain`` augment: the sound is moved by up to so many seconds and
    scaled by up to so many decibels, the picture moved by up to an eighth of its side.

    Args:
        name: What reports call the weights, with the seed; "" for the model's name.
        init: Checkpoint of the same model to start from.
        defense: Name of a defence; its settings are ``options``' of that name.
        budget: What the model shall withstand, as :func:`~avplug.bench.threats.
            threat_model` reads it; it is judged under attack too, then.
        optimizer: ``"adamw"``, which spares vectors the weight decay, or ``"sgd"``
            with momentum 0.9, which does not, as arXiv 2104.02000 has it.
        schedule: See :mod:`avplug.bench.optimising`.
        warmup: Share of all steps in which the cosine schedule's rate rises.
        clip_norm: Largest norm of the gradient; 0 for any.
        options: Settings by component. ``lr_of`` holds factors of the learning rate by
            the beginning of a parameter's name, ``schedule`` the ``milestones``.

    Raises:
        UsageError: A value is out of its range.
    """

    out: str
    name: str = ""
    dataset: str = "events"
    split: str = "train"
    val_split: str = "val"
    data_root: str | None = None
    model: str = "cav-mae:tiny"
    init: str | None = None
    defense: str | None = None
    budget: str | None = None
    epochs: int = 12
    batch_size: int = 32
    optimizer: OptimizerName = "adamw"
    schedule: ScheduleName = "cosine"
    lr: float = 1e-3
    weight_decay: float = 0.05
    clip_norm: float = 1.0
    warmup: float = 0.1
    shift: float = 0.2
    gain: float = 6.0
    seed: int = 0
    workers: int = 1
    threads: int = 0
    device: str = "auto"
    limit: int | None = None
    options: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size"):
            if getattr(self, name) < 1:
                raise UsageError(
                    f"{name} is {getattr(self, name)}; at least 1 is needed."
                )
        if self.lr <= 0:
            raise UsageError(f"lr is {self.lr}; it must be positive.")
        for name in ("weight_decay", "clip_norm"):
            if not getattr(self, name) >= 0:
                raise UsageError(
                    f"{name} is {getattr(self, name)}; it must be 0 or more."
                )
        for name, choices in (
            ("optimizer", get_args(OptimizerName)),
            ("schedule", get_args(ScheduleName)),
        ):
            value = getattr(self, name)
            if value not in choices:
                raise UsageError(
                    f"Unknown {name} {value!r}.{closest(value, choices)}",
                    f"Possible: {', '.join(choices)}.",
                )

    def identity(self) -> dict[str, Any]:
        """Return what decides the weights, without where and how they are made."""
        hidden = {"out", "name", "workers", "threads", "device"}
        return {k: v for k, v in asdict(self).items() if k not in hidden}


@dataclass(frozen=True, slots=True)
class Epoch:
    """One row of the curve; the loss is a mean over clips, accuracy in percent.

    Args:
        epoch: Counted from 1.
        loss: What the defence minimised.
        val_accuracy: On the clean validation clips.
        robust_accuracy: Under attack, see :mod:`avplug.bench.judging`; None without
            a budget.
        forwards: Passes of one clip that the defence took for crafting.
        backwards: The same of backward passes.
        seconds: That fitting took; judging and, before the first epoch, the defence's
            preparations not counted.
    """

    epoch: int
    loss: float
    val_accuracy: float
    robust_accuracy: float | None
    forwards: int
    backwards: int
    seconds: float
