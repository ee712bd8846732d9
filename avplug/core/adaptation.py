"""The contract of a test-time adaptation (TTA) method."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Literal

import torch

from avplug.core.batch import Batch
from avplug.core.errors import CapabilityError
from avplug.core.model import Model, Surface


class Adapter(ABC):
    """A model that changes itself while it sees unlabelled batches of a stream.

    Args of every adapter's constructor:
        model: The model; in eval mode, changed in place, restored by ``reset``.
        **options: The method's settings, keyword-only, with defaults.

    Attributes:
        surface: Which parameters it changes; None changes nothing.
        predicts: Whether ``step`` returns the logits of before (``"pre"``) or after
            (``"post"``) its update.
        stateful: Whether an answer depends on earlier batches or on batch mates.
        parameters: The tensors that it changes, by name.

    Raises:
        CapabilityError: The model lacks the surface.

    Example::

        class Nothing(Adapter):
            surface = None
            stateful = False

            def step(self, batch):
                with torch.no_grad():
                    return self.model.classify(batch)
    """

    surface: ClassVar[Surface | None] = None
    predicts: ClassVar[Literal["pre", "post"]] = "pre"
    stateful: ClassVar[bool] = True

    def __init__(self, model: Model) -> None:
        self.model = model
        model.eval().requires_grad_(False)
        self.parameters = model.parameters_for(self.surface) if self.surface else {}
        if self.surface and not self.parameters:
            raise CapabilityError(
                f"{type(model).__name__} offers no parameters on '{self.surface}'."
            )
        for parameter in self.parameters.values():
            parameter.requires_grad_(True)
        self._source = {k: p.detach().clone() for k, p in self.parameters.items()}

    @abstractmethod
    def step(self, batch: Batch) -> torch.Tensor:
        """Return logits [B, C] for the batch, adapting to it."""

    def reset(self) -> None:
        """Restore the source model, bit for bit; extend it to clear own state."""
        with torch.no_grad():
            for name, parameter in self.parameters.items():
                parameter.copy_(self._source[name])
                parameter.grad = None

    def diagnostics(self) -> dict[str, Any]:
        """Return counts since the last reset, such as updates; kept in the record."""
        return {}
