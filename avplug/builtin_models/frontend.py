"""What models that hear a Kaldi filter bank and see ImageNet's colours have in common.

Nothing here has trained weights: the names in a checkpoint stay the model's own.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch.nn import functional as F

from avplug.builtin_models.colours import Colours
from avplug.signal.fbank import log_mel

#: Sounds are resampled to this rate, in Hz, before such a model hears them.
SAMPLE_RATE = 16_000


def normalised_log_mel(
    waveform: torch.Tensor,
    lengths: torch.Tensor | None,
    *,
    frames: int,
    mel_bins: int,
    mean: float,
    std: float,
) -> torch.Tensor:
    """Return the spectrogram [B, frames, mel_bins] of waveform [B, N] at 16 kHz.

    Padding is 0 before the normalisation, hence louder than the average after it:
    published weights expect that.

    Args:
        waveform: float [B, N], nominally -1..1.
        lengths: int64 [B], samples of each clip before its padding; None means N.
        frames: Of 10 ms; sound is cut or padded to them.
        mel_bins: Number of bands.
        mean: Of the log-mel spectrogram over the training data ...
        std: ... and its standard deviation.
    """
    logs = log_mel(
        waveform, lengths, frames=frames, sample_rate=SAMPLE_RATE, mel_bins=mel_bins
    )
    return (logs - mean) / std


class ImageNetColours(Colours):
    """Gives pictures in 0..1 the mean and deviation that ImageNet's have."""

    def __init__(self) -> None:
        super().__init__((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def check_frames(frames: torch.Tensor, side: int) -> None:
    """Make sure that frames are [B, T, 3, side, side].

    Raises:
        ValueError: They have another shape.
    """
    if frames.ndim != 5 or frames.shape[2:] != (3, side, side):
        raise ValueError(
            f"Expected frames [B, T, 3, {side}, {side}], got {list(frames.shape)}."
        )


def mean_prediction(
    logits: torch.Tensor, outputs: Literal["softmax", "sigmoid"]
) -> torch.Tensor:
    """Return logits [B, C] of the mean probability over logits [B, T, C].

    What comes back gives that mean through ``outputs``: its logarithm for softmax, its
    log-odds for sigmoid. Of one frame it is that frame's logits.
    """
    count = logits.shape[1]
    if count == 1:
        return logits[:, 0]
    if outputs == "softmax":
        return logits.log_softmax(-1).logsumexp(1) - math.log(count)
    return F.logsigmoid(logits).logsumexp(1) - F.logsigmoid(-logits).logsumexp(1)
