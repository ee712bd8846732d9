"""CAV-MAE's pre-training: masked autoencoding and contrast (arXiv 2210.07839).

The network of the published pre-trained files, whose names its parameters have::

    model = CAVMAEPretraining()
    model.load_state_dict(read_checkpoint("audio_model.25.pth").tensors)

To fine-tune its encoders, load the same file into a
:class:`~avplug.builtin_models.cavmae.CAVMAE` with ``accept_pretrained=True``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import nn
from torch.nn import functional as F

from avplug.builtin_models.cavmae_config import EncoderConfig
from avplug.builtin_models.cavmae_encoders import JointEncoders, blocks
from avplug.builtin_models.vit import initialise, sincos_table
from avplug.core.errors import UsageError
from avplug.core.model import PerSense


@dataclass(frozen=True, slots=True)
class CAVMAEPretrainConfig(EncoderConfig):
    """Sizes and losses; the defaults are the published ones.

    See :class:`~avplug.builtin_models.cavmae_config.EncoderConfig` for the rest.

    Args:
        joint_depth: Blocks that see both senses.
        decoder_width: Of a token in the decoder.
        decoder_depth: Its blocks.
        decoder_heads: Its attention heads.
        mask_ratio: Share of each sense's patches that is hidden.
        norm_pix: Whether each patch to be restored is first normalised by itself; only
            the published ``cav-mae-base-nonorm`` was trained without.
        contrast_weight: Of the contrastive loss; the other's is 1.
        temperature: Of the contrastive loss.
    """

    title: ClassVar[str] = "CAV-MAE's pre-training"

    joint_depth: int = 1
    decoder_width: int = 512
    decoder_depth: int = 8
    decoder_heads: int = 16
    mask_ratio: float = 0.75
    norm_pix: bool = True
    contrast_weight: float = 0.01
    temperature: float = 0.05

    def __post_init__(self) -> None:
        EncoderConfig.__post_init__(self)
        if self.decoder_width % 4 or self.decoder_width % self.decoder_heads:
            raise UsageError(
                f"decoder_width {self.decoder_width} is not a multiple of 4 and of"
                f" decoder_heads {self.decoder_heads}."
            )
        if not 0 <= self.mask_ratio < 1:
            raise UsageError(f"mask_ratio {self.mask_ratio} is not in 0..1.")


@dataclass(frozen=True, slots=True, eq=False)
class PretrainingStep:
    """Losses of B clips, and what they come from.

    Args:
        loss: ``restoring.audio + restoring.video + contrast``, a scalar.
        restoring: Mean squared error over the hidden patches of each sense.
        contrast: The contrastive loss times its weight.
        matched: Share of pictures whose own sound is the nearest of the batch.
        masks: [B, N] of each sense, 1 for a hidden patch.
        restored: [B, N, values of a patch] of each sense.
        latent: [B, visible, width], both senses after the joint blocks.
        alone: [B, width] of each sense, the mean of its visible tokens after the joint
            blocks with its own norms: what is contrasted.
    """

    loss: torch.Tensor
    restoring: PerSense
    contrast: torch.Tensor
    matched: torch.Tensor
    masks: PerSense
    restored: PerSense
    latent: torch.Tensor
    alone: PerSense


class CAVMAEPretraining(JointEncoders):
    """Restores hidden patches of both senses, and matches sounds with pictures.

    Args:
        **config: Fields of :class:`CAVMAEPretrainConfig`.

    Raises:
        UsageError: An option is unknown, or a value does not fit.
    """

    mask_token: nn.Parameter
    decoder_modality_a: nn.Parameter
    decoder_modality_v: nn.Parameter
    decoder_pos_embed_a: nn.Parameter
    decoder_pos_embed_v: nn.Parameter

    def __init__(self, **config: Any) -> None:
        super().__init__()
        self.sizes = sizes = CAVMAEPretrainConfig.from_options(config)
        width = sizes.decoder_width
        self.add_encoders(sizes, audio_channels=1, trained_positions=False)
        for name in ("mask_token", "decoder_modality_a", "decoder_modality_v"):
            token = nn.Parameter(torch.empty(1, 1, width).normal_(std=0.02))
            self.register_parameter(name, token)
        for name, grid in (("a", sizes.audio_grid), ("v", sizes.image_grid)):
            table = nn.Parameter(sincos_table(*grid, width), requires_grad=False)
            self.register_parameter(f"decoder_pos_embed_{name}", table)
        self.add_joint(sizes, sizes.joint_depth)
        self.decoder_embed = nn.Linear(sizes.width, width)
        self.decoder_blocks = blocks(
            sizes, sizes.decoder_depth, width, sizes.decoder_heads
        )
        self.decoder_norm = nn.LayerNorm(width)
        area = sizes.patch_size**2
        self.decoder_pred_a = nn.Linear(width, area)
        self.decoder_pred_v = nn.Linear(width, 3 * area)
        self.apply(initialise)

    def forward(
        self,
        spectrogram: torch.Tensor,
        pictures: torch.Tensor,
        noise: PerSense | None = None,
    ) -> PretrainingStep:
        """Hide patches, restore them, contrast the senses.

        Args:
            spectrogram: [B, target_length, mel_bins], normalised; see ``spectrogram``.
            pictures: [B, 3, H, W], normalised; see ``pictures``.
            noise: [B, N] of each sense: its smallest values say which patches stay.
                Drawn uniformly if None, the sound's first.
        """
        sound, picture = self.embed_sound(spectrogram), self.embed_pictures(pictures)
        if noise is None:
            noise = PerSense(
                *(torch.rand(t.shape[:2], device=t.device) for t in (sound, picture))
            )
        heard = _Masked(sound, noise.audio, self.sizes.mask_ratio)
        seen = _Masked(picture, noise.video, self.sizes.mask_ratio)
        audio = self.encode_sound(heard.visible)
        video = self.encode_pictures(seen.visible)
        latent = self.joint(torch.cat([audio, video], 1))
        alone = PerSense(
            self.joint(audio, "_a").mean(1), self.joint(video, "_v").mean(1)
        )
        restored = self._decode(latent, heard, seen)
        patch = self.sizes.patch_size
        restoring = PerSense(
            self._error(
                patches(spectrogram.transpose(1, 2).unsqueeze(1), patch),
                restored.audio,
                heard.mask,
            ),
            self._error(patches(pictures, patch), restored.video, seen.mask),
        )
        contrast, matched = self._contrast(alone)
        return PretrainingStep(
            restoring.audio + restoring.video + contrast,
            restoring,
            contrast,
            matched,
            PerSense(heard.mask, seen.mask),
            restored,
            latent,
            alone,
        )

    def features(self, spectrogram: torch.Tensor, pictures: torch.Tensor) -> PerSense:
        """Return the tokens [B, N, width] of each sense alone, for retrieval.

        Nothing is hidden; arguments are those of :meth:`forward`.
        """
        return PerSense(
            self.joint(self.encode_sound(self.embed_sound(spectrogram)), "_a"),
            self.joint(self.encode_pictures(self.embed_pictures(pictures)), "_v"),
        )

    def _decode(self, latent: torch.Tensor, heard: _Masked, seen: _Masked) -> PerSense:
        tokens = self.decoder_embed(latent)
        kept = heard.visible.shape[1]
        audio = heard.refill(tokens[:, :kept], self.mask_token)
        video = seen.refill(tokens[:, kept:], self.mask_token)
        joined = torch.cat(
            [
                audio + self.decoder_pos_embed_a + self.decoder_modality_a,
                video + self.decoder_pos_embed_v + self.decoder_modality_v,
            ],
            1,
        )
        for block in self.decoder_blocks:
            joined = block(joined)
        joined = self.decoder_norm(joined)
        count = audio.shape[1]
        return PerSense(
            self.decoder_pred_a(joined[:, :count]),
            self.decoder_pred_v(joined[:, count:]),
        )

    def _error(
        self, wanted: torch.Tensor, restored: torch.Tensor, mask: torch.Tensor
    ) -> torch.Tensor:
        if self.sizes.norm_pix:
            variance, mean = torch.var_mean(wanted, -1, keepdim=True)
            wanted = (wanted - mean) / (variance + 1e-6).sqrt()
        errors = (restored - wanted).square().mean(-1)
        return (errors * mask).sum() / mask.sum()

    def _contrast(self, alone: PerSense) -> tuple[torch.Tensor, torch.Tensor]:
        sizes = self.sizes
        sounds, pictures = (F.normalize(x, dim=-1) for x in (alone.audio, alone.video))
        likeness = sounds @ pictures.T / sizes.temperature
        own = torch.arange(len(likeness), device=likeness.device)
        loss = -likeness.log_softmax(0).diagonal().mean()
        matched = (likeness.argmax(0) == own).float().mean()
        return sizes.contrast_weight * loss, matched


class _Masked:
    """Tokens [B, N, width] of which some stay, in the order that ``noise`` gives."""

    def __init__(self, tokens: torch.Tensor, noise: torch.Tensor, ratio: float) -> None:
        kept = int(tokens.shape[1] * (1 - ratio))
        order = noise.argsort(1)
        self._places = order.argsort(1)
        self.mask = (self._places >= kept).to(tokens.dtype)
        self.visible = _pick(tokens, order[:, :kept])

    def refill(self, tokens: torch.Tensor, filler: torch.Tensor) -> torch.Tensor:
        """Return visible tokens [B, kept, D] at their places, the filler at others."""
        hidden = self._places.shape[1] - tokens.shape[1]
        fillers = filler.expand(len(tokens), hidden, -1)
        return _pick(torch.cat([tokens, fillers], 1), self._places)


def _pick(tokens: torch.Tensor, indices: torch.Tensor) -> torch.Tensor:
    return tokens.gather(1, indices[..., None].expand(-1, -1, tokens.shape[-1]))


def patches(pictures: torch.Tensor, size: int) -> torch.Tensor:
    """Return the patches [B, N, size * size * C] of pictures [B, C, H, W].

    Row by row; inside a patch row, then column, then channel.
    """
    clips, channels, height, width = pictures.shape
    grid = pictures.view(clips, channels, height // size, size, width // size, size)
    return grid.permute(0, 2, 4, 3, 5, 1).flatten(3).flatten(1, 2)
