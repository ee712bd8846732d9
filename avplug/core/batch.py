"""Clips as tensors: what a model, an adapter or an attack is given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from avplug.core.errors import MediaError

if TYPE_CHECKING:
    from avplug.core.clip import Clip, InputSpec


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """B clips. It holds no labels: what adapts to it cannot look at them.

    Args:
        frames: float32 [B, T, 3, H, W], RGB in 0..1.
        waveform: float32 [B, N], nominally -1..1, zeros after each clip's end.
        lengths: int64 [B], samples of each clip before the zeros.
    """

    frames: torch.Tensor
    waveform: torch.Tensor
    lengths: torch.Tensor

    def __len__(self) -> int:
        return self.frames.shape[0]

    def to(self, device: torch.device | str) -> Batch:
        """Return the batch on a device."""
        return replace(
            self,
            frames=self.frames.to(device, non_blocking=True),
            waveform=self.waveform.to(device, non_blocking=True),
            lengths=self.lengths.to(device, non_blocking=True),
        )


def collate(clips: Sequence[Clip], spec: InputSpec) -> Batch:
    """Stack clips that were loaded with ``spec``; audio is cut or padded to its length.

    Raises:
        MediaError: A clip lacks the picture or the sound.
    """
    for clip in clips:
        if clip.frames is None or clip.audio is None:
            missing = "picture" if clip.frames is None else "sound"
            raise MediaError(f"Clip '{clip.id}' has no {missing}.")
    waveform = np.zeros((len(clips), spec.samples), np.float32)
    lengths = np.empty(len(clips), np.int64)
    for row, clip in enumerate(clips):
        samples = clip.audio[0, : spec.samples]
        lengths[row] = len(samples)
        waveform[row, : len(samples)] = samples
    frames = torch.from_numpy(np.stack([clip.frames for clip in clips]))
    return Batch(
        frames.permute(0, 1, 4, 2, 3).float().div_(255),
        torch.from_numpy(waveform),
        torch.from_numpy(lengths),
    )
