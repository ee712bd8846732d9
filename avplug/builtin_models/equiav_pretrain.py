"""EquiAV's pre-training: embeddings that follow augmentations (arXiv 2403.09502).

The network of the published file, whose names its parameters have::

    model = EquiAVPretraining()
    model.load_state_dict(read_checkpoint("equiav.pth").tensors)

To fine-tune its encoders, load the same file into an
:class:`~avplug.builtin_models.equiav.EquiAV` with ``accept_pretrained=True``.
An augmentation is a vector of its parameters; the authors draw them at random, here
they are arguments.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import nn
from torch.nn import functional as F

from avplug.builtin_models.cavmae_config import EncoderConfig
from avplug.builtin_models.cavmae_encoders import Encoders
from avplug.builtin_models.vit import MLP, initialise
from avplug.core.errors import UsageError
from avplug.core.model import PerSense


@dataclass(frozen=True, slots=True)
class EquiAVPretrainConfig(EncoderConfig):
    """Sizes; the defaults are the published ones.

    See :class:`~avplug.builtin_models.cavmae_config.EncoderConfig` for the rest.

    Args:
        audio_parameters: Of an augmentation of the sound.
        video_parameters: Of an augmentation of the picture.
        augmentation_width: Of an encoded augmentation.
        cross_heads: Attention heads that join tokens and augmentations ...
        cross_head_width: ... and the width of each.
        projection: Width of an embedding ...
        projection_hidden: ... and of the two layers before it.
    """

    title: ClassVar[str] = "EquiAV's pre-training"

    depth: int = 12
    audio_mean: float = -4.346
    audio_std: float = 4.332
    audio_parameters: int = 24
    video_parameters: int = 18
    augmentation_width: int = 256
    cross_heads: int = 8
    cross_head_width: int = 64
    projection: int = 512
    projection_hidden: int = 2048

    def __post_init__(self) -> None:
        EncoderConfig.__post_init__(self)
        for name in ("audio_parameters", "video_parameters", "projection"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} is {getattr(self, name)}, at least 1 needed.")


@dataclass(frozen=True, slots=True, eq=False)
class Embeddings:
    """Embeddings [B, projection] of both senses, to be compared in a loss.

    Args:
        invariant: Of the clip, whatever the augmentation; compared between senses.
        equivariant: Of the clip, moved as one augmentation says ...
        augmented: ... and of the clip that was so augmented; compared within a sense.
    """

    invariant: PerSense
    equivariant: PerSense
    augmented: PerSense


class EquiAVPretraining(Encoders):
    """Encoders, and heads that move an embedding as an augmentation moves the clip.

    Args:
        **config: Fields of :class:`EquiAVPretrainConfig`.

    Raises:
        UsageError: An option is unknown, or a value does not fit.
    """

    def __init__(self, **config: Any) -> None:
        super().__init__()
        self.sizes = sizes = EquiAVPretrainConfig.from_options(config)
        self.add_encoders(sizes, audio_channels=3, trained_positions=False)
        width = sizes.width
        for name in ("norm_a", "norm_v", "norm_a_aug", "norm_v_aug"):
            self.add_module(name, nn.LayerNorm(width))
        self.aug_encoder_a = _augmentation_encoder(sizes.audio_parameters, sizes)
        self.aug_encoder_v = _augmentation_encoder(sizes.video_parameters, sizes)
        self.cross_attn_a = _Mover(sizes)
        self.cross_attn_v = _Mover(sizes)
        for name in ("pred_a_intra", "pred_v_intra", "pred_a_inter", "pred_v_inter"):
            self.add_module(
                name, _Head(width, sizes.projection_hidden, sizes.projection)
            )
        self.apply(initialise)

    def encode(
        self,
        spectrogram: torch.Tensor,
        pictures: torch.Tensor,
        *,
        augmented: bool = False,
    ) -> PerSense:
        """Return tokens [B, N, width] of each sense.

        Args:
            spectrogram: [B, target_length, mel_bins], normalised; see ``spectrogram``.
            pictures: [B, 3, H, W], normalised; see ``pictures``.
            augmented: Whether they are the augmented view, which has its own norms.
        """
        suffix = "_aug" if augmented else ""
        audio = self.encode_sound(self.embed_sound(spectrogram))
        video = self.encode_pictures(self.embed_pictures(pictures))
        return PerSense(
            self.get_submodule(f"norm_a{suffix}")(audio),
            self.get_submodule(f"norm_v{suffix}")(video),
        )

    def forward(
        self, tokens: PerSense, augmented: PerSense, one: PerSense, several: PerSense
    ) -> Embeddings:
        """Return embeddings of clips.

        Args:
            tokens: [B, N, width] of each sense, from :meth:`encode` ...
            augmented: ... and those of the augmented view.
            one: [B, parameters], the augmentation that made that view.
            several: [B, n, parameters], others, whose average the invariant embedding
                is; the published n is 16.
        """
        senses = [
            self._embed(side, *given)
            for side, given in (
                ("a", (tokens.audio, augmented.audio, one.audio, several.audio)),
                ("v", (tokens.video, augmented.video, one.video, several.video)),
            )
        ]
        return Embeddings(*(PerSense(*pair) for pair in zip(*senses, strict=True)))

    def _embed(
        self,
        side: str,
        tokens: torch.Tensor,
        augmented: torch.Tensor,
        one: torch.Tensor,
        several: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        encoder = self.get_submodule(f"aug_encoder_{side}")
        move = self.get_submodule(f"cross_attn_{side}")
        inter = self.get_submodule(f"pred_{side}_inter")
        intra = self.get_submodule(f"pred_{side}_intra")
        return (
            inter(move(tokens, encoder(several))),
            intra(move(tokens, encoder(one[:, None]))),
            intra(augmented.mean(1)),
        )


class _QuickGELU(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * torch.sigmoid(1.702 * x)


def _augmentation_encoder(
    parameters: int, sizes: EquiAVPretrainConfig
) -> nn.Sequential:
    width = sizes.augmentation_width
    return nn.Sequential(
        nn.Linear(parameters, width),
        _QuickGELU(),
        nn.Linear(width, width),
        _QuickGELU(),
        nn.Linear(width, width),
    )


class _CrossAttention(nn.Module):
    """Augmentations [B, n, A] ask tokens [B, N, width]; gives [B, n, width]."""

    def __init__(self, sizes: EquiAVPretrainConfig) -> None:
        super().__init__()
        inner = sizes.cross_heads * sizes.cross_head_width
        self.heads = sizes.cross_heads
        self.to_q = nn.Linear(sizes.augmentation_width, inner)
        self.to_k = nn.Linear(sizes.width, inner)
        self.to_v = nn.Linear(sizes.width, inner)
        self.to_out = nn.Linear(inner, sizes.width, bias=False)

    def forward(
        self, augmentations: torch.Tensor, tokens: torch.Tensor
    ) -> torch.Tensor:
        query, key, value = (
            x.view(*x.shape[:2], self.heads, -1).transpose(1, 2)
            for x in (self.to_q(augmentations), self.to_k(tokens), self.to_v(tokens))
        )
        gathered = F.scaled_dot_product_attention(query, key, value)
        mixed: torch.Tensor = self.to_out(gathered.transpose(1, 2).flatten(2))
        return mixed


class _Mover(nn.Module):
    """The mean token, moved as augmentations say; averaged over them: [B, width]."""

    def __init__(self, sizes: EquiAVPretrainConfig) -> None:
        super().__init__()
        width = sizes.width
        self.norm_aug = nn.LayerNorm(sizes.augmentation_width)
        self.attn = _CrossAttention(sizes)
        self.norm = nn.LayerNorm(width)
        self.mlp = MLP(width, round(width * sizes.mlp_ratio))

    def forward(
        self, tokens: torch.Tensor, augmentations: torch.Tensor
    ) -> torch.Tensor:
        gathered = self.attn(self.norm_aug(augmentations), tokens)
        moved = tokens.mean(1, keepdim=True) + gathered
        shifted: torch.Tensor = moved + self.mlp(self.norm(moved))
        return shifted.mean(1)


class _Head(nn.Module):
    """Three linear layers, each followed by a layer norm."""

    def __init__(self, width: int, hidden: int, projection: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.norm1 = nn.LayerNorm(hidden)
        self.fc2 = nn.Linear(hidden, hidden)
        self.norm2 = nn.LayerNorm(hidden)
        self.fc3 = nn.Linear(hidden, projection)
        self.norm3 = nn.LayerNorm(projection)

    def forward(self, vectors: torch.Tensor) -> torch.Tensor:
        hidden = F.relu(self.norm1(self.fc1(vectors)))
        hidden = F.relu(self.norm2(self.fc2(hidden)))
        embedding: torch.Tensor = self.norm3(self.fc3(hidden))
        return embedding
