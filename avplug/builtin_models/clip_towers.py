"""CLIP's picture and text transformers, and the names that its files give them.

Radford et al., arXiv 2103.00020. AudioCLIP and ImageBind read texts in the same way.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import torch
from torch import nn

from avplug.builtin_models.renaming import Table, renamed
from avplug.builtin_models.tokenizer import CONTEXT
from avplug.builtin_models.vit import Activation, Block, PatchEmbed, each_row

#: Inside a block: OpenAI's names to :class:`~avplug.builtin_models.vit.Block`'s.
_BLOCK: Table = (
    (r"\.ln_([12])\.", r".norm\1."),
    (r"\.attn\.in_proj_", ".attn.qkv."),
    (r"\.attn\.out_proj\.", ".attn.proj."),
    (r"\.mlp\.c_fc\.", ".mlp.fc1."),
    (r"\.mlp\.c_proj\.", ".mlp.fc2."),
)
#: The text tower as OpenAI's files and AudioCLIP's name it, at the top of all names.
OPENAI_TEXT: Table = (
    (r"^transformer\.resblocks\.", "text.blocks."),
    (r"^(token_embedding|positional_embedding|ln_final)(?=\.|$)", r"text.\1"),
    (r"^text_projection$", "text.projection"),
    *_BLOCK,
)
_OPENAI: Table = (
    (r"^visual\.transformer\.resblocks\.", "visual.blocks."),
    (r"^visual\.conv1\.", "visual.patch_embed.proj."),
    *OPENAI_TEXT,
)
_HUGGING_FACE: Table = (
    (r"^vision_model\.", "visual."),
    (r"^text_model\.", "text."),
    (r"\.embeddings\.class_embedding$", ".class_embedding"),
    (r"\.embeddings\.position_embedding\.weight$", ".positional_embedding"),
    (r"\.embeddings\.patch_embedding\.", ".patch_embed.proj."),
    (r"\.embeddings\.token_embedding\.", ".token_embedding."),
    (r"\.pre_layrnorm\.", ".ln_pre."),
    (r"\.post_layernorm\.", ".ln_post."),
    (r"\.final_layer_norm\.", ".ln_final."),
    (r"\.encoder\.layers\.", ".blocks."),
    (r"\.layer_norm([12])\.", r".norm\1."),
    (r"\.self_attn\.out_proj\.", ".attn.proj."),
)
#: Facts that OpenAI's file holds as tensors, and positions that older files of Hugging
#: Face count up.
_EXTRAS = re.compile(
    r"input_resolution|context_length|vocab_size|\w+\.embeddings\.position_ids"
)
_QUERY = re.compile(r"(.+)\.self_attn\.q_proj\.(weight|bias)")
_TRANSPOSED = {
    "visual_projection.weight": "visual.proj",
    "text_projection.weight": "text.projection",
}


class PictureTower(nn.Module):
    """A vision transformer whose class token becomes the picture's vector.

    Args:
        image_size: Side of the square picture in pixels.
        patch_size: Side of a patch in pixels.
        width: Of a token.
        depth: Blocks.
        heads: Attention heads.
        output: Length of the vector.
    """

    def __init__(
        self,
        image_size: int,
        patch_size: int,
        width: int,
        depth: int,
        heads: int,
        output: int,
    ) -> None:
        super().__init__()
        tokens = 1 + (image_size // patch_size) ** 2
        scale = width**-0.5
        self.class_embedding = nn.Parameter(scale * torch.randn(width))
        self.positional_embedding = nn.Parameter(scale * torch.randn(tokens, width))
        self.proj = nn.Parameter(scale * torch.randn(width, output))
        self.patch_embed = PatchEmbed(3, patch_size, width, bias=False)
        self.ln_pre = nn.LayerNorm(width)
        self.blocks = nn.ModuleList(
            Block(width, heads, norms=("",), activation="quick_gelu")
            for _ in range(depth)
        )
        self.ln_post = nn.LayerNorm(width)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return vectors [N, output] of normalised pictures [N, 3, H, W]."""
        patches = self.patch_embed(pictures)
        first = self.class_embedding.expand(len(patches), 1, -1)
        tokens = torch.cat([first, patches], 1) + self.positional_embedding
        tokens = self.ln_pre(tokens)
        for block in self.blocks:
            tokens = block(tokens)
        return each_row(lambda row: row @ self.proj, self.ln_post(tokens[:, 0]))


class TextTower(nn.Module):
    """A causal transformer whose last token becomes the text's vector.

    Args:
        width: Of a token.
        depth: Blocks.
        heads: Attention heads.
        output: Length of the vector.
        vocabulary: Number of ids; the largest one of a text marks its end.
        eps: Of the layer norms.
        activation: Of the blocks' MLPs.
    """

    def __init__(
        self,
        width: int,
        depth: int,
        heads: int,
        output: int,
        vocabulary: int = 49_408,
        *,
        eps: float = 1e-5,
        activation: Activation = "quick_gelu",
    ) -> None:
        super().__init__()
        self.token_embedding = nn.Embedding(vocabulary, width)
        self.positional_embedding = nn.Parameter(0.01 * torch.randn(CONTEXT, width))
        self.blocks = nn.ModuleList(
            Block(width, heads, norms=("",), eps=eps, activation=activation)
            for _ in range(depth)
        )
        self.ln_final = nn.LayerNorm(width, eps)
        self.projection = nn.Parameter(width**-0.5 * torch.randn(width, output))

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Return vectors [K, output] of ids int64 [K, 77]."""
        tokens = self.token_embedding(ids) + self.positional_embedding
        for block in self.blocks:
            tokens = block(tokens, causal=True)
        last = tokens[torch.arange(len(ids), device=ids.device), ids.argmax(-1)]
        return each_row(lambda row: row @ self.projection, self.ln_final(last))


def count_extras(names: Iterable[str]) -> int:
    """Return how many tensors of a file are no weights."""
    return sum(_EXTRAS.fullmatch(name) is not None for name in names)


def clip_names(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return a published CLIP's tensors as ``visual`` and ``text`` towers name them.

    OpenAI's layout and that of Hugging Face's CLIPModel are known; names of neither
    stay as they are. What :func:`count_extras` counts is left out.
    """
    kept = {name: t for name, t in tensors.items() if not _EXTRAS.fullmatch(name)}
    if any(name.startswith("vision_model.") for name in kept):
        return renamed(_joined(kept), _HUGGING_FACE)
    return renamed(kept, _OPENAI)


def _joined(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Join Hugging Face's separate query, key and value; turn its projections."""
    result = dict(tensors)
    for name, turned in _TRANSPOSED.items():
        if name in result:
            result[turned] = result.pop(name).T
    for name in tensors:
        match = _QUERY.fullmatch(name)
        if match is None:
            continue
        block, kind = match.groups()
        names = [f"{block}.self_attn.{part}_proj.{kind}" for part in "qkv"]
        if all(part in result for part in names):
            rows = torch.cat([result.pop(part) for part in names])
            result[f"{block}.attn.qkv.{kind}"] = rows
    return result
