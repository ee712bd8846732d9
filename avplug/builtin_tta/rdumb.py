"""RDumb: start again every so many batches (arXiv 2306.05401)."""

from __future__ import annotations

from typing import Any

import torch

from avplug.builtin_tta.optim import whole_number
from avplug.builtin_tta.wrapper import Wrapper
from avplug.core.batch import Batch
from avplug.core.model import Model


class RDumb(Wrapper):
    """Puts a method back to the source model every ``every`` batches.

    What the paper calls RDumb is this around ETA. A stream of ``every`` batches or
    fewer is left as the inner method has it.

    Args:
        model: The model; changed in place.
        method: Name of the inner method, of any plugin.
        every: Batches between two starts.
        options: Options of the inner method.

    Raises:
        CapabilityError: The model lacks what the inner method needs.
        UsageError: An option is unknown or out of range.
    """

    def __init__(
        self, model: Model, *, method: str = "eta", every: int = 1000, **options: Any
    ) -> None:
        self._every = whole_number("every", every, least=1)
        super().__init__(model, method, options)
        self._seen = self._resets = 0

    def step(self, batch: Batch) -> torch.Tensor:
        """Return the inner method's logits [B, C], started anew where it is time."""
        if self._seen and self._seen % self._every == 0:
            self.inner.forget()
            self._resets += 1
        self._seen += 1
        return super().step(batch)

    def reset(self) -> None:
        """Restore the source model, bit for bit; count batches from zero."""
        super().reset()
        self._seen = self._resets = 0

    def forget(self) -> None:
        """Restore the source model in mid-stream; count batches from zero."""
        super().forget()
        self._seen = 0

    def diagnostics(self) -> dict[str, Any]:
        """Return the inner method's, and how often it was started anew."""
        return super().diagnostics() | {"resets": self._resets}
