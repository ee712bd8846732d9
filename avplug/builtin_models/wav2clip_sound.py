"""Wav2CLIP's audio tower: a log spectrogram, a ResNet18, and two linear layers.

Wu et al., arXiv 2110.11499. Names are the public checkpoint's.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import nn

from avplug.builtin_models.resnet import RESNET18, Layout, ResNet

Norm = Literal["sample", "batch"]

#: Samples of a frame, and of the step to the next, at 16 kHz.
FRAME, HOP = 512, 353
#: Fewer samples cannot be reflected at both ends.
SHORTEST = FRAME // 2 + 1


class Spectrogram(nn.Module):
    """The logarithm of the power, without mel bands."""

    window: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("window", torch.hann_window(FRAME))

    def forward(self, waveform: torch.Tensor) -> torch.Tensor:
        """Return float [B, 257, 1 + N // 353] of waveform [B, N], at least ln(1e-7).

        ``N`` is :data:`SHORTEST` or more. Frames are centred, ends reflected.
        """
        with torch.autocast(waveform.device.type, enabled=False):
            precise = torch.promote_types(self.window.dtype, torch.float32)
            spectrum = torch.stft(
                waveform.to(precise),
                FRAME,
                HOP,
                window=self.window.to(precise),
                return_complex=True,
            )
            power = spectrum.real.square() + spectrum.imag.square()
            return (power + 1e-7).log()


def standardised(logs: torch.Tensor, norm: Norm) -> torch.Tensor:
    """Return spectrograms [B, F, T] less their mean, over their deviation.

    ``sample`` takes both of each clip; ``batch`` of all B together, as the public code
    does, so that a clip's answer depends on its neighbours.
    """
    axes = (1, 2) if norm == "sample" else (0, 1, 2)
    std, mean = torch.std_mean(logs, axes, keepdim=True)
    return (logs - mean) / (std + 1e-9)


class SoundEncoder(ResNet):
    """A ResNet18 over one spectrogram, averaged over frequency and time.

    Args:
        layout: Depths and widths; published is ResNet18.
    """

    def __init__(self, layout: Layout = RESNET18) -> None:
        super().__init__(layout, inputs=1)
        self.spectrogram = Spectrogram()

    def forward(self, logs: torch.Tensor) -> torch.Tensor:
        """Return [B, channels] of standardised spectrograms [B, 257, T]."""
        maps = super().forward(logs.unsqueeze(1).to(self.conv1.weight.dtype))
        return maps.mean((-2, -1))


class Projection(nn.Module):
    """Maps the audio encoder's vectors into CLIP's space."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.sequential = nn.Sequential(
            nn.Linear(inputs, outputs),
            nn.ReLU(),
            nn.Dropout(0.1),
            nn.Linear(outputs, outputs),
        )

    def forward(self, vectors: torch.Tensor) -> torch.Tensor:
        """Return [B, outputs] of [B, inputs]."""
        projected: torch.Tensor = self.sequential(vectors)
        return projected
