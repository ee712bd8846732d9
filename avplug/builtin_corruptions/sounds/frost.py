"""Frost: the rumble of a cold wind, and ice that cracks low and rarely."""

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

#: Octave levels in dB of two recorded sources, a bright and a deep one, and the spread.
BRIGHT = (-28.5, -18.5, -14.4, -19.6, -6.0, -2.8, -9.9, -13.3, -19.4)
DEEP = (-29.8, -14.5, -6.2, -3.4, -6.9, -14.9, -22.1, -21.4, -24.5)
SPREAD = 1.5


def render(rng: KeyedRandom, seconds: float) -> NDArray[np.float32]:
    """Return freezing, float32 [N] at 16 kHz, RMS 1."""
    count = round(seconds * RATE)
    deep = one_of(rng.stream("deep"), 0.0, 0.85)
    kind = between(BRIGHT, DEEP, deep)
    levels = varied(rng.stream("levels"), kind, SPREAD)
    slow = (0.25 + 0.15 * deep) * drift(rng.stream("slow"), count, 3.0, 1.0)
    own = one_of(rng.stream("own"), 0.15, 0.35)
    rumble = breathing(rng.stream("rumble"), count, levels, slow, own, 2.0)
    loud = one_of(rng.stream("cracks are"), 0.6, 1.3)
    cracks = _cracks(rng.stream("cracks"), count, 2 + 5 * deep)
    return unit(rumble + loud * deep * cracks).astype(np.float32)


def _cracks(rng: KeyedRandom, count: int, rate: float) -> NDArray[np.float64]:
    """Return cracks of ice, each a ringing knock, float64 [count], RMS 1."""
    starts = moments(rng.stream("starts"), count, rate)
    sizes = np.exp(0.8 * normals(rng.stream("sizes"), starts.size))
    taus = logarithmic(rng.stream("taus"), 0.02, 0.08, starts.size)
    pitches = logarithmic(rng.stream("pitches"), 110, 700, starts.size)
    rises = uniform(rng.stream("rises"), -0.05, 0.05, starts.size)
    return unit(chirps(starts, sizes, taus, pitches, rises, count))
