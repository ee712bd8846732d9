"""Sounds without an end: a stretch of sound whose end runs into its beginning."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from avplug.media.sound import resample


def looped(samples: NDArray[np.float32], fade: int) -> NDArray[np.float32]:
    """Return a sound, float32 [N], as a loop: its end is faded into its beginning.

    The two are unrelated, so that their powers add up to a constant.

    Args:
        samples: float32 [N].
        fade: Samples of the cross-fade; half of the sound at most.

    Returns:
        float32 [N - fade], read-only.
    """
    fade = min(fade, samples.size // 2)
    loop = samples[: samples.size - fade].copy()
    angle = (np.arange(fade) + 0.5) / max(fade, 1) * (np.pi / 2)
    tail = samples[samples.size - fade :]
    loop[:fade] = np.sin(angle) * loop[:fade] + np.cos(angle) * tail
    loop.flags.writeable = False
    return loop


def resampled_loop(
    loop: NDArray[np.float32], rate: int, target: int
) -> NDArray[np.float32]:
    """Return a loop of whole seconds at another rate, float32, read-only, seamless."""
    if rate == target:
        return loop
    # A second of its neighbourhood at both ends: the filter sees no edge.
    long = np.concatenate([loop[-rate:], loop, loop[:rate]])
    around = resample(long, rate, target)[target:-target]
    around.flags.writeable = False
    return around


def stretch(
    loop: NDArray[np.float32],
    position: float,
    count: int,
    gain: float | NDArray[np.float32] = 1.0,
) -> NDArray[np.float32]:
    """Return ``count`` samples of a loop from a position in 0..1, times a gain.

    It is a new array, float32 [count]; or the gains' own memory, where there is one
    for each sample, float32 [count].
    """
    start = int(position * loop.size)
    if isinstance(gain, np.ndarray):
        part, factor = gain, None
    else:
        part, factor = np.empty(count, np.float32), np.float32(gain)
    filled = 0
    while filled < count:
        piece = loop[start : start + count - filled]
        target = part[filled : filled + piece.size]
        np.multiply(piece, target if factor is None else factor, out=target)
        filled += piece.size
        start = 0
    return part
