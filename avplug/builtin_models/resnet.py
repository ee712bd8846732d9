"""Residual convolutional networks: ResNet18, ResNeXt-50, and CLIP's ResNet-50.

Names of parameters are those of the public checkpoints, ``conv1`` to ``layer4``.
He et al., arXiv 1512.03385; Xie et al., arXiv 1611.05431; Radford et al., arXiv
2103.00020 (antialiased strides, attention pooling).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from avplug.core.errors import UsageError


@dataclass(frozen=True, slots=True)
class Layout:
    """What tells one residual network from another.

    Args:
        depths: Blocks of each of the four stages.
        width: Of the first stage; each later one is twice as wide.
        expansion: Channels that a block gives over its width: 1 for two 3x3
            convolutions, more for a 3x3 between two 1x1.
        groups: Of the 3x3 convolution of a bottleneck.
        widening: Channels of that convolution over the width.
        antialiased: Strides above 1 are average pooling in front of the next
            convolution, in place of a stride of the convolution itself.

    Raises:
        UsageError: There are not four depths.
    """

    depths: tuple[int, ...]
    width: int = 64
    expansion: int = 1
    groups: int = 1
    widening: int = 1
    antialiased: bool = False

    def __post_init__(self) -> None:
        if len(self.depths) != 4:
            raise UsageError(
                f"A residual network has four stages, not depths {list(self.depths)}."
            )

    @property
    def stage_channels(self) -> tuple[int, ...]:
        """Channels that each stage gives."""
        return tuple(self.width * self.expansion << i for i in range(4))

    @property
    def channels(self) -> int:
        """Channels of the last map."""
        return self.stage_channels[-1]


RESNET18 = Layout((2, 2, 2, 2))
RESNEXT50 = Layout((3, 4, 6, 3), expansion=4, groups=32, widening=2)
CLIP_RESNET50 = Layout((3, 4, 6, 3), expansion=4, antialiased=True)


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = _shortcut(inputs, outputs, stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return a map [B, outputs, H / stride, W / stride]."""
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + self.downsample(x))


class Bottleneck(nn.Module):
    """A 3x3 convolution between two 1x1, and a shortcut.

    Args:
        inputs: Channels that come in.
        width: Of the stage; ``layout`` says what becomes of it.
        stride: Of the 3x3 convolution, or of the pooling after it.
        layout: See :class:`Layout`.
    """

    def __init__(self, inputs: int, width: int, stride: int, layout: Layout) -> None:
        super().__init__()
        hidden, outputs = width * layout.widening, width * layout.expansion
        pooled = stride if layout.antialiased else 1
        self.conv1 = nn.Conv2d(inputs, hidden, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(hidden)
        self.conv2 = nn.Conv2d(
            hidden, hidden, 3, stride // pooled, 1, groups=layout.groups, bias=False
        )
        self.bn2 = nn.BatchNorm2d(hidden)
        self.conv3 = nn.Conv2d(hidden, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.pool = nn.AvgPool2d(pooled) if pooled > 1 else nn.Identity()
        self.downsample = _shortcut(inputs, outputs, stride, pooled)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return a map [B, outputs, H / stride, W / stride]."""
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.pool(F.relu(self.bn2(self.conv2(y))))
        y = self.bn3(self.conv3(y))
        through = x if isinstance(self.downsample, nn.Identity) else self.pool(x)
        return F.relu(y + self.downsample(through))


def _shortcut(inputs: int, outputs: int, stride: int, pooled: int = 1) -> nn.Module:
    if stride == 1 and inputs == outputs:
        return nn.Identity()
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 1, stride // pooled, bias=False),
        nn.BatchNorm2d(outputs),
    )


def stages(layout: Layout, inputs: int) -> tuple[nn.Sequential, ...]:
    """Return the four stages that follow a stem of ``inputs`` channels.

    Each but the first halves height and width.
    """
    built = []
    for index, depth in enumerate(layout.depths):
        width = layout.width << index
        blocks: list[nn.Module] = []
        for position in range(depth):
            stride = 2 if index and not position else 1
            blocks.append(
                BasicBlock(inputs, width, stride)
                if layout.expansion == 1
                else Bottleneck(inputs, width, stride, layout)
            )
            inputs = width * layout.expansion
        built.append(nn.Sequential(*blocks))
    return tuple(built)


class ResNet(nn.Module):
    """A 7x7 convolution, max pooling, and four stages; no pooling at the end.

    Args:
        layout: Depths and widths.
        inputs: Channels of a picture.
    """

    def __init__(self, layout: Layout = RESNET18, inputs: int = 3) -> None:
        super().__init__()
        self.layout = layout
        self.conv1 = nn.Conv2d(inputs, layout.width, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(layout.width)
        self.layer1, self.layer2, self.layer3, self.layer4 = stages(
            layout, layout.width
        )
        self.apply(initialise)

    @property
    def layers(self) -> tuple[nn.Module, ...]:
        """The four stages."""
        return self.layer1, self.layer2, self.layer3, self.layer4

    def stem(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return the map [B, width, H / 4, W / 4] before the first stage."""
        return F.max_pool2d(F.relu(self.bn1(self.conv1(pictures))), 3, 2, 1)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return the last map [B, channels, H / 32, W / 32]; sides are rounded up."""
        x = self.stem(pictures)
        for layer in self.layers:
            x = layer(x)
        return x


class AttentionPool(nn.Module):
    """Pools a map by one attention whose query is the map's mean.

    Args:
        side: Of the map, which is square.
        width: Channels of the map.
        heads: Equal parts of the width.
        outputs: Of the vector that comes out.
    """

    def __init__(self, side: int, width: int, heads: int, outputs: int) -> None:
        super().__init__()
        self.heads = heads
        self.positional_embedding = nn.Parameter(
            torch.randn(side * side + 1, width) / width**0.5
        )
        self.k_proj = nn.Linear(width, width)
        self.q_proj = nn.Linear(width, width)
        self.v_proj = nn.Linear(width, width)
        self.c_proj = nn.Linear(width, outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return [B, outputs] of a map [B, width, side, side]."""
        places = x.flatten(2).transpose(1, 2)
        tokens = torch.cat([places.mean(1, keepdim=True), places], dim=1)
        tokens = tokens + self.positional_embedding
        query, key, value = (
            projected.unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for projected in (
                self.q_proj(tokens[:, :1]),
                self.k_proj(tokens),
                self.v_proj(tokens),
            )
        )
        gathered = F.scaled_dot_product_attention(query, key, value)
        pooled: torch.Tensor = self.c_proj(gathered.transpose(1, 2).flatten(1))
        return pooled


class CLIPResNet(nn.Module):
    """CLIP's ResNet: three convolutions in front, antialiased, pooled by attention.

    Args:
        layout: Depths and widths; published is :data:`CLIP_RESNET50`.
        size: Side of a picture in pixels, a multiple of 32; the pool knows no other.
        head_width: Of an attention head of the pool.
        outputs: Of the vector that comes out.
    """

    def __init__(
        self,
        layout: Layout = CLIP_RESNET50,
        size: int = 224,
        head_width: int = 64,
        outputs: int = 1024,
    ) -> None:
        super().__init__()
        half = layout.width // 2
        self.conv1 = nn.Conv2d(3, half, 3, 2, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(half)
        self.conv2 = nn.Conv2d(half, half, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(half)
        self.conv3 = nn.Conv2d(half, layout.width, 3, 1, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(layout.width)
        self.layer1, self.layer2, self.layer3, self.layer4 = stages(
            layout, layout.width
        )
        self.attnpool = AttentionPool(
            size // 32, layout.channels, layout.channels // head_width, outputs
        )
        self.apply(initialise)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return [B, outputs] of normalised pictures [B, 3, size, size]."""
        x = pictures
        for conv, norm in (
            (self.conv1, self.bn1),
            (self.conv2, self.bn2),
            (self.conv3, self.bn3),
        ):
            x = F.relu(norm(conv(x)))
        x = F.avg_pool2d(x, 2)
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = layer(x)
        pooled: torch.Tensor = self.attnpool(x)
        return pooled


def initialise(module: nn.Module) -> None:
    """Draw a convolution's start weights as He et al. do; for ``Module.apply``.

    Normal, of a variance that keeps the gradient's (arXiv 1502.01852). Draws from
    torch's global generator.
    """
    if isinstance(module, nn.Conv1d | nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


def batch_norm_parameters(model: nn.Module) -> dict[str, nn.Parameter]:
    """Return scale and shift of every batch norm, by name."""
    return {
        f"{name}.{kind}": parameter
        for name, module in model.named_modules()
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d)
        for kind, parameter in module.named_parameters(recurse=False)
    }
