"""Adding noise to sound at a signal-to-noise ratio (SNR)."""

from __future__ import annotations

from math import inf, log10, sqrt
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray


def power(samples: NDArray[np.floating[Any]]) -> float:
    """Return the mean square over all channels and samples; 0 without samples.

    Args:
        samples: Floating point [C, N].
    """
    if not samples.size:
        return 0.0
    # OpenCV sums in double precision: the order of summation, which differs between
    # machines, no longer reaches the float32 result.
    return float(cv2.norm(samples, cv2.NORM_L2SQR)) / samples.size


def mix_at_snr(
    signal: NDArray[np.float32],
    noise: NDArray[np.float32],
    snr_db: float,
    reuse: bool = False,
) -> NDArray[np.float32]:
    """Return ``signal`` plus ``noise`` scaled to the SNR; nothing is clipped.

    There is one scale for the whole clip, ``sqrt(Ps / (Pn 10^(snr/10)))``, with the
    powers pooled over the channels: a quiet channel gets as much noise as a loud one,
    and mono is stereo with one channel. There is no floor under the powers, so that
    the SNR holds at any loudness. A silent signal or silent noise has no SNR: then
    the signal comes back unchanged.

    Args:
        signal: float32 [C, N].
        noise: float32 [C, N] or [1, N], at any level.
        snr_db: Decibels; lower is noisier.
        reuse: The noise is not needed any more: its memory may hold the result.

    Returns:
        float32 [C, N], not the signal's memory. It may leave -1..1.

    Raises:
        ValueError: The noise fits neither every channel nor one.
    """
    if noise.shape not in (signal.shape, (1, *signal.shape[1:])):
        raise ValueError(
            f"Noise {list(noise.shape)} does not fit a signal {list(signal.shape)}."
        )
    signal_power, noise_power = power(signal), power(noise)
    if not (signal_power > 0 and noise_power > 0):
        return signal.copy()
    scale = np.float32(sqrt(signal_power / noise_power) * 10 ** (-snr_db / 20))
    mixed = np.multiply(noise, scale, out=noise if reuse else None)
    if mixed.shape != signal.shape:
        return mixed + signal
    mixed += signal
    return mixed


def achieved_snr_db(
    clean: NDArray[np.float32], corrupted: NDArray[np.float32]
) -> float:
    """Return the SNR that a corrupted clip really has, such as after clipping.

    Args:
        clean: float32 [C, N].
        corrupted: float32 [C, N].

    Returns:
        Decibels, pooled over the channels; infinite if nothing was changed, minus
        infinite if the clean clip is silent and the other is not.
    """
    noise_power = power(corrupted.astype(np.float64) - clean)
    if noise_power == 0:
        return inf
    signal_power = power(clean)
    return 10 * log10(signal_power / noise_power) if signal_power else -inf
