"""A model whose encoders and fusion run apart, and one after the other."""

from __future__ import annotations

from typing import Generic, TypeVar

import torch

from avplug.core.batch import Batch
from avplug.core.errors import CapabilityError
from avplug.core.model import Model

Tokens = TypeVar("Tokens")


class TwoSteps(Model, Generic[Tokens]):
    """A model that answers with ``fuse(encode(batch))``; base class.

    See :class:`~avplug.core.model.EncodesThenFuses`.
    """

    def forward(self, frames: torch.Tensor, waveform: torch.Tensor) -> torch.Tensor:
        """Return logits [B, C] of frames [B, T, 3, H, W] in 0..1 and waveform [B, N].

        Every sample counts as sound; :meth:`classify` knows where padding begins.

        Raises:
            ValueError: A tensor has another shape.
        """
        count, samples = waveform.shape
        lengths = torch.full((count,), samples, device=waveform.device)
        return self.classify(Batch(frames, waveform, lengths))

    def classify(self, batch: Batch) -> torch.Tensor:
        """Return logits [B, C].

        Raises:
            ValueError: A tensor has another shape.
        """
        return self.fuse(self.encode(batch))

    def encode(self, batch: Batch) -> Tokens:
        """Return what the encoders say of each sense.

        Raises:
            ValueError: A tensor has another shape.
        """
        raise CapabilityError(f"{type(self).__name__} defines no encode.")

    def fuse(self, tokens: Tokens) -> torch.Tensor:
        """Return logits [B, C] of what :meth:`encode` returned."""
        raise CapabilityError(f"{type(self).__name__} defines no fuse.")
