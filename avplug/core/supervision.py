"""The contract of an adaptation method that learns from labelled clips."""

from __future__ import annotations

from abc import abstractmethod

import torch

from avplug.core.adaptation import Adapter
from avplug.core.batch import Batch


class SupervisedAdapter(Adapter):
    """An adapter that is shown a few labelled clips before it answers.

    Its descriptor needs ``"labels"``: only the protocol ``few-shot`` gives them, of
    other clips than those that are scored. ``step`` answers and changes nothing.

    Example::

        class Head(SupervisedAdapter):
            surface = "classifier"

            def fit(self, batch, targets):
                ...
    """

    @abstractmethod
    def fit(self, batch: Batch, targets: torch.Tensor) -> torch.Tensor:
        """Learn from a batch; return its logits [B, C] of before the update.

        Args:
            batch: The clips.
            targets: bool [B, C], on the batch's device; several True in a row where a
                clip has several labels.
        """

    def step(self, batch: Batch) -> torch.Tensor:
        """Return logits [B, C]; without labels there is nothing to learn."""
        with torch.no_grad():
            return self.model.classify(batch)
