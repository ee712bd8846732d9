"""ConvNeXt (arXiv 2201.03545): convolutions in the manner of a transformer.

Parameters are named as in torchvision's checkpoints; :data:`LAYOUTS` maps other files.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional as F

#: Depths and widths of ConvNeXt-B's four stages.
BASE_DEPTHS = (3, 3, 27, 3)
BASE_WIDTHS = (128, 256, 512, 1024)

#: Prefixes of names in a published file, and what they are here.
LAYOUTS: dict[str, dict[str, str]] = {
    "torchvision": {"features.": "features.", "classifier.": "classifier."},
    "uavm-audio": {"model.0.": "features.", "model.2.": "classifier."},
}
_EPS = 1e-6


class ConvNeXt(nn.Module):
    """Four stages, each at half the resolution of the one before.

    Args:
        channels: Of the input.
        depths: Blocks of each stage.
        widths: Channels of each stage.
        classes: Of the classifier; 0 for none.
    """

    def __init__(
        self,
        channels: int,
        depths: Sequence[int] = BASE_DEPTHS,
        widths: Sequence[int] = BASE_WIDTHS,
        classes: int = 0,
    ) -> None:
        super().__init__()
        stem = nn.Conv2d(channels, widths[0], 4, stride=4)
        layers: list[nn.Module] = [nn.Sequential(stem, ChannelNorm(widths[0], _EPS))]
        for stage, (depth, width) in enumerate(zip(depths, widths, strict=True)):
            if stage:
                before = widths[stage - 1]
                halve = nn.Conv2d(before, width, 2, stride=2)
                layers.append(nn.Sequential(ChannelNorm(before, _EPS), halve))
            layers.append(nn.Sequential(*(Block(width) for _ in range(depth))))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential()
        if classes:
            self.classifier = nn.Sequential(
                ChannelNorm(widths[-1], _EPS),
                nn.Flatten(),
                nn.Linear(widths[-1], classes),
            )

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return features [B, widths[-1], H / 32, W / 32] of [B, channels, H, W]."""
        features: torch.Tensor = self.features(pictures)
        return features

    def classify(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return logits [B, classes]; only with a classifier."""
        pooled = self(pictures).mean((2, 3), keepdim=True)
        logits: torch.Tensor = self.classifier(pooled)
        return logits


class ChannelNorm(nn.LayerNorm):
    """A layer norm over the channels of [B, channels, H, W]."""

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return pictures of the same shape."""
        normed = F.layer_norm(
            pictures.movedim(1, -1),
            self.normalized_shape,
            self.weight,
            self.bias,
            self.eps,
        )
        return normed.movedim(-1, 1)


class Block(nn.Module):
    """A depthwise convolution, then an MLP on each place, scaled by channel."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layer_scale = nn.Parameter(torch.full((width, 1, 1), 1e-6))
        self.block = nn.Sequential(
            nn.Conv2d(width, width, 7, padding=3, groups=width),
            _ChannelsLast(),
            nn.LayerNorm(width, _EPS),
            nn.Linear(width, 4 * width),
            nn.GELU(),
            nn.Linear(4 * width, width),
        )

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return pictures [B, width, H, W]."""
        shift: torch.Tensor = self.block(pictures).movedim(-1, 1)
        return pictures + self.layer_scale * shift


class _ChannelsLast(nn.Module):
    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        return pictures.movedim(1, -1)


def from_layout(
    tensors: dict[str, torch.Tensor], layout: str
) -> dict[str, torch.Tensor]:
    """Return tensors of a published file by the names here.

    Args:
        tensors: Of the file; names that the layout does not know are kept.
        layout: A key of :data:`LAYOUTS`.
    """
    prefixes = LAYOUTS[layout]
    renamed = {}
    for name, tensor in tensors.items():
        known = next((p for p in prefixes if name.startswith(p)), "")
        renamed[prefixes.get(known, "") + name.removeprefix(known)] = tensor
    return renamed
