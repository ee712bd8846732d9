"""ImageBind: pictures, sound and text in one space (arXiv 2305.05665).

Its published weights may be used for non-commercial purposes only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import torch
from torch import nn
from torch.nn import functional as F

from avplug.builtin_models.clip_towers import TextTower
from avplug.builtin_models.frontend import SAMPLE_RATE, normalised_log_mel
from avplug.builtin_models.imagebind_config import (
    MASK,
    NAMES,
    ImageBindConfig,
    other_senses,
)
from avplug.builtin_models.imagebind_towers import (
    EPS,
    MEL_BINS,
    MEL_FRAMES,
    AudioTower,
    VisionTower,
)
from avplug.builtin_models.renaming import renamed
from avplug.builtin_models.zero_shot import Sense, Tower, ZeroShot

#: Excerpts of a clip's sound that are heard, and their length in samples: two seconds.
EXCERPTS, EXCERPT = 3, 2 * SAMPLE_RATE
#: Of log-mel spectrograms over the training data. One deviation, where CAV-MAE and
#: the spectrogram transformer before it divide by two.
_MEAN, _STD = -4.268, 9.138
_LARGEST_SCALE = 100.0
#: Published tensors whose axes are arranged in another way.
_STEM = "modality_preprocessors.vision.rgbt_stem.proj.1.weight"
_HEAD = "modality_heads.text.proj.1.weight"
_PLACES = "modality_preprocessors.text.pos_embed"


class ImageBind(ZeroShot):
    """ImageBind in any size, with the towers for pictures, sound and text.

    Args:
        labels: Names of the classes.
        **config: Fields of :class:`ImageBindConfig`.

    Raises:
        UsageError: An option is unknown, or a value does not fit.
    """

    towers: ClassVar[Mapping[Tower, tuple[str, ...]]] = {
        "audio": ("audio",),
        "visual": ("vision",),
        "text": ("text",),
    }
    sample_rate = SAMPLE_RATE
    channels: ClassVar[Literal["first", "mean"]] = "first"
    truncates = True

    log_audio_scale: torch.Tensor

    def __init__(self, labels: tuple[str, ...], **config: Any) -> None:
        sizes = ImageBindConfig.from_options(config)
        super().__init__(labels, sizes, image_size=sizes.image_size)
        self.vision = VisionTower(
            sizes.image_size,
            sizes.patch_size,
            sizes.vision_width,
            sizes.vision_depth,
            sizes.vision_heads,
            sizes.output,
        )
        self.audio = AudioTower(
            sizes.audio_width, sizes.audio_depth, sizes.audio_heads, sizes.output
        )
        self.text = TextTower(
            sizes.text_width,
            sizes.text_depth,
            sizes.text_heads,
            sizes.output,
            sizes.text_ids,
            eps=EPS,
            activation="gelu",
        )
        self.log_text_scale = nn.Parameter(torch.tensor(1 / 0.07).log())
        self.register_buffer("log_audio_scale", torch.tensor(20.0).log())

    def spectrograms(
        self, waveform: torch.Tensor, lengths: torch.Tensor
    ) -> torch.Tensor:
        """Return the normalised spectrograms of three excerpts, [B, 3, 1, 128, 204].

        Excerpts of two seconds begin at the start of the clip, in the middle of what
        is left, and two seconds before the end; of a shorter clip all three are the
        whole. Padding is 0 before the normalisation.

        The published code takes its mean off each excerpt in place, and so off what
        it shares with the next: that leaves a step in some frames. Here every frame
        loses its own mean and no excerpt touches another.

        Args:
            waveform: float [B, N] at 16 kHz, nominally -1..1.
            lengths: int64 [B], samples of each clip before its padding.
        """
        padded = F.pad(waveform, (0, max(0, EXCERPT - waveform.shape[1])))
        count = torch.arange(EXCERPTS, device=waveform.device)
        slack = (lengths - EXCERPT).clamp(min=0)[:, None]
        starts = (count * slack).div(EXCERPTS - 1, rounding_mode="floor")
        within = torch.arange(EXCERPT, device=waveform.device)
        places = (starts[..., None] + within).flatten(1)
        excerpts = padded.gather(1, places).view(-1, EXCERPT)
        logs = normalised_log_mel(
            excerpts,
            lengths.clamp(max=EXCERPT).repeat_interleave(EXCERPTS),
            frames=MEL_FRAMES,
            mel_bins=MEL_BINS,
            mean=_MEAN,
            std=_STD,
        )
        bands_first = logs.to(self.audio.pos_embed.dtype).transpose(1, 2)
        return bands_first.reshape(-1, EXCERPTS, 1, MEL_BINS, MEL_FRAMES)

    def embed_sound(
        self, waveform: torch.Tensor, lengths: torch.Tensor
    ) -> torch.Tensor:
        """Return vectors [B, output] of waveform [B, N]; see :meth:`hear`."""
        return self.hear(self.spectrograms(waveform, lengths))

    def hear(self, spectrograms: torch.Tensor) -> torch.Tensor:
        """Return vectors [B, output] of normalised [B, excerpts, 1, 128, 204].

        Of each excerpt a vector of length 20; their mean is not made that long again.
        """
        vectors = F.normalize(self.audio(spectrograms.flatten(0, 1)), dim=-1)
        scaled = vectors * self.log_audio_scale.exp().clamp(max=_LARGEST_SCALE)
        return scaled.view(*spectrograms.shape[:2], -1).mean(1)

    def embed_pictures(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return unit vectors [N, output] of normalised pictures [N, 3, H, W]."""
        return F.normalize(self.vision(pictures), dim=-1)

    def embed_texts(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return vectors [K, output] of ids int64 [K, 77], as long as ``scale`` is."""
        return F.normalize(self.text(tokens), dim=-1) * self.scale("visual")

    def scale(self, sense: Sense) -> torch.Tensor:
        """Return the text tower's learned factor, at most 100.

        The sound's own factor of 20 is not in it: both together saturate a softmax.
        """
        return self.log_text_scale.exp().clamp(max=_LARGEST_SCALE)

    def adapt_state(self, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Return the tensors of a published checkpoint by this model's names.

        The text tower's mask, which is a constant, and the towers of other senses are
        left out.
        """
        others = other_senses(tensors)
        left_out = {f"{sense} tower": count for sense, count in others.items()}
        self.ignored = left_out | ({"text mask": 1} if MASK in tensors else {})
        mapped = renamed(
            {
                name: tensor
                for name, tensor in tensors.items()
                if name != MASK and not other_senses([name])
            },
            NAMES,
        )
        if _STEM in tensors:
            mapped["vision.stem.proj.weight"] = tensors[_STEM].flatten(1, 2)
        if _HEAD in tensors:
            mapped["text.projection"] = tensors[_HEAD].T
        if _PLACES in tensors:
            mapped["text.positional_embedding"] = tensors[_PLACES].squeeze(0)
        return mapped
