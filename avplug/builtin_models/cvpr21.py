"""The audio-visual fusion network of Tian and Xu, CVPR 2021 (arXiv 2104.02000)."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any, Literal

import torch
from torch import nn

from avplug.builtin_models.cvpr21_config import CVPR21Config
from avplug.builtin_models.cvpr21_parts import Fuse, SoundNet, excerpt, localise
from avplug.builtin_models.frontend import (
    ImageNetColours,
    check_frames,
    mean_prediction,
)
from avplug.builtin_models.renaming import Table, renamed
from avplug.builtin_models.resnet import Layout, ResNet, batch_norm_parameters
from avplug.builtin_models.two_steps import TwoSteps
from avplug.builtin_models.vit import each_row
from avplug.core.batch import Batch
from avplug.core.errors import CapabilityError
from avplug.core.model import PerSense, Surface
from avplug.core.weights import load_into, locate, read_checkpoint

#: Names in the released code's files, each a part of the checkpoint.
_RELEASED: Table = (
    (r"^frame\.features\.0\.", "frame.conv1."),
    (r"^frame\.features\.1\.", "frame.bn1."),
    (r"^frame\.features\.4\.", "frame.layer1."),
    (r"^frame\.features\.5\.", "frame.layer2."),
    (r"^frame\.features\.6\.", "frame.layer3."),
    (r"^frame\.features\.7\.", "frame.layer4."),
    (r"^classifier\.fc1\.", "classifier."),
)
#: What a classifier trained on ImageNet has besides.
_IMAGENET_HEAD = ("frame.fc.weight", "frame.fc.bias")


class CVPR21(TwoSteps[PerSense]):
    """A 1-D convolutional sound encoder, a ResNet18, and one of five fusions.

    A training of the released code leaves three files, of which ``sound``, ``frame``
    and ``classifier`` are the parts. In evaluation the answer to a clip does not depend
    on the others, up to rounding; in training batch norm mixes them.

    Args:
        labels: Names of the classes.
        frame_weights: A file with a ResNet18 trained on ImageNet, from which the
            picture encoder starts, as in the paper; names as torchvision's or as
            released. Read once, and no part of ``config``.
        **config: Fields of :class:`CVPR21Config`.

    Raises:
        UsageError: An option is unknown, or a value does not fit.
        WeightsError: ``frame_weights`` is no ResNet of this size.
    """

    def __init__(
        self, labels: tuple[str, ...], *, frame_weights: str = "", **config: Any
    ) -> None:
        sizes = CVPR21Config.from_options(config)
        super().__init__(labels, **asdict(sizes))
        self.sizes = sizes
        self.input = sizes.input
        self.outputs: Literal["softmax", "sigmoid"] = sizes.outputs
        self.modalities = sizes.modalities
        self.colours = ImageNetColours()
        if sizes.hears:
            self.sound = SoundNet(sizes.sound_widths)
        if sizes.sees:
            self.frame = ResNet(Layout(sizes.frame_depths, sizes.frame_width))
        self.fusion = Fuse(sizes.fusion, sizes.width)
        self.classifier = nn.Linear(self.fusion.outputs, len(self.labels))
        nn.init.normal_(self.classifier.weight, std=1e-4)
        if frame_weights:
            self._start_from(frame_weights)

    def _start_from(self, frame_weights: str) -> None:
        checkpoint = read_checkpoint(locate(frame_weights))
        rest = {
            k: v for k, v in self.state_dict().items() if not k.startswith("frame.")
        }
        frame = {f"frame.{name}": tensor for name, tensor in checkpoint.tensors.items()}
        load_into(self, replace(checkpoint, tensors={**rest, **frame}))

    def encode(self, batch: Batch) -> PerSense:
        """Return the sound [B, moments, width], the pictures [B, T, width, h, w].

        The sense that a network of one sense leaves out is [B, 0].

        Raises:
            ValueError: The frames have another shape.
        """
        audio = video = batch.waveform.new_zeros(len(batch), 0)
        if self.sizes.hears:
            heard = excerpt(batch.waveform, batch.lengths, self.sizes.samples)
            audio = self.sound(heard.to(self.classifier.weight.dtype))
        if self.sizes.sees:
            check_frames(batch.frames, self.sizes.image_size)
            maps = self.frame(self.colours(batch.frames.flatten(0, 1)))
            video = maps.view(*batch.frames.shape[:2], *maps.shape[1:])
        return PerSense(audio, video)

    def fuse(self, tokens: PerSense) -> torch.Tensor:
        """Return logits [B, C] of what :meth:`encode` returned.

        Of several frames the probabilities are averaged, and what comes back gives
        that average through ``outputs``.
        """
        return self._answer(self._pooled(tokens))

    def _answer(self, each: PerSense) -> torch.Tensor:
        """Return logits [B, C] of the features [B, T, width] of each frame."""
        logits = each_row(self.classifier, self.fusion(each.audio, each.video))
        return mean_prediction(logits, self.outputs)

    def _pooled(self, tokens: PerSense) -> PerSense:
        """Return the features [B, T, width] of each frame, and the sound's with it."""
        audio, video = tokens.audio, tokens.video
        if self.sizes.hears:
            frames = video.shape[1] if self.sizes.sees else 1
            audio = self._heard(audio, frames)
        if not self.sizes.sees:
            return PerSense(audio, video)
        match self.sizes.pool:
            case "avg":
                video = video.mean((-2, -1))
            case "max":
                video = video.amax((-2, -1))
            case "localised":
                video, _ = localise(video, audio)
        return PerSense(audio, video)

    def _heard(self, moments: torch.Tensor, frames: int) -> torch.Tensor:
        """Return the sound's features [B, frames, width], the same for each frame."""
        return moments.amax(1, keepdim=True).expand(-1, frames, -1)

    def unimodal(self, tokens: PerSense, *, padded: bool = False) -> PerSense:
        """Return logits [B, C] from each sense, the other's features being 0.

        Raises:
            CapabilityError: ``padded``, or the network has one sense only.
        """
        if padded:
            raise CapabilityError(
                "The CVPR'21 network has no joint transformer to pad with zero tokens."
            )
        self._need_both()
        deaf = PerSense(torch.zeros_like(tokens.audio), tokens.video)
        blind = PerSense(tokens.audio, torch.zeros_like(tokens.video))
        return PerSense(self.fuse(blind), self.fuse(deaf))

    def features(self, tokens: PerSense) -> PerSense:
        """Return features [B, width] of each sense, of several frames their mean.

        Raises:
            CapabilityError: The network has one sense only.
        """
        each = self.sequences(tokens)
        return PerSense(each.audio.amax(1), each.video.mean(1))

    @property
    def feature_width(self) -> int:
        """Width of each sense's features."""
        return self.sizes.width

    def fuse_features(self, features: PerSense) -> torch.Tensor:
        """Return logits [B, C] of features [B, width], as those of one frame.

        Where a clip has several frames these features are means over them, and the
        answer is not the mean of the frames' probabilities that :meth:`fuse` gives.
        """
        return self._answer(
            PerSense(features.audio.unsqueeze(1), features.video.unsqueeze(1))
        )

    def sequences(self, tokens: PerSense) -> PerSense:
        """Return features over time: the sound's [B, moments, width], [B, T, width].

        Raises:
            CapabilityError: The network has one sense only.
        """
        self._need_both()
        return PerSense(tokens.audio, self._pooled(tokens).video)

    @property
    def localises(self) -> bool:
        """Whether the picture is weighted by what resembles the sound."""
        return self.sizes.pool == "localised" and self.sizes.hears and self.sizes.sees

    def localisation(self, tokens: PerSense) -> torch.Tensor:
        """Return weights [B, T, h, w] of the picture's places; each frame sums to 1.

        Raises:
            CapabilityError: The network pools otherwise, or has one sense only.
        """
        if not self.localises:
            raise CapabilityError(
                f"A network of pool={self.sizes.pool} and fusion={self.sizes.fusion}"
                " does not localise.",
                "Train one of pool=localised.",
            )
        sound = self._heard(tokens.audio, tokens.video.shape[1])
        return localise(tokens.video, sound)[1]

    def _need_both(self) -> None:
        if not (self.sizes.hears and self.sizes.sees):
            raise CapabilityError(
                f"A network of fusion={self.sizes.fusion} has one sense only."
            )

    def parameters_for(self, surface: Surface) -> dict[str, nn.Parameter]:
        """Return the named parameters of a surface.

        ``norm``: scale and shift of every batch norm. ``classifier``: the last layer
        and the fusion's weights.

        Raises:
            CapabilityError: The network has no such surface.
        """
        if surface == "classifier":
            modules = ("fusion", "classifier")
            named = self.named_parameters()
            return {k: p for k, p in named if k.startswith(modules)}
        if surface == "norm":
            return batch_norm_parameters(self)
        return super().parameters_for(surface)

    def adapt_state(self, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Return the tensors of a released training's files by this network's names.

        Each file is a part: ``sound.features.*`` stays, ``frame.features.*`` becomes
        ``frame.conv1`` to ``frame.layer4``, ``classifier.fc1`` becomes ``classifier``.
        """
        kept = {n: t for n, t in tensors.items() if n not in _IMAGENET_HEAD}
        left = len(tensors) - len(kept)
        self.ignored = {"ImageNet's classifier": left} if left else {}
        return renamed(kept, _RELEASED)
