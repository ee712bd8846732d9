"""Altered copies of clips that a perturbation shall work on as well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch.nn import functional as F

from avplug.core.batch import Batch
from avplug.core.randomness import KeyedRandom

#: Equal parts of a clip, of which some are blanked, and the share of these.
_PARTS, _BLANKED = 10, 0.3


def view(batch: Batch, number: int, randoms: Sequence[KeyedRandom]) -> Batch:
    """Return the clips as they are (0), fainter (1), with gaps (2), or blurred (3).

    Differentiable. ``randoms`` decides the gaps, clip by clip; both senses miss the
    same moments.
    """
    if number == 0:
        return batch
    if number == 1:
        return replace(batch, frames=batch.frames / 2, waveform=batch.waveform / 2)
    if number == 2:
        return _with_gaps(batch, randoms)
    return _blurred(batch)


def _with_gaps(batch: Batch, randoms: Sequence[KeyedRandom]) -> Batch:
    kept = torch.ones(len(batch), _PARTS)
    for row, random in enumerate(randoms):
        order = random.permutation(_PARTS)
        kept[row, order[: round(_BLANKED * _PARTS)].tolist()] = 0
    return batch.only(kept)


def _blurred(batch: Batch) -> Batch:
    frames = batch.frames
    if frames.shape[1] > 1:
        flat = F.pad(frames.flatten(2).transpose(1, 2), (1, 1), mode="replicate")
        mixed = F.avg_pool1d(flat, 3, 1).transpose(1, 2).contiguous()
        frames = mixed.view_as(frames)
    wave = F.pad(batch.waveform[:, None], (1, 1), mode="replicate")
    return replace(batch, frames=frames, waveform=F.avg_pool1d(wave, 3, 1)[:, 0])
