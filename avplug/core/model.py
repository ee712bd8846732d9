"""The contract of a model: raw frames and waveform in, logits out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

import torch
from torch import nn

from avplug.core.batch import Batch
from avplug.core.clip import InputSpec
from avplug.core.errors import CapabilityError

#: Roles of parameters that a method may ask for: ``norm``, the affine parameters of the
#: normalisation layers that a prediction passes through; ``norm_early``, those of them
#: that are left when the last blocks and the head are taken away; ``norm_unimodal``,
#: those that only a prediction from one sense passes through; ``fusion_attention``,
#: query, key and value of the block that sees both senses; ``classifier``, the head.
Surface = Literal[
    "norm", "norm_early", "norm_unimodal", "fusion_attention", "classifier"
]
#: Senses that an answer depends on: both, the sound, the picture.
Modalities = Literal["av", "a", "v"]


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
        modalities: Senses that its answer depends on, where its options decide that;
            None for what its descriptor says.
        config: The constructor's options as plain values; stored with the weights.
        pretrained: Whether the constructor makes the final weights itself, so that
            no checkpoint is asked for. It is checked: two constructions must agree.
        ignored: How many tensors of its checkpoint :meth:`adapt_state` left out, by
            group; part of a result's identity.

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
    modalities: Modalities | None = None
    pretrained: ClassVar[bool] = False

    def __init__(self, labels: tuple[str, ...], **config: Any) -> None:
        super().__init__()
        self.labels = tuple(labels)
        self.config = config
        self.ignored: Mapping[str, int] = {}

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
        """Return the tensors of a published checkpoint by this model's names.

        Args:
            tensors: By the file's names, a wrapper's prefix gone; of a checkpoint in
                parts, each name begins with its part: ``"audio.conv1.weight"``.

        Whatever is returned must fit exactly. Tensors that the model has no use for
        are left out on purpose, and told: ``self.ignored = {"depth tower": 177}``.
        """
        return tensors


@dataclass(frozen=True, slots=True, eq=False)
class PerSense:
    """A tensor for each sense."""

    audio: torch.Tensor
    video: torch.Tensor


@dataclass(frozen=True, slots=True, eq=False)
class JointAttention:
    """A prediction, and the attention of the last joint block behind it.

    Args:
        logits: [B, C].
        scores: [B, heads, N, N], scaled products of queries (rows) and keys (columns)
            before the softmax.
        audio_tokens: The first so many of N are the sound's.
    """

    logits: torch.Tensor
    scores: torch.Tensor
    audio_tokens: int


@runtime_checkable
class EncodesThenFuses(Protocol):
    """A model whose encoders and fusion can be run apart; capability ``encode``.

    What changes the fusion only then runs the encoders once, without gradients.
    ``fuse(encode(batch))`` equals ``classify(batch)``.
    """

    def encode(self, batch: Batch) -> Any:
        """Return what the encoders say of each sense, before it is fused."""

    def fuse(self, tokens: Any) -> torch.Tensor:
        """Return logits [B, C] of what ``encode`` returned."""


@runtime_checkable
class ClassifiesEachSense(EncodesThenFuses, Protocol):
    """A model that can also answer from one sense alone; capability ``unimodal``."""

    def unimodal(self, tokens: Any, *, padded: bool = False) -> PerSense:
        """Return logits [B, C] from the sound alone and from the picture alone.

        Args:
            tokens: What ``encode`` returned.
            padded: As SuMi's public code does it, with zero tokens in place of most
                of the other sense; for a joint transformer only.

        Raises:
            CapabilityError: ``padded``, and the model has no such thing.
        """

    def features(self, tokens: Any) -> PerSense:
        """Return one vector [B, D] for each sense, before it is fused."""


@runtime_checkable
class FusesFeatures(ClassifiesEachSense, Protocol):
    """A model whose answer follows from its features; capability ``late-fusion``.

    ``fuse_features(features(tokens))`` equals ``fuse(tokens)`` for a single frame.
    """

    @property
    def feature_width(self) -> int:
        """Width of each sense's features."""

    def fuse_features(self, features: PerSense) -> torch.Tensor:
        """Return logits [B, C] of one vector [B, D] of each sense."""


@runtime_checkable
class ShowsTime(EncodesThenFuses, Protocol):
    """A model whose features can be followed through a clip; capability ``time``."""

    def sequences(self, tokens: Any) -> PerSense:
        """Return features over time, [B, moments, D], of what ``encode`` returned.

        The senses may have different numbers of moments; one means no time.
        """


@runtime_checkable
class Localises(EncodesThenFuses, Protocol):
    """A model that says where in the picture the sound is; capability ``localise``."""

    @property
    def localises(self) -> bool:
        """Whether a network of this configuration does."""

    def localisation(self, tokens: Any) -> torch.Tensor:
        """Return weights [B, T, h, w] of what ``encode`` returned; frames sum to 1.

        Raises:
            CapabilityError: Not :attr:`localises`.
        """


@runtime_checkable
class Embeds(EncodesThenFuses, Protocol):
    """A model with vectors of both senses in one space, for cross-modal retrieval."""

    @property
    def embeds(self) -> bool:
        """Whether a network of this configuration has them."""

    def embed(self, tokens: Any) -> PerSense:
        """Return a vector [B, D] for each sense, of what ``encode`` returned.

        A clip's sound and picture are compared by the cosine of their vectors.

        Raises:
            CapabilityError: Not :attr:`embeds`.
        """


@runtime_checkable
class ShowsJointAttention(EncodesThenFuses, Protocol):
    """A model whose joint attention can be looked at; needs ``fusion_attention``."""

    def joint_attention(self, tokens: Any) -> JointAttention:
        """Return logits and scores of what ``encode`` returned, differentiable."""


@runtime_checkable
class KnowsKeyBias(Protocol):
    """A model that says which weights of its joint attention are the keys' bias.

    Softmax does not see it, so that methods leave it alone.
    """

    def key_bias(self) -> dict[str, slice]:
        """Return the rows of each such parameter on surface ``fusion_attention``."""
