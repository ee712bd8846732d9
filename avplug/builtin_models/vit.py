"""Building blocks of the transformers that audio-visual models are made of.

Names of parameters are those of CAV-MAE's public checkpoints; models whose files say
otherwise map theirs to these.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import nn
from torch.nn import functional as F

Activation = Literal["gelu", "quick_gelu"]


class Attention(nn.Module):
    """Multi-head self-attention over tokens [B, N, width].

    Rows of ``qkv`` are query, key and value, each split into heads.

    Args:
        width: Of a token.
        heads: Equal parts of the width.
        qkv_bias: Whether query, key and value have one.
        extra_key: One more learned key and value, that every token sees
            (``bias_k`` and ``bias_v``, [1, 1, width]).
    """

    def __init__(
        self, width: int, heads: int, *, qkv_bias: bool = True, extra_key: bool = False
    ) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width, bias=qkv_bias)
        self.proj = nn.Linear(width, width)
        self.extra_key = extra_key
        if extra_key:
            self.bias_k = nn.Parameter(torch.zeros(1, 1, width))
            self.bias_v = nn.Parameter(torch.zeros(1, 1, width))

    def forward(self, tokens: torch.Tensor, *, causal: bool = False) -> torch.Tensor:
        """Return what the tokens gather from each other, [B, N, width].

        ``causal`` lets a token see itself and those before it only.
        """
        query, key, value = self._split(tokens)
        gathered = F.scaled_dot_product_attention(query, key, value, is_causal=causal)
        mixed: torch.Tensor = self.proj(gathered.transpose(1, 2).flatten(2))
        return mixed

    def scores(self, tokens: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return what ``forward`` does, and the scores [B, heads, N, N] behind it.

        A score is the scaled product of a query (row) and a key (column) before the
        softmax. Slower than ``forward`` and no substitute for it: sums are in another
        order.
        """
        query, key, value = self._split(tokens)
        scores = (query @ key.transpose(-1, -2)) * query.shape[-1] ** -0.5
        gathered = scores.softmax(-1) @ value
        return self.proj(gathered.transpose(1, 2).flatten(2)), scores

    def _split(
        self, tokens: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        split = self.qkv(tokens).unflatten(-1, (3, self.heads, -1))
        query, key, value = split.permute(2, 0, 3, 1, 4).unbind(0)
        if self.extra_key:
            key, value = (
                torch.cat([rows, self._in_heads(extra, len(tokens))], dim=2)
                for rows, extra in ((key, self.bias_k), (value, self.bias_v))
            )
        return query, key, value

    def _in_heads(self, extra: torch.Tensor, batch: int) -> torch.Tensor:
        split = extra.view(1, 1, self.heads, -1).transpose(1, 2)
        return split.expand(batch, -1, -1, -1)


class MLP(nn.Module):
    """Two linear layers with a GELU between, exact (erf) or ``x sigmoid(1.702 x)``."""

    def __init__(
        self, width: int, hidden: int, activation: Activation = "gelu"
    ) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.fc2 = nn.Linear(hidden, width)
        self.activation = activation

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return tokens of the shape given, each transformed by itself."""
        hidden = self.fc1(tokens)
        if self.activation == "gelu":
            hidden = F.gelu(hidden)
        else:
            hidden = hidden * torch.sigmoid(1.702 * hidden)
        transformed: torch.Tensor = self.fc2(hidden)
        return transformed


class Block(nn.Module):
    """A pre-norm transformer block with one pair of norms for each kind of input.

    Attention and MLP are shared; the pair says what passes through: ``norm1`` and
    ``norm2`` (anything), ``norm1_a`` and ``norm2_a`` (sound alone), ``norm1_v`` and
    ``norm2_v`` (pictures alone). CAV-MAE, arXiv 2210.07839, section 2.

    Args:
        width: Of a token.
        heads: Of the attention.
        mlp_ratio: Hidden width of the MLP over ``width``.
        norms: Suffixes of the pairs; ``("",)`` is the usual transformer block.
        eps: Of the layer norms.
        qkv_bias: See :class:`Attention`.
        extra_key: See :class:`Attention`.
        activation: Of the MLP.
    """

    def __init__(
        self,
        width: int,
        heads: int,
        mlp_ratio: float = 4.0,
        *,
        norms: tuple[str, ...] = ("", "_a", "_v"),
        eps: float = 1e-5,
        qkv_bias: bool = True,
        extra_key: bool = False,
        activation: Activation = "gelu",
    ) -> None:
        super().__init__()
        for suffix in norms:
            self.add_module(f"norm1{suffix}", nn.LayerNorm(width, eps))
        self.attn = Attention(width, heads, qkv_bias=qkv_bias, extra_key=extra_key)
        for suffix in norms:
            self.add_module(f"norm2{suffix}", nn.LayerNorm(width, eps))
        self.mlp = MLP(width, round(width * mlp_ratio), activation)

    def forward(
        self, tokens: torch.Tensor, norms: str = "", *, causal: bool = False
    ) -> torch.Tensor:
        """Return tokens [B, N, width]; ``norms`` is the suffix of a pair."""
        normed = getattr(self, f"norm1{norms}")(tokens)
        return self._finish(tokens + self.attn(normed, causal=causal), norms)

    def scores(
        self, tokens: torch.Tensor, norms: str = ""
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return what ``forward`` does, and the scores of its attention.

        See :meth:`Attention.scores`.
        """
        gathered, scores = self.attn.scores(getattr(self, f"norm1{norms}")(tokens))
        return self._finish(tokens + gathered, norms), scores

    def _finish(self, tokens: torch.Tensor, norms: str) -> torch.Tensor:
        shifted: torch.Tensor = tokens + self.mlp(
            getattr(self, f"norm2{norms}")(tokens)
        )
        return shifted


class PatchEmbed(nn.Module):
    """Cuts pictures into square patches and maps each to a token.

    Args:
        channels: Of a picture.
        patch_size: Side of a patch.
        width: Of a token.
        stride: Step between patches; ``patch_size`` if None.
        bias: Whether the map has one.
    """

    def __init__(
        self,
        channels: int,
        patch_size: int,
        width: int,
        *,
        stride: int | None = None,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.proj = nn.Conv2d(
            channels, width, patch_size, stride or patch_size, bias=bias
        )

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return tokens [B, N, width], row by row, of pictures [B, channels, H, W]."""
        grid: torch.Tensor = self.proj(pictures)
        return grid.flatten(2).transpose(1, 2)


def sincos_table(rows: int, columns: int, width: int) -> torch.Tensor:
    """Return the 2-D position table float32 [1, rows * columns, width].

    A quarter of the width each: sine and cosine of the column, then of the row, at
    frequencies from 1 down to 1/10000. ``width`` is a multiple of 4.
    """
    quarter = width // 4
    frequencies = 10_000.0 ** (-torch.arange(quarter, dtype=torch.float64) / quarter)
    places = torch.cartesian_prod(
        torch.arange(rows, dtype=torch.float64),
        torch.arange(columns, dtype=torch.float64),
    )
    row, column = (places[:, i, None] * frequencies for i in (0, 1))
    table = torch.cat([column.sin(), column.cos(), row.sin(), row.cos()], dim=1)
    return table.float()[None]


def initialise(module: nn.Module) -> None:
    """Draw start weights as masked autoencoders do; for ``Module.apply``.

    Xavier uniform for linear layers and for patch embeddings seen as such; biases of
    linear layers 0. Draws from torch's global generator.
    """
    if isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, PatchEmbed):
        nn.init.xavier_uniform_(module.proj.weight.view(module.proj.out_channels, -1))


def each_row(
    layer: Callable[[torch.Tensor], torch.Tensor], rows: torch.Tensor
) -> torch.Tensor:
    """Apply a layer to each row of [B, width] by itself.

    A matrix product of few rows picks its order of summation by their number; of one
    row it cannot, so that an answer does not depend on how many clips share a batch.
    """
    return torch.cat([layer(row) for row in torch.split(rows, 1)])
