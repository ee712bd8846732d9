"""Kaldi's log-mel filter bank, batched and differentiable, in plain torch.

The front end of CAV-MAE and its relatives. It follows ``compute-fbank-feats`` of Kaldi
as their authors call it: 25 ms frames every 10 ms, Hann window, no dither, no energy.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import nn

#: Smallest energy of a band: the machine epsilon of float32, as in Kaldi.
ENERGY_FLOOR = 1.1920929e-7
#: Lowest frequency of the lowest band in Hz; the highest is half the sample rate.
LOWEST_HZ = 20.0
PRE_EMPHASIS = 0.97


def frame_sizes(sample_rate: int) -> tuple[int, int]:
    """Return the length of a frame and the step between frames, in samples."""
    return int(sample_rate * 0.025), int(sample_rate * 0.010)


def samples_for(frames: int, sample_rate: int) -> int:
    """Return how many samples give exactly this many frames."""
    length, step = frame_sizes(sample_rate)
    return (frames - 1) * step + length


def log_mel(
    waveform: torch.Tensor,
    lengths: torch.Tensor | None = None,
    *,
    frames: int,
    sample_rate: int = 16_000,
    mel_bins: int = 128,
) -> torch.Tensor:
    """Return the natural logarithm of the energy in each mel band of each frame.

    The published code first removes the mean of the clip. Every frame loses its own
    mean here, which leaves nothing of it, so that step is left out: rounding aside
    the result is the same, and it cannot depend on padding.

    Args:
        waveform: float [B, N], nominally -1..1. Half precision is widened to float32.
        lengths: int64 [B], samples of each clip before its padding; None means N.
        frames: Length of the answer: what is longer is cut. Frames that would reach
            beyond the end of a clip are 0, as the published loaders pad.
        sample_rate: Hz.
        mel_bins: Number of bands, equally wide in mel.

    Returns:
        float [B, frames, mel_bins]; at least ``ln(ENERGY_FLOOR)``, but 0 in padding.

    Raises:
        ValueError: ``waveform`` is not [B, N].
    """
    if waveform.ndim != 2:
        raise ValueError(f"Expected waveform [B, N], got {list(waveform.shape)}.")
    signal = waveform if waveform.dtype == torch.float64 else waveform.float()
    length, step = frame_sizes(sample_rate)
    needed = samples_for(frames, sample_rate)
    if lengths is None:
        lengths = torch.full((len(signal),), signal.shape[1], device=signal.device)
    signal = nn.functional.pad(signal, (0, max(0, needed - signal.shape[1])))
    energies = _energies(
        signal[:, :needed].unfold(1, length, step), sample_rate, mel_bins
    )
    whole = (lengths - length).div(step, rounding_mode="floor") + 1
    real = torch.arange(frames, device=signal.device) < whole[:, None]
    return energies.clamp(min=ENERGY_FLOOR).log().where(real[..., None], 0.0)


def _energies(cut: torch.Tensor, sample_rate: int, mel_bins: int) -> torch.Tensor:
    """Return the energy [B, F, mel_bins] in the bands of frames [B, F, length]."""
    window, bands = _constants(
        sample_rate, mel_bins, cut.dtype, cut.device, cut.shape[-1]
    )
    cut = cut - cut.mean(-1, keepdim=True)
    before = torch.cat([cut[..., :1], cut[..., :-1]], -1)
    shaped = (cut - PRE_EMPHASIS * before) * window
    spectrum = torch.fft.rfft(shaped, n=2 * bands.shape[0])[..., :-1]
    power: torch.Tensor = spectrum.real.square() + spectrum.imag.square()
    # Half precision would leave the logarithm two digits.
    with torch.autocast(cut.device.type, enabled=False):
        return power @ bands


@lru_cache(maxsize=16)
def _constants(
    sample_rate: int,
    mel_bins: int,
    dtype: torch.dtype,
    device: torch.device,
    length: int,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return window [length] and band weights [bins without Nyquist, mel_bins]."""
    # Born in inference mode they could never again take part in a backward pass.
    with torch.inference_mode(False):
        window = torch.hann_window(length, periodic=False, dtype=dtype, device="cpu")
        bands = mel_weights(sample_rate, mel_bins, 1 << (length - 1).bit_length())
        return window.to(device), bands.to(device, dtype)


def mel_weights(sample_rate: int, mel_bins: int, fft_size: int) -> torch.Tensor:
    """Return Kaldi's triangles, float32 [fft_size / 2, mel_bins], Nyquist left out.

    At 16 kHz with 128 bands and 512 points the fourth triangle contains no bin, so that
    its column is zero. Models were trained with it: it is not to be repaired.
    """
    lowest, highest = _mel(LOWEST_HZ), _mel(sample_rate / 2)
    width = (highest - lowest) / (mel_bins + 1)
    left = lowest + torch.arange(mel_bins, device="cpu") * width
    hertz = torch.arange(fft_size // 2, device="cpu") * (sample_rate / fft_size)
    mel = (1127.0 * (1.0 + hertz / 700.0).log())[:, None]
    rising = (mel - left) / width
    falling = (left + 2 * width - mel) / width
    return torch.minimum(rising, falling).clamp(min=0.0)


def _mel(hertz: float) -> float:
    return 1127.0 * math.log(1.0 + hertz / 700.0)
