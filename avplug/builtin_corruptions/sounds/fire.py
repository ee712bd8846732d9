"""Fire: a low rumble of flames, and wood that crackles."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from avplug.builtin_corruptions.sounds.grains import bursts, moments
from avplug.builtin_corruptions.sounds.synth import (
    RATE,
    between,
    breathing,
    drift,
    logarithmic,
    normals,
    one_of,
    unit,
    varied,
)
from avplug.core.randomness import KeyedRandom

#: Octave levels in dB of recorded flames, from afar and from near, and the spread
#: between recordings.
FAR = (-6.0, -6.0, -5.0, -9.0, -22.0, -32.0, -28.0, -28.0, -32.0)
NEAR = (-30.0, -24.0, -22.0, -16.0, -15.0, -13.0, -10.0, -4.5, -7.0)
SPREAD = 4.0
#: Of a crackle.
CRACKLE = (-60.0, -50.0, -40.0, -30.0, -24.0, -16.0, -9.0, -4.0, -5.0)


def render(rng: KeyedRandom, seconds: float) -> NDArray[np.float32]:
    """Return a crackling fire, float32 [N] at 16 kHz, RMS 1."""
    count = round(seconds * RATE)
    kind = between(FAR, NEAR, one_of(rng.stream("near"), 0.0, 0.5))
    levels = varied(rng.stream("levels"), kind, SPREAD)
    slow = 0.15 * drift(rng.stream("slow"), count, 3.0, 0.5)
    rumble = breathing(rng.stream("rumble"), count, levels, slow, 0.15, 5.0)
    loud = one_of(rng.stream("crackles are"), 0.5, 1.5)
    crackles = _crackles(rng.stream("crackles"), count)
    return unit(rumble + loud * crackles).astype(np.float32)


def _crackles(rng: KeyedRandom, count: int) -> NDArray[np.float64]:
    """Return crackles, few of them loud, float64 [count], RMS 1."""
    rate = one_of(rng.stream("rate"), 8, 30)
    starts = moments(rng.stream("starts"), count, rate)
    sizes = np.exp(1.3 * normals(rng.stream("sizes"), starts.size))
    taus = logarithmic(rng.stream("taus"), 0.0003, 0.004, starts.size)
    return unit(bursts(rng.stream("noise"), starts, sizes, taus, CRACKLE, count))
