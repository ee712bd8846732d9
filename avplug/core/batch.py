"""Clips as tensors: what a model, an adapter or an attack is given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

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

    def rows(self, index: torch.Tensor) -> Batch:
        """Return some of the clips; ``index`` is int64 [b] or bool [B]."""
        return replace(
            self,
            frames=self.frames[index],
            waveform=self.waveform[index],
            lengths=self.lengths[index],
        )

    def only(self, kept: torch.Tensor) -> Batch:
        """Return the clips with the other moments black and silent, differentiable.

        Args:
            kept: [B, moments], 1 for each of equally long moments that stays, else 0.
        """
        moments = kept.shape[1]

        def stretched(like: torch.Tensor) -> torch.Tensor:
            places = torch.arange(like.shape[1], device=kept.device)
            return kept[:, places * moments // like.shape[1]].to(like)

        return replace(
            self,
            frames=self.frames * stretched(self.frames)[:, :, None, None, None],
            waveform=self.waveform * stretched(self.waveform),
        )


def check_clip(clip: Clip, spec: InputSpec) -> None:
    """Make sure that a clip has what ``spec`` asks for.

    Raises:
        MediaError: The picture or the sound is missing, or sampled otherwise.
    """
    if clip.frames is None or clip.audio is None:
        missing = "picture" if clip.frames is None else "sound"
        raise MediaError(f"Clip '{clip.id}' has no {missing}.")
    count, height, width = clip.frames.shape[:3]
    if spec.frame_rule != "all" and count != len(spec.picks):
        raise MediaError(
            f"Clip '{clip.id}' came with {count} frames; the model asked for "
            f"{len(spec.picks)}."
        )
    if spec.size and (height, width) != (spec.size, spec.size):
        raise MediaError(
            f"Clip '{clip.id}' came at {height}x{width} pixels; the model asked for "
            f"{spec.size}x{spec.size}."
        )
    if spec.sample_rate and clip.sample_rate != spec.sample_rate:
        raise MediaError(
            f"Clip '{clip.id}' came at {clip.sample_rate} Hz; the model asked for "
            f"{spec.sample_rate} Hz."
        )


def collate(
    clips: Sequence[Clip], spec: InputSpec, device: torch.device | str = "cpu"
) -> Batch:
    """Stack clips that pass :func:`check_clip`, audio cut or padded to its length.

    Pictures become floats on the device. The copy to CUDA is from pinned memory and
    does not block: later work on the same stream waits for it.
    """
    waveform = np.zeros((len(clips), spec.samples), np.float32)
    lengths = np.empty(len(clips), np.int64)
    for row, clip in enumerate(clips):
        assert clip.audio is not None
        samples = clip.audio[0, : spec.samples]
        lengths[row] = len(samples)
        waveform[row, : len(samples)] = samples
    frames = np.stack([clip.frames for clip in clips if clip.frames is not None])
    device = torch.device(device)
    return Batch(
        _sent(frames, device).permute(0, 1, 4, 2, 3).float().div_(255),
        _sent(waveform, device),
        _sent(lengths, device),
    )


def _sent(array: NDArray[Any], device: torch.device) -> torch.Tensor:
    tensor = torch.from_numpy(array)
    if device.type == "cuda":
        tensor = tensor.pin_memory()
    return tensor.to(device, non_blocking=True)
