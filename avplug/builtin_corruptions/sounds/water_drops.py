"""Water drops: single drips that ring and rise, over a room that is almost quiet."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from avplug.builtin_corruptions.sounds.grains import bursts, chirps, moments
from avplug.builtin_corruptions.sounds.synth import (
    RATE,
    logarithmic,
    normals,
    one_of,
    shaped_noise,
    uniform,
    unit,
    varied,
)
from avplug.core.randomness import KeyedRandom

#: Octave levels in dB of the room around recorded drops, and their spread.
ROOM = (-14.0, -14.0, -12.0, -12.0, -10.0, -10.0, -9.0, -9.0, -9.0)
SPREAD = 6.0
#: Of the click of a drop that hits a surface.
CLICK = (-60.0, -60.0, -50.0, -40.0, -30.0, -16.0, -8.0, -3.0, -5.0)


def render(rng: KeyedRandom, seconds: float) -> NDArray[np.float32]:
    """Return dripping water, float32 [N] at 16 kHz, RMS 1."""
    count = round(seconds * RATE)
    drops, clicks = _drops(rng.stream("drops"), count)
    room = shaped_noise(
        rng.stream("room"), count, varied(rng.stream("levels"), ROOM, SPREAD)
    )
    quiet = 10 ** (one_of(rng.stream("quiet"), -35, -6) / 20)
    sharp = one_of(rng.stream("sharp"), 0.02, 0.6)
    return unit(drops + sharp * clicks + quiet * room).astype(np.float32)


def _drops(
    rng: KeyedRandom, count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what rings after each drop, and its click, float64 [count], RMS 1."""
    rate = 2 ** one_of(rng.stream("rate"), 0.8, 3.1)
    starts = moments(rng.stream("starts"), count, rate)
    sizes = np.exp(0.7 * normals(rng.stream("sizes"), starts.size))
    middle = 1_100 * 2 ** one_of(rng.stream("middle"), -1.8, 1.2)
    pitches = middle * logarithmic(rng.stream("pitches"), 0.6, 1.7, starts.size)
    taus = logarithmic(rng.stream("taus"), 0.008, 0.04, starts.size)
    rises = uniform(rng.stream("rises"), 0, 0.2, starts.size)
    ringing = chirps(starts, sizes, taus, pitches, rises, count)
    short = logarithmic(rng.stream("short"), 0.0005, 0.003, starts.size)
    clicks = bursts(rng.stream("noise"), starts, sizes, short, CLICK, count)
    return unit(ringing), unit(clicks)
