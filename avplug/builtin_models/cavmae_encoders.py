"""An encoder of spectrograms and one of pictures: CAV-MAE's, and EquiAV's."""

from __future__ import annotations

import torch
from torch import nn

from avplug.builtin_models.cavmae_config import EncoderConfig
from avplug.builtin_models.frontend import (
    ImageNetColours,
    check_frames,
    normalised_log_mel,
)
from avplug.builtin_models.vit import Block, PatchEmbed, sincos_table


class Encoders(nn.Module):
    """Front ends, patches, positions and blocks of each sense; to be derived from.

    Names of parameters are those of the published checkpoints, which have no common
    prefix: a derived class calls :meth:`add_encoders` after ``nn.Module.__init__``.
    """

    pos_embed_a: nn.Parameter
    pos_embed_v: nn.Parameter

    def add_encoders(
        self, sizes: EncoderConfig, *, audio_channels: int, trained_positions: bool
    ) -> None:
        """Add the parameters of both encoders.

        Args:
            sizes: Of everything.
            audio_channels: How often the spectrogram is repeated as a picture.
            trained_positions: Whether the position tables learn.
        """
        width = sizes.width
        self._sizes = sizes
        self._audio_channels = audio_channels
        self.modality_a = nn.Parameter(torch.empty(1, 1, width).normal_(std=0.02))
        self.modality_v = nn.Parameter(torch.empty(1, 1, width).normal_(std=0.02))
        for name, grid in (("a", sizes.audio_grid), ("v", sizes.image_grid)):
            table = nn.Parameter(sincos_table(*grid, width), trained_positions)
            self.register_parameter(f"pos_embed_{name}", table)
        self.patch_embed_a = PatchEmbed(audio_channels, sizes.patch_size, width)
        self.patch_embed_v = PatchEmbed(3, sizes.patch_size, width)
        self.blocks_a = blocks(sizes, sizes.depth)
        self.blocks_v = blocks(sizes, sizes.depth)
        self.colours = ImageNetColours()

    def spectrogram(
        self, waveform: torch.Tensor, lengths: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Return the normalised spectrogram [B, time, mel] of waveform [B, N]."""
        sizes = self._sizes
        return normalised_log_mel(
            waveform,
            lengths,
            frames=sizes.target_length,
            mel_bins=sizes.mel_bins,
            mean=sizes.audio_mean,
            std=sizes.audio_std,
        ).to(self.modality_a.dtype)

    def pictures(self, frames: torch.Tensor) -> torch.Tensor:
        """Return frames [B, T, 3, H, W] in 0..1 with ImageNet's mean and deviation.

        Raises:
            ValueError: The frames have another shape.
        """
        check_frames(frames, self._sizes.image_size)
        normalised: torch.Tensor = self.colours(frames)
        return normalised

    def embed_sound(self, spectrogram: torch.Tensor) -> torch.Tensor:
        """Return tokens [B, Na, width], frequency-major, of a spectrogram.

        Args:
            spectrogram: [B, time, mel], normalised.
        """
        pictures = spectrogram.transpose(1, 2).unsqueeze(1)
        patches: torch.Tensor = self.patch_embed_a(
            pictures.expand(-1, self._audio_channels, -1, -1)
        )
        return patches + self.pos_embed_a + self.modality_a

    def embed_pictures(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return tokens [B, Nv, width], row by row, of pictures [B, 3, H, W]."""
        patches: torch.Tensor = self.patch_embed_v(pictures)
        return patches + self.pos_embed_v + self.modality_v

    def encode_sound(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return embedded tokens [B, N, width] after the sound's blocks."""
        for block in self.blocks_a:
            tokens = block(tokens)
        return tokens

    def encode_pictures(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return embedded tokens [B, N, width] after the picture's blocks."""
        for block in self.blocks_v:
            tokens = block(tokens)
        return tokens


class JointEncoders(Encoders):
    """CAV-MAE's encoders with the blocks that see both senses, and the last norms."""

    def add_joint(self, sizes: EncoderConfig, depth: int) -> None:
        """Add the parameters of the joint blocks, after :meth:`add_encoders`."""
        self.blocks_u = blocks(sizes, depth)
        self.norm_a = nn.LayerNorm(sizes.width)
        self.norm_v = nn.LayerNorm(sizes.width)
        self.norm = nn.LayerNorm(sizes.width)

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


def blocks(
    sizes: EncoderConfig, depth: int, width: int = 0, heads: int = 0
) -> nn.ModuleList:
    """Return so many blocks, each with a pair of norms for every kind of input.

    ``width`` and ``heads`` are those of ``sizes`` if 0.
    """
    return nn.ModuleList(
        Block(width or sizes.width, heads or sizes.heads, sizes.mlp_ratio)
        for _ in range(depth)
    )
