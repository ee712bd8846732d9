"""What the sounds are made of: grains at the beats, harmonic tones, coloured noise."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from avplug.builtin_datasets.events.rhythm import DURATION, Rhythm
from avplug.core.randomness import KeyedRandom

Wave = NDArray[np.float32]

#: Sample rate at which sounds are made, in Hz; other rates are resampled from it.
RATE = 16_000

#: Samples of a clip.
SAMPLES = round(DURATION * RATE)

#: When each sample is heard, in seconds, float64 [SAMPLES].
TIMES = np.arange(SAMPLES) / RATE

_TABLE = 4096


def span(seconds: float) -> NDArray[np.float64]:
    """Return the times of the samples of a grain of some length, from 0."""
    return np.arange(round(seconds * RATE)) / RATE


def at_beats(rhythm: Rhythm, grain: Callable[[int], Wave]) -> Wave:
    """Return the sum of a grain for each beat, as loud as the beat is strong.

    Args:
        rhythm: The beats; those before the clip ring on into it.
        grain: Gives the samples that start at a beat, by the beat's index.
    """
    sound = np.zeros(SAMPLES, np.float32)
    for beat, (time, strength) in enumerate(
        zip(rhythm.times, rhythm.strengths, strict=True)
    ):
        if time >= DURATION:
            break
        piece, start = grain(beat), round(time * RATE)
        skipped = max(-start, 0)
        piece = piece[skipped : SAMPLES - start]
        start += skipped
        sound[start : start + len(piece)] += np.float32(strength) * piece
    return sound


def tone(cycles: NDArray[np.float64], harmonics: Sequence[float]) -> Wave:
    """Return a harmonic tone.

    Args:
        cycles: Phase of the fundamental at each sample, in turns, float64 [N].
        harmonics: Amplitudes of the fundamental and its multiples.
    """
    turn = np.arange(_TABLE) * (2 * np.pi / _TABLE)
    rows = np.sin(turn * np.arange(1, len(harmonics) + 1)[:, None])
    table = (np.asarray(harmonics) @ rows).astype(np.float32)
    wave: Wave = table[(cycles * _TABLE).astype(np.int64) % _TABLE]
    return wave


def swell(rhythm: Rhythm, attack: float, fade: float) -> Wave:
    """Return 0 .. 1 at each sample: rises into every beat and falls after it.

    Args:
        rhythm: The beats.
        attack: Seconds in which it rises by the factor e.
        fade: Seconds in which it falls by the factor e.
    """
    level = np.zeros(SAMPLES, np.float32)
    for time, strength in zip(rhythm.times, rhythm.strengths, strict=True):
        first = min(max(round((time - 4 * attack) * RATE), 0), SAMPLES)
        peak = min(max(round(time * RATE), 0), SAMPLES)
        last = min(max(round((time + 4 * fade) * RATE), 0), SAMPLES)
        before = (TIMES[first:peak] - time) / attack
        after = (time - TIMES[peak:last]) / fade
        shape = np.exp(np.concatenate([before, after])).astype(np.float32)
        part = level[first:last]
        np.maximum(part, np.float32(strength) * shape, out=part)
    return level


def noise(rng: KeyedRandom, gains: Callable[[Wave], Wave], samples: int) -> Wave:
    """Return noise of unit power whose spectrum is flat times ``gains``.

    Args:
        rng: The stream that it depends on.
        gains: Gives the amplitude at each frequency in Hz (never 0).
        samples: Length.
    """
    bins = samples // 2
    frequencies = np.arange(1, bins + 1, dtype=np.float32) * np.float32(RATE / samples)
    phases = rng.uint16(bins).astype(np.float32) * np.float32(2 * np.pi / 65536)
    spectrum = np.zeros(bins + 1, np.complex64)
    level = gains(frequencies)
    spectrum.real[1:] = level * np.cos(phases)
    spectrum.imag[1:] = level * np.sin(phases)
    sound = np.fft.irfft(spectrum, samples)
    return (sound / max(float(np.sqrt(np.mean(sound**2))), 1e-12)).astype(np.float32)


def band(centre: float, octaves: float) -> Callable[[Wave], Wave]:
    """Return gains that fall on both sides of a frequency, for :func:`noise`."""

    def gains(frequencies: Wave) -> Wave:
        distance = np.log2(frequencies / np.float32(centre)) / np.float32(octaves)
        shape: Wave = np.exp(-0.5 * distance * distance)
        return shape

    return gains
