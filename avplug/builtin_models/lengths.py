"""Clips of several lengths in one batch, each heard as if it were alone."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.nn import functional as F


def each_length(
    encode: Callable[[torch.Tensor], torch.Tensor],
    waveform: torch.Tensor,
    lengths: torch.Tensor,
    shortest: int = 1,
) -> torch.Tensor:
    """Apply an encoder to the clips of each length by themselves.

    A convolutional encoder that averages over time would count the zeros after a
    clip's end, and place them differently in each batch.

    Args:
        encode: Maps waveforms [b, n] of whole clips to [b, ...].
        waveform: float [B, N].
        lengths: int64 [B], samples of each clip before its padding.
        shortest: What is shorter is filled up with zeros to so many samples.

    Returns:
        The answers in the order of the clips.
    """
    parts, places = [], []
    for length in sorted(set(lengths.tolist())):
        place = (lengths == length).nonzero()[:, 0]
        heard = waveform[place, :length]
        parts.append(encode(F.pad(heard, (0, max(0, shortest - length)))))
        places.append(place)
    return torch.cat(parts)[torch.cat(places).argsort()]
