"""Building blocks of the vision transformers that audio-visual models are made of.

Names of parameters are those of the public checkpoints.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F


class Attention(nn.Module):
    """Multi-head self-attention over tokens [B, N, width].

    Rows of ``qkv`` are query, key and value, each split into heads.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return what the tokens gather from each other, [B, N, width]."""
        split = self.qkv(tokens).unflatten(-1, (3, self.heads, -1))
        query, key, value = split.permute(2, 0, 3, 1, 4).unbind(0)
        gathered = F.scaled_dot_product_attention(query, key, value)
        mixed: torch.Tensor = self.proj(gathered.transpose(1, 2).flatten(2))
        return mixed


class MLP(nn.Module):
    """Two linear layers with the exact (erf) GELU between."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return tokens of the shape given, each transformed by itself."""
        transformed: torch.Tensor = self.fc2(F.gelu(self.fc1(tokens)))
        return transformed


class Block(nn.Module):
    """A pre-norm transformer block with one pair of norms for each kind of input.

    Attention and MLP are shared; the pair says what passes through: ``norm1`` and
    ``norm2`` (anything), ``norm1_a`` and ``norm2_a`` (sound alone), ``norm1_v`` and
    ``norm2_v`` (pictures alone). CAV-MAE, arXiv 2210.07839, section 2.
    """

    def __init__(self, width: int, heads: int, mlp_ratio: float) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.norm1_a = nn.LayerNorm(width)
        self.norm1_v = nn.LayerNorm(width)
        self.attn = Attention(width, heads)
        self.norm2 = nn.LayerNorm(width)
        self.norm2_a = nn.LayerNorm(width)
        self.norm2_v = nn.LayerNorm(width)
        self.mlp = MLP(width, round(width * mlp_ratio))

    def forward(self, tokens: torch.Tensor, norms: str = "") -> torch.Tensor:
        """Return tokens [B, N, width]; ``norms`` is ``""``, ``"_a"`` or ``"_v"``."""
        tokens = tokens + self.attn(getattr(self, f"norm1{norms}")(tokens))
        shifted: torch.Tensor = tokens + self.mlp(
            getattr(self, f"norm2{norms}")(tokens)
        )
        return shifted


class PatchEmbed(nn.Module):
    """Cuts pictures into square patches and maps each to a token."""

    def __init__(self, channels: int, patch_size: int, width: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(channels, width, patch_size, patch_size)

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


def each_row(layer: nn.Module, rows: torch.Tensor) -> torch.Tensor:
    """Apply a layer to each row of [B, width] by itself.

    A matrix product of few rows picks its order of summation by their number; of one
    row it cannot, so that an answer does not depend on how many clips share a batch.
    """
    return torch.cat([layer(row) for row in torch.split(rows, 1)])
