"""CLIP ViT-B/32: pictures and texts in one space (arXiv 2103.00020).

It hears nothing; it is here as the visual half of Wav2CLIP, and as a control that shows
what the picture alone is worth.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import nn

from avplug.builtin_models.clip_towers import (
    PictureTower,
    TextTower,
    clip_names,
    count_extras,
)
from avplug.builtin_models.options import multiple_of
from avplug.builtin_models.zero_shot import Sense, Tower, ZeroShot
from avplug.builtin_models.zero_shot_config import Fusion, ZeroShotConfig

#: Largest factor of a cosine, as CLIP was trained.
_LARGEST_SCALE = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CLIPConfig(ZeroShotConfig):
    """Sizes and options of CLIP; the defaults are ViT-B/32's.

    Args:
        image_size: Side of the square picture in pixels.
        patch_size: Side of a patch in pixels.
        width: Of a picture's token.
        depth: Blocks of the picture tower.
        heads: Its attention heads.
        text_width: Of a text's token.
        text_depth: Blocks of the text tower.
        text_heads: Its attention heads.
        text_ids: Size of the vocabulary.
        output: Length of the vectors that are compared.

    Raises:
        UsageError: A value is unknown or does not fit the others.
    """

    title: ClassVar[str] = "CLIP"

    fusion: Fusion = "visual"
    templates: tuple[str, ...] = ("a photo of {}",)
    image_size: int = 224
    patch_size: int = 32
    width: int = 768
    depth: int = 12
    heads: int = 12
    text_width: int = 512
    text_depth: int = 12
    text_heads: int = 8
    text_ids: int = 49_408
    output: int = 512

    def __post_init__(self) -> None:
        # Without arguments super() would look for the class that slots replaced.
        ZeroShotConfig.__post_init__(self)
        multiple_of(self, "image_size", "patch_size")
        multiple_of(self, "width", "heads")
        multiple_of(self, "text_width", "text_heads")


class CLIP(ZeroShot):
    """CLIP with a vision transformer, in any size.

    OpenAI's files load, in half precision too, and Hugging Face's.

    Args:
        labels: Names of the classes.
        **config: Fields of :class:`CLIPConfig`.

    Raises:
        UsageError: An option is unknown, or a value does not fit.
    """

    configuration: ClassVar[type[CLIPConfig]] = CLIPConfig
    towers: ClassVar[Mapping[Tower, tuple[str, ...]]] = {
        "visual": ("visual",),
        "text": ("text",),
    }

    def __init__(self, labels: tuple[str, ...], **config: Any) -> None:
        sizes = self.configuration.from_options(config)
        super().__init__(labels, sizes, image_size=sizes.image_size)
        self.visual = PictureTower(
            sizes.image_size,
            sizes.patch_size,
            sizes.width,
            sizes.depth,
            sizes.heads,
            sizes.output,
        )
        self.text = TextTower(
            sizes.text_width,
            sizes.text_depth,
            sizes.text_heads,
            sizes.output,
            sizes.text_ids,
        )
        self.logit_scale = nn.Parameter(torch.tensor(1 / 0.07).log())

    def embed_pictures(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return vectors [N, output] of normalised pictures [N, 3, H, W]."""
        vectors: torch.Tensor = self.visual(pictures)
        return vectors

    def embed_texts(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return vectors [K, output] of ids int64 [K, 77]."""
        vectors: torch.Tensor = self.text(tokens)
        return vectors

    def scale(self, sense: Sense) -> torch.Tensor:
        """Return the learned factor of a cosine, 100 in the published weights."""
        return self.logit_scale.exp().clamp(max=_LARGEST_SCALE)

    def adapt_state(self, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Return the tensors of a published checkpoint by this model's names."""
        extras = count_extras(tensors)
        self.ignored = {"facts": extras} if extras else {}
        return clip_names(tensors)
