"""How a model computes: number format, memory layout, compiled or not."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import chain
from typing import Any

import torch

from avplug.bench.config import Precision, RunConfig
from avplug.core.errors import UsageError
from avplug.core.model import Model

#: What of a model is compiled: all that a method may ask of it.
_ENTRIES = ("classify", "encode", "fuse")


@dataclass(frozen=True, slots=True)
class Compute:
    """Choices that change the last digits of a result, or more.

    Args:
        dtype: What matrix products and convolutions compute in; weights, sums and
            losses stay float32 (``torch.autocast``).
        channels_last: Whether convolutions keep channels innermost in memory.
        compiled: Whether ``torch.compile`` makes the model's code.
    """

    dtype: Precision = "float32"
    channels_last: bool = False
    compiled: bool = False

    def identity(self) -> dict[str, Any]:
        """Return what belongs to a cell's identity; what is off is left out."""
        flags = {"channels_last": self.channels_last, "compile": self.compiled}
        return {"dtype": self.dtype, **{k: True for k, on in flags.items() if on}}

    def check(self, device: torch.device) -> None:
        """Try what is asked for on a small product.

        Raises:
            UsageError: The device or this installation cannot.
        """
        try:
            with warnings.catch_warnings(), self.autocast(device), torch.no_grad():
                # Where it cannot, torch warns and goes on in float32.
                warnings.simplefilter("error")
                layer = torch.nn.Conv2d(2, 2, 1).to(device)
                layer(torch.ones(1, 2, 2, 2, device=device))
        except (RuntimeError, UserWarning) as error:
            raise UsageError(
                f"{self.dtype} cannot be computed on {device.type}: "
                f"{str(error).splitlines()[0]}",
                "Use float32; on a CPU bfloat16 works, but is seldom faster.",
            ) from error
        if self.compiled:
            _try_compiler(device)

    def apply(self, model: Model) -> Model:
        """Lay out and compile a model in place, and return it."""
        if self.channels_last:
            model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        if self.compiled:
            for name in _ENTRIES:
                method = getattr(model, name, None)
                if method is not None:
                    setattr(model, name, torch.compile(method))
        return model

    def autocast(self, device: torch.device) -> AbstractContextManager[Any]:
        """Return the context in which the model is asked."""
        if self.dtype == "float32":
            return nullcontext()
        return torch.autocast(device.type, getattr(torch, self.dtype))


def compute_of(config: RunConfig) -> Compute:
    """Return what a configuration asks for."""
    return Compute(config.dtype, config.channels_last, config.compile)


def _try_compiler(device: torch.device) -> None:
    double: Callable[[torch.Tensor], torch.Tensor] = torch.compile(lambda x: 2 * x)
    try:
        double(torch.ones(4, device=device))
    # The compiler's errors share no class.
    except Exception as error:
        raise UsageError(
            f"torch.compile does not work here: {type(error).__name__}.",
            "On a CPU it needs a C++ compiler. Leave --compile out.",
        ) from error


def device_of(model: Model) -> torch.device:
    """Return where a model's tensors are; the CPU for one that has none."""
    tensors = chain(model.parameters(), model.buffers())
    return next((tensor.device for tensor in tensors), torch.device("cpu"))
