"""UAVM: one network for sound and picture, on ConvNeXt features (arXiv 2208.00061).

A complete UAVM is three networks: a ConvNeXt that hears, one that sees, and
transformers over their features. The authors store the features of clean clips; of a
corrupted clip they must be computed, so that all three are here. Their weights are
published in three files, the parts of one checkpoint::

    --weights transformer=uavm.pth,audio=vgg_audio_feat.pth,visual=convnext_base.pth
"""

from __future__ import annotations

from dataclasses import asdict
from fnmatch import fnmatchcase
from typing import Any, Literal

import torch
from torch import nn
from torch.nn import functional as F

from avplug.builtin_models.convnext import ConvNeXt, from_layout
from avplug.builtin_models.frontend import (
    ImageNetColours,
    check_frames,
    normalised_log_mel,
)
from avplug.builtin_models.two_steps import TwoSteps
from avplug.builtin_models.uavm_config import UAVMConfig
from avplug.builtin_models.uavm_transformer import Transformer, without_dead
from avplug.core.batch import Batch
from avplug.core.errors import CapabilityError, WeightsError
from avplug.core.model import JointAttention, PerSense, Surface


class UAVM(TwoSteps[PerSense]):
    """UAVM and its published relatives, in any size, from sound and frames to logits.

    The ConvNeXts take one clip at a time: thirty frames are a batch, and memory does
    not grow with the clips.

    Args:
        labels: Names of the classes.
        **config: Fields of :class:`~avplug.builtin_models.uavm_config.UAVMConfig`.

    Raises:
        UsageError: An option is unknown, or a value does not fit.
    """

    def __init__(self, labels: tuple[str, ...], **config: Any) -> None:
        sizes = UAVMConfig.from_options(config)
        super().__init__(labels, **asdict(sizes))
        self.sizes = sizes
        self.input = sizes.input
        self.outputs: Literal["softmax", "sigmoid"] = sizes.outputs
        self.transformer = Transformer(sizes, len(self.labels))
        self.audio = ConvNeXt(1, sizes.conv_depths, sizes.conv_widths)
        self.visual = ConvNeXt(3, sizes.conv_depths, sizes.conv_widths)
        self.colours = ImageNetColours()

    def encode(self, batch: Batch) -> PerSense:
        """Return the tokens [B, steps, width] of each sense's transformer."""
        sizes = self.sizes
        check_frames(batch.frames, sizes.image_size)
        spectrogram = normalised_log_mel(
            batch.waveform,
            batch.lengths,
            frames=sizes.target_length,
            mel_bins=sizes.mel_bins,
            mean=sizes.audio_mean,
            std=sizes.audio_std,
        ).to(self.colours.mean.dtype)
        features = PerSense(
            self.sound_features(spectrogram),
            self.picture_features(self.colours(batch.frames)),
        )
        return self.transformer.encode(features)

    def sound_features(self, spectrogram: torch.Tensor) -> torch.Tensor:
        """Return features [B, steps, width] of normalised spectrograms [B, time, mel].

        What the ConvNeXt gives is averaged over frequency, cut or padded with zeros to
        ``steps``, and each step has length 1.
        """
        pictures = spectrogram.transpose(1, 2).unsqueeze(1)
        maps = torch.cat([self.audio(one) for one in torch.split(pictures, 1)])
        return self._fitted(maps.mean(2).transpose(1, 2))

    def picture_features(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return features [B, steps, width] of normalised pictures [B, T, 3, H, W].

        What the ConvNeXt gives is averaged over the picture, whatever its shape, cut or
        padded with zeros to ``steps``, and each step has length 1.
        """
        means = torch.stack([self.visual(frames).mean((2, 3)) for frames in pictures])
        return self._fitted(means)

    def _fitted(self, features: torch.Tensor) -> torch.Tensor:
        steps = self.sizes.steps
        padded = F.pad(
            features[:, :steps], (0, 0, 0, max(0, steps - features.shape[1]))
        )
        return F.normalize(padded, dim=-1)

    def fuse(self, tokens: PerSense) -> torch.Tensor:
        """Return logits [B, C]: the mean of both senses', or of the joint blocks."""
        return self.transformer.fuse(tokens)

    def unimodal(self, tokens: PerSense, *, padded: bool = False) -> PerSense:
        """Return logits [B, C] from the sound alone and from the pictures alone.

        ``cross-attention`` has no published answer from one sense; here its joint
        blocks are given that sense's tokens only, at their positions.

        Raises:
            CapabilityError: ``padded``, which is for CAV-MAE's joint block.
        """
        if padded:
            raise CapabilityError("UAVM is given one sense as it is, never padded.")
        return self.transformer.unimodal(tokens)

    def features(self, tokens: PerSense) -> PerSense:
        """Return the mean token [B, width] of each sense's transformer."""
        return PerSense(tokens.audio.mean(1), tokens.video.mean(1))

    def joint_attention(self, tokens: PerSense) -> JointAttention:
        """Return logits and the scores of the last joint block.

        Raises:
            CapabilityError: The fusion is not ``cross-attention``.
        """
        return self.transformer.joint_attention(tokens)

    def parameters_for(self, surface: Surface) -> dict[str, nn.Parameter]:
        """Return the named parameters of a surface; all are the transformers'.

        ``norm``: their layer norms. ``norm_early``: those of each sense's own
        transformer, without its last two blocks where no others follow.
        ``fusion_attention``: query, key and value of the joint blocks. ``classifier``:
        the heads.

        Raises:
            CapabilityError: No block sees both senses, or ``norm_unimodal``: no norm is
                there for an answer from one sense only.
        """
        if surface == "fusion_attention":
            self.transformer.check_joint()
        sizes = self.sizes
        early = sizes.depth
        if not sizes.shared_depth:
            early -= min(2, sizes.depth // 2)
        surfaces = {
            "norm": ["*.in_layernorm.*", "*.norm[12].*", "*_mlp.0.*", "*.mlp_head.0.*"],
            "norm_early": [
                "[av]_trans.in_layernorm.*",
                *(f"[av]_trans.blocks.{index}.norm[12].*" for index in range(early)),
            ],
            "fusion_attention": ["s_trans.blocks.*.attn.qkv.*"],
            "classifier": ["*_mlp.*", "*.mlp_head.*"],
        }
        if surface not in surfaces:
            return super().parameters_for(surface)
        return {
            f"transformer.{name}": parameter
            for name, parameter in self.transformer.named_parameters()
            if any(fnmatchcase(name, pattern) for pattern in surfaces[surface])
        }

    def adapt_state(self, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Map the parts of a published checkpoint to this model's names.

        Left out is what no prediction uses: some of the transformers' weights, and the
        classifiers of both ConvNeXts.

        Raises:
            WeightsError: A part is missing, as in the file of one part by itself.
        """
        parts: dict[str, dict[str, torch.Tensor]] = {
            "transformer": {},
            "audio": {},
            "visual": {},
        }
        unknown = {}
        for name, tensor in tensors.items():
            part, _, rest = name.partition(".")
            if part in parts:
                parts[part][rest] = tensor
            else:
                unknown[name] = tensor
        missing = [part for part, found in parts.items() if not found]
        if missing:
            raise WeightsError(
                f"The weights of UAVM lack its part {' and '.join(missing)}.",
                "Give all three: --weights transformer=FILE,audio=FILE,visual=FILE",
            )
        adapted = {
            "transformer": without_dead(parts["transformer"]),
            "audio": from_layout(parts["audio"], "uavm-audio"),
            "visual": from_layout(parts["visual"], "torchvision"),
        }
        used = {
            part: {k: v for k, v in found.items() if not k.startswith("classifier.")}
            for part, found in adapted.items()
        }
        unused = {part: len(parts[part]) - len(used[part]) for part in parts}
        self.ignored = {part: count for part, count in unused.items() if count}
        return unknown | {
            f"{part}.{name}": tensor
            for part, found in used.items()
            for name, tensor in found.items()
        }
