"""The band of a telephone line."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: Where an analogue line begins and ceases to carry, in Hz, and how gradually.
LOW, HIGH, SLOPE = 300.0, 3400.0, 100.0


def telephone_band(samples: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    """Return samples [C, N] without what lies outside 300 to 3400 Hz.

    The slopes are cosines of 100 Hz around both ends; phases stay.
    """
    count = samples.shape[1]
    # Twice as long, so that the end does not ring into the beginning.
    spectrum = np.fft.rfft(samples, 2 * count, axis=1)
    frequencies = np.fft.rfftfreq(2 * count, 1 / rate)
    above = np.clip((frequencies - LOW) / SLOPE + 0.5, 0, 1)
    below = np.clip((HIGH - frequencies) / SLOPE + 0.5, 0, 1)
    gain = np.sin(np.pi / 2 * np.minimum(above, below)) ** 2
    kept = np.fft.irfft(spectrum * gain, 2 * count, axis=1)[:, :count]
    return kept.astype(np.float32)
