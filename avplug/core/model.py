"""The contract of a model: raw frames and waveform in, logits out."""

from __future__ import annotations

from typing import Any, Literal, Protocol, runtime_checkable

import torch
from torch import nn

from avplug.core.batch import Batch
from avplug.core.clip import InputSpec
from avplug.core.errors import CapabilityError

Surface = Literal["norm", "fusion_attention", "classifier"]


class Model(nn.Module):
    """An audio-visual classifier.

    Normalisation, fbank and mel are inside ``forward``, as batched, differentiable
    torch code: loading is then the same for every model, attacks act on what the
    world could change, and the front end runs on the model's device.

    Args of every model's constructor:
        labels: Names of the classes, in the order of the outputs.
        **config: Sizes and options, with defaults.

    Attributes:
        input: What to sample of a clip.
        labels: Names of the classes.
        outputs: ``"softmax"`` (one label) or ``"sigmoid"`` (several) turns the logits
            into probabilities.
        config: The constructor's options as plain values; stored with the weights.

    Example::

        class MyNet(Model):
            input = InputSpec(size=112, seconds=5)

            def __init__(self, labels):
                super().__init__(labels)
                self.net = ...

            def forward(self, frames, waveform):
                return self.net(frames.mean(1), waveform)
    """

    input: InputSpec
    outputs: Literal["softmax", "sigmoid"] = "softmax"

    def __init__(self, labels: tuple[str, ...], **config: Any) -> None:
        super().__init__()
        self.labels = tuple(labels)
        self.config = config

    def forward(self, frames: torch.Tensor, waveform: torch.Tensor) -> torch.Tensor:
        """Return logits [B, C] of frames [B, T, 3, H, W], 0..1, and waveform [B, N]."""
        raise CapabilityError(f"{type(self).__name__} defines no forward.")

    def classify(self, batch: Batch) -> torch.Tensor:
        """Return logits [B, C]. Override it to use ``batch.lengths`` as well."""
        logits: torch.Tensor = self(batch.frames, batch.waveform)
        return logits

    def parameters_for(self, surface: Surface) -> dict[str, nn.Parameter]:
        """Return the named parameters that an adaptation method may change.

        Raises:
            CapabilityError: The model has no such surface.
        """
        raise CapabilityError(f"{type(self).__name__} has no surface '{surface}'.")

    def adapt_state(self, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Map the tensors of a published checkpoint to this model's names."""
        return tensors


@runtime_checkable
class EncodesThenFuses(Protocol):
    """A model whose encoders and joint block can be run apart.

    What adapts the joint block only then runs the encoders once, without gradients.
    ``fuse(encode(batch))`` equals ``classify(batch)``.
    """

    def encode(self, batch: Batch) -> Any:
        """Return the tokens before the joint block."""

    def fuse(self, tokens: Any) -> torch.Tensor:
        """Return logits [B, C] of such tokens."""
