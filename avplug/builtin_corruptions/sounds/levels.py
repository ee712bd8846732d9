"""Octave levels of a spectrum: measured, evened out, and set to a recording's."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from avplug.builtin_corruptions.sounds.synth import EDGES, RATE, Signal

Spectrum: TypeAlias = NDArray[np.complex128]


def frequencies_of(count: int) -> Signal:
    """Return the frequency of each bin in Hz, float64 [count // 2 + 1]."""
    return np.fft.rfftfreq(count, 1 / RATE).astype(np.float64)


def spectrum_of(signal: Signal) -> Spectrum:
    """Return the spectrum of a signal, complex128 [count // 2 + 1]."""
    return np.fft.rfft(signal).astype(np.complex128)


def levelled(spectrum: Spectrum, count: int, levels: ArrayLike) -> Spectrum:
    """Return a spectrum changed smoothly, so that its octaves have these levels.

    It comes out equally strong however strong it was.

    Args:
        spectrum: complex128 [count // 2 + 1].
        count: Samples of the signal.
        levels: Nine levels in dB, of octaves as a whole; met within a decibel or so.
    """
    frequencies = frequencies_of(count)
    octave = np.searchsorted(EDGES[1:-1], frequencies, "right")
    energy = np.bincount(octave, np.abs(spectrum) ** 2, len(EDGES) - 1)
    there = 10 * np.log10(energy + 1e-12 * energy.sum() + 1e-30)
    centres = np.log2(np.sqrt(EDGES[1:] * EDGES[:-1]))
    heard = np.log2(np.maximum(frequencies, 1.0))
    change = np.asarray(levels, np.float64) - there
    gains = 10 ** (np.interp(heard, centres, change) / 20)
    gains[frequencies < EDGES[0]] = 0
    changed: Spectrum = spectrum * gains
    return changed
