"""What a checkpoint is, and which models it fits: told by names and shapes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

import torch

from avplug.bench.models import resolve_variant
from avplug.bench.prepare import construct
from avplug.core.checkpoints import Checkpoint
from avplug.core.model import Model
from avplug.core.registry import Entry, Registry
from avplug.core.weights import Misfit, compare, without_initialisation


@dataclass(frozen=True, slots=True)
class Fit:
    """How a checkpoint goes with a model.

    Args:
        model: ``model`` or ``model:variant``.
        misfit: What is missing, too much or of another shape; None if the model
            could not be made.
        ignored: Tensors that the model leaves out on purpose, by group.
        problem: Why it could not be made.
    """

    model: str
    misfit: Misfit | None
    ignored: dict[str, int]
    problem: str = ""

    @property
    def fits(self) -> bool:
        """Whether it loads."""
        return self.misfit is not None and not self.misfit

    @property
    def distance(self) -> int:
        """How many tensors stand against it."""
        if self.misfit is None:
            return sys.maxsize
        return sum(map(len, asdict(self.misfit).values()))


def describe_checkpoint(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return the facts of a checkpoint as plain data; the keys are stable."""
    tensors = checkpoint.tensors
    head, classes = head_of(tensors)
    return {
        "path": str(checkpoint.path),
        "bytes": checkpoint.path.stat().st_size,
        "sha256": checkpoint.sha256,
        "parts": dict(checkpoint.parts),
        "format": checkpoint.format,
        "prefix": checkpoint.prefix,
        "tensors": len(tensors),
        "values": sum(t.numel() for t in tensors.values()),
        "types": sorted(
            {str(t.dtype).removeprefix("torch.") for t in tensors.values()}
        ),
        "classes": classes,
        "classes_from": head,
        "metadata": checkpoint.metadata,
    }


def head_of(tensors: dict[str, torch.Tensor]) -> tuple[str, int]:
    """Return the last linear layer with a bias, and its rows: the classes, if any."""
    for name in reversed(tensors):
        weight = tensors[name]
        bias = tensors.get(f"{name.removesuffix('weight')}bias")
        if name.endswith("weight") and weight.ndim == 2 and bias is not None:
            return name, weight.shape[0]
    return "", 0


def fits(
    registry: Registry, checkpoint: Checkpoint, model: str | None = None
) -> list[Fit]:
    """Return how a checkpoint goes with a model, or with each, the best first.

    Args:
        registry: Where models are looked up.
        checkpoint: What :func:`avplug.core.checkpoints.read_checkpoint` returned.
        model: Name of one, as for ``--model``.

    Raises:
        UnknownNameError: There is no such model.
    """
    stated = checkpoint.metadata.get("model")
    entries = registry.entries("model")
    about = [entry for entry in entries if entry.spec.name == stated] or entries
    names = [model] if model else _names(about)
    found = [_fit(registry, checkpoint, name) for name in names]
    return sorted(found, key=lambda fit: fit.distance)


def _names(entries: Iterable[Entry]) -> list[str]:
    return [
        f"{entry.qualified if entry.conflict else entry.name}:{variant}".rstrip(":")
        for entry in entries
        for variant in entry.spec.variants or ("",)  # type: ignore[attr-defined]
    ]


def _fit(registry: Registry, checkpoint: Checkpoint, name: str) -> Fit:
    entry, _, config = resolve_variant(registry, name)
    config |= checkpoint.metadata.get("config", {})

    def make(classes: int) -> Model:
        with without_initialisation():
            model: Model = construct(entry, config, tuple(map(str, range(classes))))
        return model

    try:
        count = len(checkpoint.metadata.get("labels", ()))
        model = make(count or _classes(make, checkpoint))
        tensors = model.adapt_state(checkpoint.tensors)
    # Whatever one model raises does not keep the others from being tried.
    except Exception as error:
        return Fit(name, None, {}, f"{type(error).__name__}: {error}")
    return Fit(name, compare(model, tensors), dict(model.ignored))


def _classes(make: Callable[[int], Model], checkpoint: Checkpoint) -> int:
    """Return a checkpoint's classes, seen by what grows with them in a model; or 1."""
    two, three = (_shapes(make(classes)) for classes in (2, 3))
    tensors = make(2).adapt_state(checkpoint.tensors)
    for name, shape in two.items():
        grows = [axis for axis, n in enumerate(three[name]) if n != shape[axis]]
        if grows and name in tensors and tensors[name].ndim == len(shape):
            return tensors[name].shape[grows[0]]
    return 1


def _shapes(model: Model) -> dict[str, torch.Size]:
    return {name: tensor.shape for name, tensor in model.state_dict().items()}
