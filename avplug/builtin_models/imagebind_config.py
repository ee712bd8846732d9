"""Sizes and options of ImageBind, and the names that its files give to tensors."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from avplug.builtin_models.options import multiple_of
from avplug.builtin_models.renaming import Table
from avplug.builtin_models.zero_shot_config import ZeroShotConfig

#: Published names to this package's.
NAMES: Table = (
    (r"^modality_(preprocessors|trunks|postprocessors)\.(vision|audio|text)\.", r"\2."),
    (r"^modality_heads\.(vision|audio)\.0\.", r"\1.ln_post."),
    (r"^modality_heads\.(vision|audio)\.2\.", r"\1.head."),
    (r"^modality_heads\.text\.proj\.0\.", "text.ln_final."),
    (r"^modality_heads\.text\.proj\.1\.weight$", "text.projection"),
    (r"^vision\.rgbt_stem\.proj\.1\.", "vision.stem.proj."),
    (r"^audio\.rgbt_stem\.proj\.", "audio.stem.proj."),
    (r"^audio\.rgbt_stem\.norm_layer\.", "audio.stem_norm."),
    (r"\.pos_embedding_helper\.", "."),
    (r"^vision\.pre_transformer_layer\.0\.", "vision.ln_pre."),
    (r"^text\.pos_embed$", "text.positional_embedding"),
    (r"^(audio|text)\.1\.log_logit_scale$", r"log_\1_scale"),
    (r"\.norm_([12])\.", r".norm\1."),
    (r"\.attn\.in_proj_", ".attn.qkv."),
    (r"\.attn\.out_proj\.", ".attn.proj."),
)
#: The causal mask of the text tower, which has no need to be stored.
MASK = "modality_preprocessors.text.mask"
_OTHER_SENSES = re.compile(r"modality_\w+\.(thermal|depth|imu)\.")


def other_senses(names: Iterable[str]) -> Counter[str]:
    """Return how many tensors of a file belong to each sense that is not used here."""
    matches = map(_OTHER_SENSES.match, names)
    return Counter(match[1] for match in matches if match)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageBindConfig(ZeroShotConfig):
    """Sizes and options of ImageBind; the defaults are the published huge model's.

    Args:
        image_size: Side of the square picture in pixels.
        patch_size: Side of a patch in pixels.
        vision_width: Of a picture's token.
        vision_depth: Blocks of the vision tower.
        vision_heads: Its attention heads.
        audio_width: Of a spectrogram's token.
        audio_depth: Blocks of the audio tower.
        audio_heads: Its attention heads.
        text_width: Of a text's token.
        text_depth: Blocks of the text tower.
        text_heads: Its attention heads.
        text_ids: Size of the vocabulary.
        output: Length of the vectors that are compared.

    Raises:
        UsageError: A value is unknown or does not fit the others.
    """

    title: ClassVar[str] = "ImageBind"

    image_size: int = 224
    patch_size: int = 14
    vision_width: int = 1280
    vision_depth: int = 32
    vision_heads: int = 16
    audio_width: int = 768
    audio_depth: int = 12
    audio_heads: int = 12
    text_width: int = 1024
    text_depth: int = 24
    text_heads: int = 16
    text_ids: int = 49_408
    output: int = 1024

    def __post_init__(self) -> None:
        # Without arguments super() would look for the class that slots replaced.
        ZeroShotConfig.__post_init__(self)
        multiple_of(self, "image_size", "patch_size")
        multiple_of(self, "vision_width", "vision_heads")
        multiple_of(self, "audio_width", "audio_heads")
        multiple_of(self, "text_width", "text_heads")
