"""What synthesised sounds are made of: shaped noise and slow drifts.

Every function works in float64 at :data:`RATE` and draws its own numbers from the
stream it is given. Levels are those of nine octaves, as in a sound's profile: below
44 Hz, seven octaves around 63 Hz to 4 kHz, and above 5.7 kHz.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from avplug.core.randomness import KeyedRandom
from avplug.signal.quantiles import normal_table

Signal: TypeAlias = NDArray[np.float64]

#: Samples a second of every synthesised sound.
RATE = 16_000
#: Edges in Hz of the nine octaves whose levels shape a noise.
EDGES = np.array([20.0, *(62.5 * 2.0 ** np.arange(-0.5, 7)), 8_000.0])
#: Hz between the bands that breathe by themselves.
BANDS = (177.0, 707.0, 2828.0)


def uniform(rng: KeyedRandom, low: float, high: float, count: int) -> Signal:
    """Return uniform numbers, float64 [count]."""
    return low + (high - low) * rng.generator().random(count)


def one_of(rng: KeyedRandom, low: float, high: float) -> float:
    """Return one uniform number."""
    return float(uniform(rng, low, high, 1)[0])


def logarithmic(rng: KeyedRandom, low: float, high: float, count: int) -> Signal:
    """Return numbers whose logarithm is uniform, float64 [count]."""
    return np.exp(uniform(rng, np.log(low), np.log(high), count))


def normals(rng: KeyedRandom, count: int) -> Signal:
    """Return standard normal numbers, float64 [count]."""
    return normal_table().take(rng.uint16(count)).astype(np.float64)


def unit(signal: Signal) -> Signal:
    """Return a signal scaled to a mean square of 1; silence stays as it is."""
    rms = float(np.sqrt(np.mean(signal**2)))
    return signal / rms if rms else signal


def filtered(signal: Signal, levels: ArrayLike) -> Signal:
    """Return a signal, float64 [N], whose white part gets the nine octaves' levels.

    Args:
        signal: float64 [N]; it is taken as circular.
        levels: Nine levels in dB, of octaves as a whole and not per Hz.
    """
    return np.fft.irfft(np.fft.rfft(signal) * _curve(signal.size, levels), signal.size)


def shaped_noise(rng: KeyedRandom, count: int, levels: ArrayLike) -> Signal:
    """Return Gaussian noise with nine octave levels in dB, float64 [count], RMS 1.

    Magnitudes are Rayleigh and phases uniform, so that it is circular.
    """
    bins = count // 2 + 1
    spectrum = normals(rng, 2 * bins).view(np.complex128) * _curve(count, levels)
    return unit(np.fft.irfft(spectrum, count))


def between(first: ArrayLike, second: ArrayLike, share: float) -> Signal:
    """Return octave levels on the way from one kind to another, float64 [9]."""
    start = np.asarray(first, np.float64)
    return start + share * (np.asarray(second, np.float64) - start)


def varied(rng: KeyedRandom, levels: ArrayLike, spread: float) -> Signal:
    """Return nine octave levels of another source of the same kind, float64 [9].

    Args:
        rng: What it is for.
        levels: The kind's, in dB.
        spread: Standard deviation in dB; a part of it is a tilt of the whole.
    """
    drawn = normals(rng, 10)
    tilt = drawn[9] * np.linspace(-1, 1, 9)
    changed: Signal = np.asarray(levels) + spread * (0.7 * drawn[:9] + 0.9 * tilt)
    return changed


def breathing(
    rng: KeyedRandom,
    count: int,
    levels: ArrayLike,
    common: Signal,
    own: float,
    fastest: float,
) -> Signal:
    """Return shaped noise whose loudness drifts, each band's also by itself.

    Args:
        rng: What it is for.
        count: Samples.
        levels: Nine octave levels in dB.
        common: float64 [count], the logarithm of a gain that all bands share.
        own: Standard deviation of the logarithm of each band's own gain.
        fastest: Hz; no band's own gain moves faster.

    Returns:
        float64 [count], RMS 1.
    """
    bins = count // 2 + 1
    drawn = normals(rng.stream("noise"), 2 * bins).view(np.complex128)
    spectrum = drawn * _curve(count, levels)
    edges = [0, *(round(edge * count / RATE) for edge in BANDS), bins]
    noise = np.zeros(count)
    for band, (low, high) in enumerate(pairwise(edges)):
        part = np.zeros(bins, np.complex128)
        part[low:high] = spectrum[low:high]
        gain = own * drift(rng.stream("band", band), count, fastest, 1.0)
        noise += np.fft.irfft(part, count) * np.exp(gain + common)
    return unit(noise)


def drift(rng: KeyedRandom, count: int, fastest: float, slope: float = 0.0) -> Signal:
    """Return slow noise, float64 [count], zero mean, unit variance.

    Args:
        rng: What it is for.
        count: Samples.
        fastest: Hz; nothing moves faster.
        slope: Its power falls with frequency to this power: 0 is flat, 1 is pink.
    """
    bins = np.arange(1, max(2, int(fastest * count / RATE) + 1))
    spectrum = np.zeros(count // 2 + 1, np.complex128)
    drawn = normals(rng, 2 * bins.size).view(np.complex128)
    spectrum[bins] = drawn * bins ** (-slope / 2)
    return unit(np.fft.irfft(spectrum, count))


def _curve(count: int, levels: ArrayLike) -> Signal:
    """Return the amplitude of each bin of a spectrum, float64 [count // 2 + 1]."""
    density = np.asarray(levels, np.float64) - 10 * np.log10(np.diff(EDGES))
    octaves = np.log2(np.sqrt(EDGES[1:] * EDGES[:-1]))
    frequencies = np.fft.rfftfreq(count, 1 / RATE)
    heard = np.log2(np.maximum(frequencies, 1.0))
    curve: Signal = 10 ** (np.interp(heard, octaves, density) / 20)
    curve[frequencies < EDGES[0]] = 0
    return curve
