"""Siren: a wail, a yelp or two tones, through a street."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from avplug.builtin_corruptions.sounds.synth import (
    RATE,
    Signal,
    normals,
    one_of,
    shaped_noise,
    unit,
)
from avplug.core.randomness import KeyedRandom

#: Amplitudes of the harmonics of a siren's horn.
HARMONICS = (1.0, 0.35, 0.2, 0.1, 0.06)
#: Octave levels in dB of the street.
STREET = (-14.0, -12.0, -10.0, -9.0, -9.0, -9.0, -11.0, -15.0, -20.0)
#: Seconds in which the echoes of a street die away, by 60 dB.
ECHO = 0.3


def render(rng: KeyedRandom, seconds: float) -> NDArray[np.float32]:
    """Return a siren, float32 [N] at 16 kHz, RMS 1."""
    count = round(seconds * RATE)
    low = one_of(rng.stream("low"), 450, 750)
    high = low * one_of(rng.stream("ratio"), 1.6, 2.4)
    pitch = low * (high / low) ** _sweep(rng.stream("sweep"), count)
    turns = 2 * np.pi * np.cumsum(pitch) / RATE
    horn = np.zeros(count)
    for number, amplitude in enumerate(HARMONICS, 1):
        horn += np.where(number * pitch < RATE / 2, amplitude, 0) * np.sin(
            number * turns
        )
    street = shaped_noise(rng.stream("street"), count, STREET)
    noisy = one_of(rng.stream("noisy"), 0.04, 0.16)
    heard = unit(_echoed(rng.stream("echo"), horn)) + noisy * street
    return unit(heard).astype(np.float32)


def _sweep(rng: KeyedRandom, count: int) -> Signal:
    """Return where between its lowest and highest pitch a siren is, 0..1 [count]."""
    kind, speed, phase = rng.generator().random(3)
    time = np.arange(count) / RATE
    if kind < 0.5:  # wail
        turn = time * (0.15 + 0.25 * speed) + phase
        place = 0.5 - 0.5 * np.cos(2 * np.pi * turn)
    elif kind < 0.75:  # yelp: it rises slower than it falls
        turn = (time * (2.5 + 1.5 * speed) + phase) % 1
        place = np.minimum(turn / 0.7, (1 - turn) / 0.3)
    else:  # two tones
        turn = time * (0.7 + 0.5 * speed) + phase
        place = 0.3 + 0.4 / (1 + np.exp(-60 * np.sin(2 * np.pi * turn)))
    return np.asarray(place, np.float64)


def _echoed(rng: KeyedRandom, sound: Signal) -> Signal:
    """Return a sound with diffuse echoes, circular, float64 [N]."""
    time = np.arange(min(round(ECHO * RATE), sound.size)) / RATE
    echoes = normals(rng, time.size) * 10 ** (-3 * time / ECHO)
    response = np.zeros(sound.size)
    response[: time.size] = 0.6 * echoes / np.sqrt(np.sum(echoes**2))
    response[0] += 1
    return np.fft.irfft(np.fft.rfft(sound) * np.fft.rfft(response), sound.size)
