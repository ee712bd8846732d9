"""Crowd: the babble of many people in a room, no word of which can be understood."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avplug.builtin_corruptions.sounds.levels import (
    Spectrum,
    frequencies_of,
    levelled,
    spectrum_of,
)
from avplug.builtin_corruptions.sounds.synth import (
    RATE,
    Signal,
    drift,
    normals,
    one_of,
    uniform,
    unit,
    varied,
)
from avplug.core.randomness import KeyedRandom

#: First three formants in Hz of vowels, for voices as deep as a man's.
VOWELS = np.array(
    [
        (730, 1090, 2440),
        (570, 840, 2410),
        (660, 1720, 2410),
        (530, 1840, 2480),
        (490, 1350, 1690),
        (640, 1190, 2390),
    ],
    np.float64,
)
#: How much higher the formants of a high voice are.
HIGH = 1.16
#: Half the width of a formant in Hz, its strength, and what lies between formants.
WIDTHS, STRENGTHS, BETWEEN = (70.0, 90.0, 140.0), (1.0, 0.7, 0.4), 0.06
#: Octave levels in dB of recorded crowds, and their spread between recordings.
LEVELS = (-36.0, -34.0, -24.0, -13.0, -7.0, -4.0, -11.7, -19.8, -32.5)
SPREAD = 2.5
#: How much of the deep noise of a room is there, in dB, by octave.
BASS, ROOM = (-25.0, 20.0), np.array([1.0, 1.0, 1.0, 0.5, 0.2, 0.0, 0.0, 0.0, 0.0])
#: Least and largest amplitude of consonants and breath, which nobody tells apart.
HISS = (0.25, 0.55)
#: Moments a second at which the pitch of a voice is known.
CONTROL = 1_000


@dataclass(frozen=True, slots=True)
class Speech:
    """Pulses of a throat: vowel, time in seconds and strength, each [pulses]."""

    vowels: NDArray[np.int64]
    times: Signal
    levels: Signal


def render(rng: KeyedRandom, seconds: float) -> NDArray[np.float32]:
    """Return babble, float32 [N] at 16 kHz, RMS 1."""
    count = round(seconds * RATE)
    voices = int(one_of(rng.stream("voices"), 7, 25))
    near = one_of(rng.stream("near"), 0.3, 0.9)
    loud = np.exp(near * normals(rng.stream("loud"), voices))
    spoken = [_spoken(rng.stream("voice", i), seconds, loud[i]) for i in range(voices)]
    frequencies = frequencies_of(count)
    speech = np.zeros(frequencies.size, np.complex128)
    pulses = _pulse_trains(spoken, count)
    for row, vowel in zip(pulses, (*VOWELS, *(HIGH * VOWELS)), strict=True):
        speech += spectrum_of(row) * _mouth(frequencies, vowel)
    speech *= _room(rng.stream("room"), count)
    hiss = spectrum_of(normals(rng.stream("hiss"), count) * _busy(pulses))
    bass = one_of(rng.stream("bass"), *BASS) * ROOM
    levels = bass + varied(rng.stream("levels"), LEVELS, SPREAD)
    breath = one_of(rng.stream("breath"), *HISS)
    both = levelled(speech, count, levels) + breath * levelled(hiss, count, levels)
    babble = np.fft.irfft(both, count)
    depth = one_of(rng.stream("depth"), 0.15, 0.6)
    swell = depth * drift(rng.stream("swell"), count, 0.8, 0.5)
    return unit(babble * np.exp(swell)).astype(np.float32)


def _spoken(rng: KeyedRandom, seconds: float, loudness: float) -> Speech:
    """Return what one person says."""
    number = int(9 * seconds) + 9
    high = one_of(rng.stream("high"), 0, 1) < 0.5
    starts, lengths, sizes = _syllables(rng, number)
    vowels = uniform(rng.stream("vowels"), 0, len(VOWELS), number).astype(np.int64)
    vowels += len(VOWELS) * high

    moments = np.arange(int(seconds * CONTROL) + 2) / CONTROL
    pitch = one_of(rng.stream("pitch"), *((170, 260) if high else (95, 145)))
    # A drift is a signal at the sound's rate: its slow part, told at a slower one.
    bend = drift(rng.stream("bend"), moments.size, 3.0 * RATE / CONTROL, 1.0)
    turns = np.cumsum(pitch * np.exp(0.12 * bend)) / CONTROL
    times = np.interp(np.arange(1, int(turns[-1])), turns, moments)

    which = (np.searchsorted(starts, times, "right") - 1).clip(0)
    way = (times - starts[which]) / lengths[which]
    voiced = (way > 0) & (way < 1)
    times, which, way = times[voiced], which[voiced], way[voiced]
    shape = np.sin(np.pi * way**0.7) ** 1.2
    return Speech(vowels[which], times, loudness * sizes[which] * shape)


def _syllables(rng: KeyedRandom, number: int) -> tuple[Signal, Signal, Signal]:
    """Return starts and lengths in seconds, and sizes, of syllables and pauses."""
    gaps = 0.17 * np.exp(0.4 * normals(rng.stream("gaps"), number))
    lengths = gaps * uniform(rng.stream("lengths"), 0.7, 1.0, number)
    pauses = uniform(rng.stream("pauses"), 0, 1, number) < 0.1
    gaps += pauses * uniform(rng.stream("silence"), 0.2, 1.2, number)
    starts = np.cumsum(gaps) - gaps - one_of(rng.stream("before"), 0, 1)
    return starts, lengths, np.exp(0.4 * normals(rng.stream("sizes"), number))


def _pulse_trains(spoken: list[Speech], count: int) -> Signal:
    """Return the pulses of all voices by vowel, float64 [2 vowels, count]."""
    kinds = 2 * len(VOWELS)
    vowels = np.concatenate([one.vowels for one in spoken])
    place = np.concatenate([one.times for one in spoken]) * RATE
    level = np.concatenate([one.levels for one in spoken])
    first = place.astype(np.int64).clip(0, count - 2)
    late = place - first
    flat = vowels * count + first
    both = np.concatenate([flat, flat + 1])
    weights = np.concatenate([level * (1 - late), level * late])
    trains: Signal = np.bincount(both, weights, kinds * count).astype(np.float64)
    return trains.reshape(kinds, count)


def _mouth(frequencies: Signal, formants: Signal) -> Spectrum:
    """Return what a mouth makes of pulses in a vowel, complex128 [bins]."""
    response = np.full(frequencies.size, BETWEEN, np.complex128)
    for centre, width, strength in zip(formants, WIDTHS, STRENGTHS, strict=True):
        response += strength / (1 + 1j * (frequencies - centre) / width)
    return response


def _room(rng: KeyedRandom, count: int) -> Spectrum:
    """Return what a room adds to a sound: a short diffuse echo, complex128 [bins]."""
    echo = np.zeros(count)
    tail = min(round(0.4 * RATE), count)
    echo[:tail] = normals(rng, tail) * np.exp(-6.9 * np.arange(tail) / tail)
    room: Spectrum = 1 + 0.8 * spectrum_of(echo / np.sqrt((echo**2).sum()))
    return room


def _busy(pulses: Signal) -> Signal:
    """Return how loud the room is, float64 [count], in steps of 1/50 s."""
    step = RATE // 50
    energy = (pulses**2).sum(axis=0)
    padded = np.append(energy, np.zeros(-energy.size % step))
    busy = np.sqrt(padded.reshape(-1, step).mean(axis=1))
    middles = (np.arange(busy.size) + 0.5) * step
    level: Signal = np.interp(np.arange(energy.size), middles, busy)
    return level
