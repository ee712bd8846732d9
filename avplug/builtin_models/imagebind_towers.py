"""ImageBind's towers for pictures and sound (arXiv 2305.05665).

Both are pre-norm transformers whose layer norms, the audio stem's apart, have an
epsilon of 1e-6. Their outputs are vectors before any scaling.
"""

from __future__ import annotations

import torch
from torch import nn

from avplug.builtin_models.vit import Block, PatchEmbed, each_row

EPS = 1e-6
#: Pictures that the vision stem takes at once; a single one is shown twice.
FRAMES = 2
#: Mel bands and frames of a spectrogram, and side and step of its patches.
MEL_BINS, MEL_FRAMES = 128, 204
_PATCH, _STRIDE = 16, 10
_AUDIO_GRID = tuple((side - _PATCH) // _STRIDE + 1 for side in (MEL_BINS, MEL_FRAMES))


class VisionTower(nn.Module):
    """A vision transformer over patches of two frames.

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
        self.stem = PatchEmbed(3 * FRAMES, patch_size, width, bias=False)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        places = 1 + (image_size // patch_size) ** 2
        self.pos_embed = nn.Parameter(torch.zeros(1, places, width))
        self.ln_pre = nn.LayerNorm(width, EPS)
        self.blocks = _blocks(width, depth, heads)
        self.ln_post = nn.LayerNorm(width, EPS)
        self.head = nn.Linear(width, output, bias=False)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return vectors [N, output].

        Args:
            pictures: Normalised, [N, 3, H, W], or pairs of frames [N, 3, 2, H, W].
        """
        if pictures.ndim == 4:
            pictures = pictures.unsqueeze(2).expand(-1, -1, FRAMES, -1, -1)
        # Frames are so many more channels: a convolution over two is one over all.
        patches = self.stem(pictures.flatten(1, 2))
        tokens = self.ln_pre(_with_class(self.cls_token, patches) + self.pos_embed)
        for block in self.blocks:
            tokens = block(tokens)
        return each_row(self.head, self.ln_post(tokens[:, 0]))


class AudioTower(nn.Module):
    """A transformer over overlapping patches of a log-mel spectrogram.

    Its attention has one more learned key and value.

    Args:
        width: Of a token.
        depth: Blocks.
        heads: Attention heads.
        output: Length of the vector.
    """

    def __init__(self, width: int, depth: int, heads: int, output: int) -> None:
        super().__init__()
        self.stem = PatchEmbed(1, _PATCH, width, stride=_STRIDE, bias=False)
        self.stem_norm = nn.LayerNorm(width)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        places = 1 + _AUDIO_GRID[0] * _AUDIO_GRID[1]
        self.pos_embed = nn.Parameter(torch.zeros(1, places, width))
        self.blocks = _blocks(width, depth, heads, extra_key=True)
        self.ln_post = nn.LayerNorm(width, EPS)
        self.head = nn.Linear(width, output, bias=False)

    def forward(self, spectrograms: torch.Tensor) -> torch.Tensor:
        """Return vectors [N, output] of normalised spectrograms [N, 1, 128, 204]."""
        patches = self.stem_norm(self.stem(spectrograms))
        tokens = _with_class(self.cls_token, patches) + self.pos_embed
        for block in self.blocks:
            tokens = block(tokens)
        return each_row(self.head, self.ln_post(tokens[:, 0]))


def _blocks(
    width: int, depth: int, heads: int, *, extra_key: bool = False
) -> nn.ModuleList:
    return nn.ModuleList(
        Block(width, heads, norms=("",), eps=EPS, extra_key=extra_key)
        for _ in range(depth)
    )


def _with_class(cls_token: torch.Tensor, patches: torch.Tensor) -> torch.Tensor:
    return torch.cat([cls_token.expand(len(patches), -1, -1), patches], 1)
