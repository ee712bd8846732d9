"""AudioCLIP's audio tower: an FBSP spectrogram in three bands, and a gated ResNeXt.

Guzhov et al., arXiv 2106.13043 and 2104.11587. Names are the public checkpoints'.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import nn
from torch.nn import functional as F

from avplug.builtin_models.fbsp import FBSP, centred_frames, decibels
from avplug.builtin_models.resnet import RESNEXT50, Layout, ResNet, initialise

Scaling = Literal["int16", "unit", "minmax"]

#: Samples of a frame, and of the step to the next, at 44.1 kHz.
FRAME, HOP = 1654, 561
#: Wavelets, their length, and how many of them make one of the three bands.
WAVELETS, WAVELET, BAND = 1025, 2048, 341
#: Range of 16-bit integers.
_LOWEST, _HIGHEST = -32_768.0, 32_767.0
#: Of the gates' depthwise convolutions, in frequency and time.
_GATES = ((3, 1), (1, 5), (3, 1), (1, 5), (3, 5))


def scaled(waveform: torch.Tensor, scaling: Scaling) -> torch.Tensor:
    """Return a waveform [..., N] in -1..1 in the range that the tower is given.

    ``int16``: times 32,768, as the tower was trained. ``unit``: as it is, as many
    copies of the authors' demonstration do; what is heard is then 90 dB softer, on an
    offset. ``minmax``: each sound's least and largest value become the ends of the
    16-bit range, as in AVRobustBench; blind to gain. It makes 0 of a constant sound.
    """
    if scaling == "unit":
        return waveform
    if scaling == "int16":
        return waveform * -_LOWEST
    low = waveform.amin(-1, keepdim=True)
    span = waveform.amax(-1, keepdim=True) - low
    shares = (waveform - low) / span.where(span > 0, 1.0)
    return (shares * (_HIGHEST - _LOWEST) + _LOWEST).where(span > 0, 0.0)


class Gate(nn.Module):
    """Weighs a stage's outputs, by place and channel, by what came into the stage.

    Args:
        inputs: Channels of the map that decides.
        outputs: Channels that are weighed.
        kernel: Of the depthwise convolution, in frequency and time, odd.
    """

    def __init__(self, inputs: int, outputs: int, kernel: tuple[int, int]) -> None:
        super().__init__()
        padding = (kernel[0] // 2, kernel[1] // 2)
        self.conv_depth = nn.Conv2d(
            inputs, inputs, kernel, padding=padding, groups=inputs
        )
        self.conv_point = nn.Conv2d(inputs, outputs, 1)
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, x: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
        """Return weights in 0..1, [B, outputs, *size], of a map [B, inputs, H, W]."""
        pooled = F.adaptive_max_pool2d(x, size)
        scores: torch.Tensor = self.bn(self.conv_point(self.conv_depth(pooled)))
        return scores.sigmoid()


class ESResNeXt(ResNet):
    """The audio tower.

    Args:
        layout: Depths and widths; published is ResNeXt-50 32x4d.
        outputs: Of the vector that comes out.
    """

    window: torch.Tensor

    def __init__(self, layout: Layout = RESNEXT50, outputs: int = 1024) -> None:
        super().__init__(layout)
        channels = (layout.width, *layout.stage_channels, layout.channels)
        for index, kernel in enumerate(_GATES):
            gate = Gate(channels[index], channels[index + 1], kernel)
            self.add_module(f"att{index + 1}", gate.apply(initialise))
        self.fc = nn.Linear(layout.channels, outputs)
        self.fbsp = FBSP(WAVELETS, WAVELET)
        self.register_buffer("window", blackman_harris(FRAME))

    def forward(self, waveform: torch.Tensor) -> torch.Tensor:
        """Return vectors [B, outputs] of waveform [B, C, N], in the range of int16.

        Channels are added, not averaged.
        """
        bands = self.spectrogram(waveform)
        x = self.stem(bands.flatten(0, 1).to(self.conv1.weight.dtype))
        for index, layer in enumerate(self.layers):
            y = layer(x)
            x = y * self._gate(index)(x, y.shape[-2:])
        pooled = (x.mean((-2, -1), keepdim=True) * self._gate(4)(x, (1, 1))).flatten(1)
        vectors: torch.Tensor = self.fc(pooled.view(*bands.shape[:2], -1).sum(1))
        return vectors

    def _gate(self, index: int) -> nn.Module:
        return self.get_submodule(f"att{index + 1}")

    def spectrogram(self, waveform: torch.Tensor) -> torch.Tensor:
        """Return power in dB, [B, C, 3, 341, frames], low band first.

        Gradients reach the waveform; the public code's do not. What is exactly silent
        is -180 dB. Below some -100 dB there is rounding only. Single precision at
        least, under autocast as well; a model turned into bfloat16 as a whole has lost
        the wavelets' frequencies before.
        """
        with torch.autocast(waveform.device.type, enabled=False):
            precise = waveform.to(torch.promote_types(self.window.dtype, torch.float32))
            # In this order: soft sounds are rounded by it, with scaling "unit" audibly.
            sound = (precise - _LOWEST) * 2 / (_HIGHEST - _LOWEST) - 1
            frames = centred_frames(sound, FRAME, HOP) * self.window
            levels = decibels(self.fbsp(frames)[..., : 3 * BAND])
            bands = levels.view(*levels.shape[:-1], 3, BAND)
            return bands.permute(0, 1, 3, 4, 2)


def blackman_harris(length: int) -> torch.Tensor:
    """Return the periodic window of four terms, float32 [length] (Harris, 1978)."""
    turns = torch.arange(length, dtype=torch.float64) * (2 * torch.pi / length)
    terms = (0.35875, -0.48829, 0.14128, -0.01168)
    window = sum(
        (term * (order * turns).cos() for order, term in enumerate(terms)),
        start=torch.zeros_like(turns),
    )
    return window.float()
