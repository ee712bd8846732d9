"""AudioCLIP: sounds, pictures and texts in one space (arXiv 2106.13043)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, get_args

import torch
from torch import nn

from avplug.builtin_models.audioclip_sound import ESResNeXt, Scaling, scaled
from avplug.builtin_models.clip_towers import OPENAI_TEXT, TextTower
from avplug.builtin_models.lengths import each_length
from avplug.builtin_models.options import multiple_of, one_of
from avplug.builtin_models.renaming import renamed
from avplug.builtin_models.resnet import CLIP_RESNET50, RESNEXT50, CLIPResNet
from avplug.builtin_models.zero_shot import Sense, Tower, ZeroShot
from avplug.builtin_models.zero_shot_config import ZeroShotConfig

#: An empty tensor that the transform has in the public checkpoints.
_EMPTY = "audio.fbsp.bias"
#: Bounds of the factors of cosines, as the public code has them.
_SCALES = (1.0, 100.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioCLIPConfig(ZeroShotConfig):
    """Sizes and options of AudioCLIP; the defaults are the published model's.

    Args:
        scaling: Range in which the audio tower is given the sound; see
            :func:`~avplug.builtin_models.audioclip_sound.scaled`.
        image_size: Side of the square picture in pixels, a multiple of 32.
        visual_width: Of the picture tower's first stage, a multiple of 16.
        visual_depths: Blocks in each of its four stages.
        audio_width: Of the audio tower's first stage, a multiple of 16.
        audio_depths: Blocks in each of its four stages.
        text_width: Of a text's token.
        text_depth: Blocks of the text tower.
        text_heads: Its attention heads.
        text_ids: Size of the vocabulary.
        output: Length of the vectors that are compared.

    Raises:
        UsageError: A value is unknown or does not fit the others.
    """

    title: ClassVar[str] = "AudioCLIP"

    scaling: Scaling = "int16"
    image_size: int = 224
    visual_width: int = 64
    visual_depths: tuple[int, ...] = (3, 4, 6, 3)
    audio_width: int = 64
    audio_depths: tuple[int, ...] = (3, 4, 6, 3)
    text_width: int = 512
    text_depth: int = 12
    text_heads: int = 8
    text_ids: int = 49_408
    output: int = 1024

    def __post_init__(self) -> None:
        # Without arguments super() would look for the class that slots replaced.
        ZeroShotConfig.__post_init__(self)
        one_of("scaling", self.scaling, get_args(Scaling))
        multiple_of(self, "image_size", 32)
        multiple_of(self, "visual_width", 16)
        multiple_of(self, "audio_width", 16)
        multiple_of(self, "text_width", "text_heads")


class AudioCLIP(ZeroShot):
    """AudioCLIP, in any size: CLIP's ResNet-50, its text tower, and an ESResNeXt.

    Sounds of any length are heard whole, each as if it were alone in its batch; the
    authors' own protocol is five seconds (``seconds=5``). Gradients reach the waveform,
    which they do not in the public code, and the numbers are the same.

    Args:
        labels: Names of the classes.
        **config: Fields of :class:`AudioCLIPConfig`.

    Raises:
        UsageError: An option is unknown, or a value does not fit.
    """

    towers: ClassVar[Mapping[Tower, tuple[str, ...]]] = {
        "audio": ("audio",),
        "visual": ("visual",),
        "text": ("text",),
    }
    sample_rate: ClassVar[int] = 44_100

    def __init__(self, labels: tuple[str, ...], **config: Any) -> None:
        sizes = AudioCLIPConfig.from_options(config)
        super().__init__(labels, sizes, image_size=sizes.image_size)
        self.scaling = sizes.scaling
        self.audio = ESResNeXt(
            replace(RESNEXT50, depths=sizes.audio_depths, width=sizes.audio_width),
            sizes.output,
        )
        self.visual = CLIPResNet(
            replace(
                CLIP_RESNET50, depths=sizes.visual_depths, width=sizes.visual_width
            ),
            size=sizes.image_size,
            outputs=sizes.output,
        )
        self.text = TextTower(
            sizes.text_width,
            sizes.text_depth,
            sizes.text_heads,
            sizes.output,
            sizes.text_ids,
        )
        self.logit_scale = nn.Parameter(torch.tensor(1.0))
        self.logit_scale_ai = nn.Parameter(torch.tensor(math.log(100)))
        self.logit_scale_at = nn.Parameter(torch.tensor(math.log(100)))

    def embed_sound(
        self, waveform: torch.Tensor, lengths: torch.Tensor
    ) -> torch.Tensor:
        """Return vectors [B, output] of waveform [B, N] in -1..1 at 44.1 kHz."""

        def encode(whole: torch.Tensor) -> torch.Tensor:
            sound = scaled(whole, self.scaling).unsqueeze(1)
            vectors: torch.Tensor = self.audio(sound)
            return vectors

        return each_length(encode, waveform, lengths)

    def embed_pictures(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return vectors [N, output] of normalised pictures [N, 3, H, W]."""
        vectors: torch.Tensor = self.visual(pictures)
        return vectors

    def embed_texts(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return vectors [K, output] of ids int64 [K, 77]."""
        vectors: torch.Tensor = self.text(tokens)
        return vectors

    def scale(self, sense: Sense) -> torch.Tensor:
        """Return the learned factor of a sense's cosine with a text."""
        learned = self.logit_scale_at if sense == "audio" else self.logit_scale
        return learned.exp().clamp(*_SCALES)

    def audio_visual_scale(self) -> torch.Tensor:
        """Return the learned factor of a sound's cosine with a picture."""
        return self.logit_scale_ai.exp().clamp(*_SCALES)

    def adapt_state(self, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Return the tensors of a published checkpoint by this model's names.

        The audio and picture towers have the published names already.
        """
        kept = {n: t for n, t in tensors.items() if n != _EMPTY or t.numel()}
        left = len(tensors) - len(kept)
        self.ignored = {"empty tensors": left} if left else {}
        return renamed(kept, OPENAI_TEXT)
