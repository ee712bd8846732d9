"""Short, small copies of clips, to be looked at and listened to."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from avplug.core.clip import Clip, InputSpec

#: Frames a second, at most, and pixels across.
RATE, WIDTH = 10.0, 240


def excerpt_spec(seconds: float) -> InputSpec:
    """Return what to read of the beginning of a long clip: few frames, one channel."""
    parts = max(1, round(seconds * RATE))
    return InputSpec(0, 0, 0.0, parts, tuple(range(parts)), "centre", "mean")


def excerpt(clip: Clip, seconds: float, width: int = WIDTH) -> Clip:
    """Return the first ``seconds`` of a clip, at most 10 frames each, and small.

    Frames wider than ``width`` are resized by area; odd sizes lose a row or column, as
    H.264 needs even ones.
    """
    frames, times, audio = clip.frames, clip.times, clip.audio
    if frames is not None and times is not None:
        kept = _kept(times, seconds)
        times = times[kept]
        frames = np.stack([_small(frame, width) for frame in frames[kept]])
    if audio is not None:
        audio = audio[:, : max(1, round(seconds * clip.sample_rate))]
    return replace(
        clip,
        frames=frames,
        times=times,
        audio=audio,
        duration=min(clip.duration, seconds),
    )


def _kept(times: NDArray[np.float64], seconds: float) -> NDArray[np.int64]:
    """Return the first frame of each moment that is shown; at least one."""
    within = max(1, int(np.searchsorted(times, seconds)))
    moments = np.floor((times[:within] - times[0]) * RATE + 1e-6)
    return np.unique(moments, return_index=True)[1]


def _small(frame: NDArray[np.uint8], width: int) -> NDArray[np.uint8]:
    height, across = frame.shape[:2]
    if across > width:
        size = width, max(1, round(height * width / across))
        frame = np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA))
    height, across = frame.shape[:2]
    if min(height, across) < 2:
        return frame
    return frame[: height // 2 * 2, : across // 2 * 2]
