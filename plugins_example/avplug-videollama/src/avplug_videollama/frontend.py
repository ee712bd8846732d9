"""From raw frames and waveform to patches and log-mel, batched and differentiable.

The processors of transformers do the same on NumPy arrays, clip by clip; those of
video need torchvision. Constants are theirs.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional as F
from transformers import WhisperFeatureExtractor

#: Samples from one spectrum to the next, and of each; Hz.
HOP, WINDOW, SAMPLE_RATE = 160, 400, 16_000


class LogMel(nn.Module):
    """Whisper's log-mel spectrogram.

    Args:
        bins: Mel bands.
    """

    window: torch.Tensor
    filters: torch.Tensor

    def __init__(self, bins: int) -> None:
        super().__init__()
        theirs = WhisperFeatureExtractor(feature_size=bins)
        filters = torch.from_numpy(theirs.mel_filters).T.to(torch.get_default_dtype())
        self.register_buffer("window", torch.hann_window(WINDOW), persistent=False)
        self.register_buffer("filters", filters, persistent=False)

    def forward(self, waveform: torch.Tensor) -> torch.Tensor:
        """Return [B, bins, N // 160] of waveform [B, N], nominally -1..1, 16 kHz."""
        waveform = waveform.to(self.window.dtype)
        # Mirrored at the start; at the end Whisper's windows look into its padding.
        half = WINDOW // 2
        padded = F.pad(waveform[:, None], (half, 0), mode="reflect")[:, 0]
        padded = F.pad(padded, (0, half))
        spectrum = torch.stft(
            padded, WINDOW, HOP, window=self.window, center=False, return_complex=True
        )
        # |z|^2 without a square root, whose slope at silence is infinite.
        power = spectrum.real.square() + spectrum.imag.square()
        power = power[..., : waveform.shape[1] // HOP]
        log = (self.filters @ power).clamp_min(1e-10).log10()
        loudest = log.amax((1, 2), keepdim=True)
        return (log.maximum(loudest - 8) + 4) / 4


class Patches(nn.Module):
    """Qwen2-VL's patches of a video, such as two frames of 14 x 14 pixels each.

    Args:
        patch: Side of a patch in pixels.
        merge: Patches in each direction that become one token, and lie together.
        span: Frames in a patch.
        mean: Of each colour, 0..1, which is taken off.
        std: By which each colour is divided.
    """

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(
        self,
        patch: int,
        merge: int,
        span: int,
        *,
        mean: Sequence[float],
        std: Sequence[float],
    ) -> None:
        super().__init__()
        self.patch, self.merge, self.span = patch, merge, span
        for name, values in (("mean", mean), ("std", std)):
            constant = torch.tensor(values)[:, None, None]
            self.register_buffer(name, constant, persistent=False)

    def grid(self, frames: int, size: int) -> tuple[int, int, int]:
        """Return patches in time, height and width of so many square frames."""
        return frames // self.span, size // self.patch, size // self.patch

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        """Return [B * patches, 3 * span * patch^2] of frames [B, T, 3, H, W], 0..1."""
        count, times, channels, height, width = frames.shape
        m, p, s = self.merge, self.patch, self.span
        coloured = (frames.to(self.mean.dtype) - self.mean) / self.std
        blocks = coloured.reshape(
            count,
            times // s,
            s,
            channels,
            height // (m * p),
            m,
            p,
            width // (m * p),
            m,
            p,
        )
        ordered = blocks.permute(0, 1, 4, 7, 5, 8, 3, 2, 6, 9)
        return ordered.reshape(-1, channels * s * p * p)
