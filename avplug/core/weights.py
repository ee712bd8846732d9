"""Weights: where they are, how they are read, and how they get into a model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn.modules import activation, transformer

from avplug.core.checkpoints import (
    Checkpoint,
    read_checkpoint,
    read_parts,
    save_checkpoint,
    some,
)
from avplug.core.errors import WeightsError
from avplug.core.model import Model
from avplug.core.sources import locate

__all__ = [
    "Checkpoint",
    "Misfit",
    "build_from",
    "compare",
    "load_into",
    "locate",
    "read_checkpoint",
    "read_parts",
    "save_checkpoint",
    "without_initialisation",
]

#: Bytes; what torch itself gives to new tensors.
_ALIGNMENT = 64


@contextmanager
def without_initialisation() -> Iterator[None]:
    """Let ``torch.nn.init`` leave tensors as they are: a checkpoint fills them all.

    A model of a billion values is then built in no time, and its memory is not
    touched, hence not taken. Buffers are computed as ever. Parameters hold garbage
    until :func:`load_into`. For one thread at a time.
    """
    # These modules hold the functions under their own names.
    homes: tuple[Any, ...] = (nn.init, activation, transformer)
    found = [
        (home, name, function)
        for home in homes
        for name, function in vars(home).items()
        if name.endswith("_") and not name.startswith("_") and callable(function)
    ]
    for home, name, _ in found:
        setattr(home, name, _untouched)
    try:
        yield
    finally:
        for home, name, function in found:
            setattr(home, name, function)


def _untouched(tensor: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
    return tensor


@dataclass(frozen=True, slots=True)
class Misfit:
    """What keeps a checkpoint from fitting a model, by the model's names."""

    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    misshapen: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.missing or self.unexpected or self.misshapen)


def compare(model: nn.Module, tensors: dict[str, torch.Tensor]) -> Misfit:
    """Return how adapted tensors differ from a model's, in names and shapes."""
    own = model.state_dict()
    return Misfit(
        tuple(name for name in own if name not in tensors),
        tuple(name for name in tensors if name not in own),
        tuple(
            f"{name} {list(tensor.shape)} for {list(own[name].shape)}"
            for name, tensor in tensors.items()
            if name in own and tensor.shape != own[name].shape
        ),
    )


def build_from(make: Callable[[], Model], checkpoint: Checkpoint) -> Model:
    """Return a new model with a checkpoint's tensors; it takes their memory only.

    Where :meth:`Model.adapt_state` keeps parameters of the model itself, such as the
    head of a pre-trained one, they have their initial values, the same each time.

    Args:
        make: Makes the model.
        checkpoint: All its tensors are used, or else ``adapt_state`` leaves them out.

    Raises:
        WeightsError: As for :func:`load_into`.
    """
    with without_initialisation():
        model = make()
    tensors = model.adapt_state(checkpoint.tensors)
    own = {p.untyped_storage().data_ptr() for p in model.parameters()}
    if any(t.untyped_storage().data_ptr() in own for t in tensors.values()):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            model = make()
        tensors = model.adapt_state(checkpoint.tensors)
    _put(model, tensors, checkpoint)
    return model


def load_into(model: Model, checkpoint: Checkpoint) -> None:
    """Put a checkpoint's tensors into a model, all of them or none.

    Nothing is copied but what has another type than the model's own, or lies askew in
    its file: other parameters are the checkpoint's tensors, mapped from there. Equal
    tensors give equal answers, bit for bit, whatever the file around them.

    Raises:
        WeightsError: A tensor is missing, too much, or of another shape.
    """
    _put(model, model.adapt_state(checkpoint.tensors), checkpoint)


def _put(
    model: Model, tensors: dict[str, torch.Tensor], checkpoint: Checkpoint
) -> None:
    misfit = compare(model, tensors)
    if misfit:
        complaints = [
            f"{what}: {some(names)}"
            for what, names in (
                ("missing", misfit.missing),
                ("unexpected", misfit.unexpected),
                ("of another shape", misfit.misshapen),
            )
            if names
        ]
        foreign = 2 * len(misfit.missing) > len(model.state_dict())
        raise WeightsError(
            f"Checkpoint '{checkpoint.path}' does not fit {type(model).__name__}."
            f" Tensors {'; '.join(complaints)}.",
            "This looks like a checkpoint of another model." if foreign else "",
        )
    model.load_state_dict(_own(model, tensors), assign=True)


def _own(model: Model, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return tensors of the model's types, each with memory of its own."""
    taken: set[int] = set()
    owned: dict[str, torch.Tensor] = {}
    for name, own in model.state_dict().items():
        tensor = tensors[name].to(own.dtype).contiguous()
        # One tensor under two names would make one of two parameters. And a matrix
        # product takes another path, with other last bits, through memory that is not
        # aligned, as the header of a mapped file may leave it.
        shared = tensor.data_ptr() in taken and tensor.numel()
        if shared or tensor.data_ptr() % _ALIGNMENT:
            tensor = tensor.clone()
        taken.add(tensor.data_ptr())
        owned[name] = tensor
    return owned
