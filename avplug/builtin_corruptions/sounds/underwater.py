"""Underwater: a deep rumble without treble, and bubbles that rise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from avplug.builtin_corruptions.sounds.grains import chirps, moments
from avplug.builtin_corruptions.sounds.synth import (
    RATE,
    between,
    breathing,
    drift,
    logarithmic,
    normals,
    one_of,
    uniform,
    unit,
    varied,
)
from avplug.core.randomness import KeyedRandom

#: Octave levels in dB of two recorded sources, a far and a near one, and the spread.
FAR = (-13.7, -7.3, -7.9, -2.7, -13.6, -36.3, -51.2, -67.8, -71.0)
NEAR = (-40.8, -27.3, -9.2, -5.5, -5.1, -6.4, -18.7, -23.7, -27.5)
SPREAD = 2.5


def render(rng: KeyedRandom, seconds: float) -> NDArray[np.float32]:
    """Return the sound under water, float32 [N] at 16 kHz, RMS 1."""
    count = round(seconds * RATE)
    near = one_of(rng.stream("near"), 0.1, 1.0)
    kind = between(FAR, NEAR, near)
    levels = varied(rng.stream("levels"), kind, SPREAD)
    slow = 0.02 * drift(rng.stream("slow"), count, 3.0, 1.0)
    rumble = breathing(rng.stream("rumble"), count, levels, slow, 0.22, 4.0)
    bubbles = _bubbles(rng.stream("bubbles"), count)
    loud = one_of(rng.stream("bubbles are"), 0.5, 0.9)
    return unit(rumble + loud * bubbles).astype(np.float32)


def _bubbles(rng: KeyedRandom, count: int) -> NDArray[np.float64]:
    """Return rising bubbles, whose pitch rises too, float64 [count], RMS 1."""
    rate = one_of(rng.stream("rate"), 15, 40)
    starts = moments(rng.stream("starts"), count, rate)
    sizes = np.exp(0.5 * normals(rng.stream("sizes"), starts.size))
    taus = logarithmic(rng.stream("taus"), 0.01, 0.04, starts.size)
    pitches = logarithmic(rng.stream("pitches"), 150, 900, starts.size)
    rises = uniform(rng.stream("rises"), 0.02, 0.15, starts.size)
    return unit(chirps(starts, sizes, taus, pitches, rises, count))
