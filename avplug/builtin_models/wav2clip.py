"""Wav2CLIP: an audio tower for the space of CLIP ViT-B/32 (arXiv 2110.11499)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, get_args

import torch

from avplug.builtin_models.clip import CLIP, CLIPConfig
from avplug.builtin_models.clip_towers import clip_names, count_extras
from avplug.builtin_models.lengths import each_length
from avplug.builtin_models.options import one_of
from avplug.builtin_models.renaming import Table, renamed
from avplug.builtin_models.resnet import RESNET18
from avplug.builtin_models.wav2clip_sound import (
    SHORTEST,
    Norm,
    Projection,
    SoundEncoder,
    standardised,
)
from avplug.builtin_models.zero_shot import Tower
from avplug.builtin_models.zero_shot_config import Fusion

#: Files of a checkpoint, and what is used of each: OpenAI's or Hugging Face's CLIP, and
#: of the authors' file what hears; the rest of it is left over from their training.
_CLIP_PART = "clip."
_AUDIO_PART: Table = ((r"^audio\.(?=audio_encoder\.|audio_transform\.)", ""),)
_LEFT_OVER = re.compile(r"audio\.(image_transform|loss_fn\w*)\..*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wav2CLIPConfig(CLIPConfig):
    """Sizes and options of Wav2CLIP; the defaults are the published model's.

    Args:
        norm: ``sample`` standardises the spectrogram of each clip by itself. ``batch``
            does it over all clips of a batch with their padding, as the public code
            does: a clip's answer then depends on the other clips, and on their number.
        audio_width: Of the audio tower's first stage; the last is eight times as wide.
        audio_depths: Blocks in each of its four stages.

    Raises:
        UsageError: A value is unknown or does not fit the others.
    """

    title: ClassVar[str] = "Wav2CLIP"

    fusion: Fusion = "logits-mean"
    norm: Norm = "sample"
    audio_width: int = 64
    audio_depths: tuple[int, ...] = (2, 2, 2, 2)

    def __post_init__(self) -> None:
        # Without arguments super() would look for the class that slots replaced.
        CLIPConfig.__post_init__(self)
        one_of("norm", self.norm, get_args(Norm))


class Wav2CLIP(CLIP):
    """CLIP with a ResNet18 that hears, in any size.

    Sounds of any length are heard whole. With ``norm=sample`` each is heard as if it
    were alone in its batch. A checkpoint consists of two files, the parts ``audio``
    and ``clip``.

    Args:
        labels: Names of the classes.
        **config: Fields of :class:`Wav2CLIPConfig`.

    Raises:
        UsageError: An option is unknown, or a value does not fit.
    """

    configuration: ClassVar[type[CLIPConfig]] = Wav2CLIPConfig
    towers: ClassVar[Mapping[Tower, tuple[str, ...]]] = {
        **CLIP.towers,
        "audio": ("audio_encoder", "audio_transform"),
    }

    def __init__(self, labels: tuple[str, ...], **config: Any) -> None:
        super().__init__(labels, **config)
        sizes = self.options
        assert isinstance(sizes, Wav2CLIPConfig)
        self.norm = sizes.norm
        layout = replace(RESNET18, depths=sizes.audio_depths, width=sizes.audio_width)
        self.audio_encoder = SoundEncoder(layout)
        self.audio_transform = Projection(layout.channels, sizes.output)

    def embed_sound(
        self, waveform: torch.Tensor, lengths: torch.Tensor
    ) -> torch.Tensor:
        """Return vectors [B, output] of waveform [B, N] in -1..1 at 16 kHz."""
        if self.norm == "batch":
            return self._hear(waveform)
        return each_length(self._hear, waveform, lengths, SHORTEST)

    def _hear(self, waveform: torch.Tensor) -> torch.Tensor:
        logs = self.audio_encoder.spectrogram(waveform)
        vectors: torch.Tensor = self.audio_transform(
            self.audio_encoder(standardised(logs, self.norm))
        )
        return vectors

    def adapt_state(self, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Return the tensors of the published files by this model's names."""
        clip = {
            name.removeprefix(_CLIP_PART): tensor
            for name, tensor in tensors.items()
            if name.startswith(_CLIP_PART)
        }
        rest = {
            name: tensor
            for name, tensor in tensors.items()
            if not name.startswith(_CLIP_PART) and not _LEFT_OVER.fullmatch(name)
        }
        left = sum(_LEFT_OVER.fullmatch(name) is not None for name in tensors)
        groups = {"training's rest": left, "facts": count_extras(clip)}
        self.ignored = {group: count for group, count in groups.items() if count}
        return {**clip_names(clip), **renamed(rest, _AUDIO_PART)}
