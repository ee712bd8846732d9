"""The transform by complex frequency B-spline wavelets that AudioCLIP hears with.

Guzhov et al., ESResNe(X)t-fbsp, arXiv 2104.11587: a short-time Fourier transform whose
order, bandwidth and centre frequencies are learned.
"""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional as F

#: Smallest power; what is exactly silent is -180 dB.
SILENCE = 1e-18


class FBSP(nn.Module):
    """Projects frames on one complex wavelet for each output.

    Args:
        outputs: Number of wavelets; wavelet k starts at k periods in its length.
        length: Of a wavelet in samples.
    """

    def __init__(self, outputs: int, length: int) -> None:
        super().__init__()
        self.length = length
        self.m = nn.Parameter(torch.zeros(outputs))
        self.fb = nn.Parameter(torch.ones(outputs))
        self.fc = nn.Parameter(torch.arange(outputs, dtype=torch.float32))
        self._kept: tuple[object, torch.Tensor, torch.Tensor] | None = None

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        """Return the power [..., outputs] of frames [..., n] in the wavelets' middle.

        ``n`` is ``length`` or less by an even number.
        """
        margin = (self.length - frames.shape[-1]) // 2
        real, imaginary = (
            part[margin : self.length - margin] for part in self.kernel()
        )
        return (frames @ real).square() + (frames @ imaginary).square()

    def kernel(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the wavelets' real and imaginary part, each [length, outputs].

        They are built anew only where the order, bandwidth or frequency has changed, or
        needs a gradient; in single precision, or double where the parameters are.
        """
        parameters = (self.m, self.fb, self.fc)
        if torch.is_grad_enabled() and any(p.requires_grad for p in parameters):
            return self._build()
        state = tuple((p.data_ptr(), p._version, p.dtype, p.device) for p in parameters)
        if self._kept is None or self._kept[0] != state:
            # Born in inference mode they could never take part in a backward pass.
            with torch.inference_mode(False), torch.no_grad():
                self._kept = (state, *self._build())
        return self._kept[1:]

    def _build(self) -> tuple[torch.Tensor, torch.Tensor]:
        precise = torch.promote_types(self.m.dtype, torch.float32)
        m, fb, fc = (p.to(precise) for p in (self.m, self.fb, self.fc))
        time = torch.linspace(-1, 1, self.length, dtype=precise, device=m.device)
        time = (time * math.pi + 1e-8).unsqueeze(1)
        # sin(x) / x; torch's argument is in units of pi.
        wave = torch.sinc(fb * time / (m + 1e-8) / math.pi)
        turned = torch.where(wave < 0, math.pi, 0.0) * m - fc * time
        # At an order of 0 a power of 0 is 1, and its gradient must be a number.
        size = wave.abs().clamp(min=torch.finfo(wave.dtype).tiny).pow(m)
        size = size * (fb / self.length).sqrt()
        return size * turned.cos(), size * turned.sin()


def frame_count(samples: int, length: int, hop: int) -> int:
    """Return how many frames cover so many samples."""
    return 1 + max(0, math.ceil((samples - length) / hop))


def centred_frames(waveform: torch.Tensor, length: int, hop: int) -> torch.Tensor:
    """Return frames [..., F, length] that cover waveform [..., N], differentiable.

    Zeros fill the frames up, as many before the sound as after it (one more after).
    """
    samples = waveform.shape[-1]
    covered = (frame_count(samples, length, hop) - 1) * hop + length
    before = (covered - samples) // 2
    padded = F.pad(waveform, (before, covered - samples - before))
    return padded.unfold(-1, length, hop)


def decibels(power: torch.Tensor) -> torch.Tensor:
    """Return power in dB; exact zeros become -180 dB and have no gradient."""
    return 10 * power.where(power > 0, SILENCE).log10()
