"""CAV-MAE, fine-tuned: an encoder per modality and a joint block (arXiv 2210.07839)."""

from __future__ import annotations

import math
import re
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import Any, Literal

import torch
from torch import nn
from torch.nn import functional as F

from avplug.builtin_models.cavmae_config import SAMPLE_RATE, CAVMAEConfig, Mode
from avplug.builtin_models.vit import (
    Block,
    PatchEmbed,
    each_row,
    initialise,
    sincos_table,
)
from avplug.core.batch import Batch
from avplug.core.model import Model, Surface
from avplug.signal.fbank import log_mel

#: Modalities that each mode uses, and the norms of each pass through the joint block;
#: the pooled vectors of two passes are averaged.
_MODES: dict[Mode, tuple[str, tuple[str, ...]]] = {
    "multimodal": ("av", ("",)),
    "audioonly": ("a", ("_a",)),
    "videoonly": ("v", ("_v",)),
    "missingaudioonly": ("a", ("", "_a")),
    "missingvideoonly": ("v", ("", "_v")),
}
#: Separate query, key and value that READ's training code adds and never trains.
_READ_EXTRAS = re.compile(r"blocks_u\.\d+\.attn\.[qkv]\.(weight|bias)")


@dataclass(frozen=True, slots=True, eq=False)
class Tokens:
    """What the encoders say of B clips; None for a modality that the mode leaves out.

    Args:
        audio: [B, Na, width], frequency-major.
        video: [B, T, Nv, width], row by row in each of T frames.
    """

    audio: torch.Tensor | None
    video: torch.Tensor | None


class CAVMAE(Model):
    """The fine-tuned CAV-MAE, in any size.

    Parameters are named as in the public checkpoints. On a CPU the logits of a clip are
    the same, bit for bit, whatever the batch that it is in.

    Args:
        labels: Names of the classes.
        **config: Fields of :class:`CAVMAEConfig`.

    Raises:
        UsageError: An option is unknown, or a value does not fit.
    """

    image_mean: torch.Tensor
    image_std: torch.Tensor

    def __init__(self, labels: tuple[str, ...], **config: Any) -> None:
        sizes = CAVMAEConfig.from_options(config)
        super().__init__(labels, **asdict(sizes))
        self.sizes = sizes
        self.input = sizes.input
        self.outputs: Literal["softmax", "sigmoid"] = sizes.outputs
        width = sizes.width
        self.modality_a = nn.Parameter(torch.empty(1, 1, width).normal_(std=0.02))
        self.modality_v = nn.Parameter(torch.empty(1, 1, width).normal_(std=0.02))
        self.pos_embed_a = nn.Parameter(sincos_table(*sizes.audio_grid, width))
        self.pos_embed_v = nn.Parameter(sincos_table(*sizes.image_grid, width))
        self.patch_embed_a = PatchEmbed(1, sizes.patch_size, width)
        self.patch_embed_v = PatchEmbed(3, sizes.patch_size, width)
        self.blocks_a = self._blocks(sizes.depth)
        self.blocks_v = self._blocks(sizes.depth)
        self.blocks_u = self._blocks(sizes.joint_depth)
        self.norm_a = nn.LayerNorm(width)
        self.norm_v = nn.LayerNorm(width)
        self.norm = nn.LayerNorm(width)
        self.mlp_head = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, len(self.labels))
        )
        colours = {
            "image_mean": (0.485, 0.456, 0.406),
            "image_std": (0.229, 0.224, 0.225),
        }
        for name, values in colours.items():
            channels = torch.tensor(values).view(3, 1, 1)
            self.register_buffer(name, channels, persistent=False)
        self.apply(initialise)

    def _blocks(self, depth: int) -> nn.ModuleList:
        sizes = self.sizes
        return nn.ModuleList(
            Block(sizes.width, sizes.heads, sizes.mlp_ratio) for _ in range(depth)
        )

    def forward(self, frames: torch.Tensor, waveform: torch.Tensor) -> torch.Tensor:
        """Return logits [B, C] of frames [B, T, 3, H, W] in 0..1 and waveform [B, N].

        Every sample counts as sound; :meth:`classify` knows where padding begins.

        Raises:
            ValueError: A tensor has another shape.
        """
        return self.fuse(self._encode(frames, waveform, None))

    def classify(self, batch: Batch) -> torch.Tensor:
        """Return logits [B, C].

        Raises:
            ValueError: A tensor has another shape.
        """
        return self.fuse(self.encode(batch))

    def encode(self, batch: Batch) -> Tokens:
        """Return the tokens before the joint block."""
        return self._encode(batch.frames, batch.waveform, batch.lengths)

    def _encode(
        self,
        frames: torch.Tensor,
        waveform: torch.Tensor,
        lengths: torch.Tensor | None,
    ) -> Tokens:
        used, _ = _MODES[self.sizes.mode]
        return self.encode_views(
            self.spectrogram(waveform, lengths) if "a" in used else None,
            self.pictures(frames) if "v" in used else None,
        )

    def spectrogram(
        self, waveform: torch.Tensor, lengths: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Return the normalised spectrogram [B, time, mel] of waveform [B, N].

        Padding is 0 before the normalisation, hence louder than the average after it:
        published weights expect that.
        """
        sizes = self.sizes
        logs = log_mel(
            waveform,
            lengths,
            frames=sizes.target_length,
            sample_rate=SAMPLE_RATE,
            mel_bins=sizes.mel_bins,
        )
        return ((logs - sizes.audio_mean) / sizes.audio_std).to(self.norm.weight.dtype)

    def pictures(self, frames: torch.Tensor) -> torch.Tensor:
        """Return frames [B, T, 3, H, W] in 0..1 with ImageNet's mean and deviation.

        Raises:
            ValueError: The frames have another shape.
        """
        side = self.sizes.image_size
        if frames.ndim != 5 or frames.shape[2:] != (3, side, side):
            raise ValueError(
                f"Expected frames [B, T, 3, {side}, {side}], got {list(frames.shape)}."
            )
        return (frames.to(self.norm.weight.dtype) - self.image_mean) / self.image_std

    def encode_views(
        self, spectrogram: torch.Tensor | None, pictures: torch.Tensor | None
    ) -> Tokens:
        """Return the tokens before the joint block, of inputs already normalised.

        Args:
            spectrogram: [B, target_length, mel_bins], or None without sound.
            pictures: [B, T, 3, H, W], or None without pictures.
        """
        audio = video = None
        if spectrogram is not None:
            audio = self.patch_embed_a(spectrogram.transpose(1, 2).unsqueeze(1))
            audio = audio + self.pos_embed_a + self.modality_a
            for block in self.blocks_a:
                audio = block(audio)
        if pictures is not None:
            video = self.patch_embed_v(pictures.flatten(0, 1))
            video = video + self.pos_embed_v + self.modality_v
            for block in self.blocks_v:
                video = block(video)
            video = video.unflatten(0, pictures.shape[:2])
        return Tokens(audio, video)

    def fuse(self, tokens: Tokens) -> torch.Tensor:
        """Return logits [B, C] of tokens.

        Of several frames the probabilities are averaged, and what comes back gives
        that average through ``outputs``: its logarithm for softmax, its log-odds for
        sigmoid.
        """
        if tokens.video is None:
            assert tokens.audio is not None
            return self._logits(tokens.audio)
        count = tokens.video.shape[1]
        joined = tokens.video.flatten(0, 1)
        if tokens.audio is not None:
            heard = tokens.audio.repeat_interleave(count, 0)
            joined = torch.cat([heard, joined], 1)
        logits = self._logits(joined)
        return (
            logits
            if count == 1
            else self._average(logits.view(-1, count, logits.shape[1]))
        )

    def joint(self, tokens: torch.Tensor, norms: str = "") -> torch.Tensor:
        """Return tokens [B, N, width] after the joint blocks and the final norm.

        Args:
            tokens: [B, N, width], the sound's first.
            norms: ``""`` for both modalities, ``"_a"`` or ``"_v"`` for one alone.
        """
        for block in self.blocks_u:
            tokens = block(tokens, norms)
        normed: torch.Tensor = getattr(self, f"norm{norms}")(tokens)
        return normed

    def _logits(self, tokens: torch.Tensor) -> torch.Tensor:
        _, passes = _MODES[self.sizes.mode]
        pooled = [self.joint(tokens, norms).mean(1) for norms in passes]
        return each_row(self.mlp_head, sum(pooled[1:], pooled[0]) / len(pooled))

    def _average(self, logits: torch.Tensor) -> torch.Tensor:
        """Return logits [B, C] of the mean probability over logits [B, T, C]."""
        if self.outputs == "softmax":
            return logits.log_softmax(-1).logsumexp(1) - math.log(logits.shape[1])
        return F.logsigmoid(logits).logsumexp(1) - F.logsigmoid(-logits).logsumexp(1)

    def parameters_for(self, surface: Surface) -> dict[str, nn.Parameter]:
        """Return the named parameters of a surface.

        ``norm``: the layer norms that the mode uses. ``fusion_attention``: query, key
        and value of the joint blocks. ``classifier``: the head.
        """
        used, passes = _MODES[self.sizes.mode]
        patterns = {
            "norm": [
                *(f"blocks_{modality}.*.norm[12].*" for modality in used),
                *(f"blocks_u.*.norm[12]{norms}.*" for norms in passes),
                *(f"norm{norms}.*" for norms in passes),
                "mlp_head.0.*",
            ],
            "fusion_attention": ["blocks_u.*.attn.qkv.*"],
            "classifier": ["mlp_head.*"],
        }[surface]
        return {
            name: parameter
            for name, parameter in self.named_parameters()
            if any(fnmatchcase(name, pattern) for pattern in patterns)
        }

    def adapt_state(self, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Return the tensors of a checkpoint without those that READ's code adds."""
        return {k: v for k, v in tensors.items() if not _READ_EXTRAS.fullmatch(k)}
