"""Rain: steady noise near pink, and the drops that are close enough to be heard."""

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

#: Octave levels in dB of recorded rain with little and with much of the wind in it,
#: and the spread between recordings.
CALM = (-25.0, -16.0, -12.0, -9.0, -9.0, -8.0, -9.0, -9.5, -13.0)
WINDY = (-5.0, -11.0, -10.0, -11.0, -14.0, -14.0, -13.0, -11.0, -14.0)
SPREAD = 4.0


def render(rng: KeyedRandom, seconds: float) -> NDArray[np.float32]:
    """Return rain, float32 [N] at 16 kHz, RMS 1."""
    count = round(seconds * RATE)
    kind = between(CALM, WINDY, one_of(rng.stream("windy"), 0.0, 1.0))
    levels = varied(rng.stream("levels"), kind, SPREAD)
    slow = one_of(rng.stream("depth"), 0.04, 0.16) * drift(
        rng.stream("slow"), count, 6.0, 0.5
    )
    own = one_of(rng.stream("own"), 0.05, 0.25)
    steady = breathing(rng.stream("steady"), count, levels, slow, own, 12.0)
    near = one_of(rng.stream("near"), 0.25, 0.6)
    return unit(steady + near * _drops(rng.stream("drops"), count)).astype(np.float32)


def _drops(rng: KeyedRandom, count: int) -> NDArray[np.float64]:
    """Return drops on something hard, each a short chirp, float64 [count], RMS 1."""
    rate = one_of(rng.stream("rate"), 60, 200)
    starts = moments(rng.stream("starts"), count, rate)
    sizes = np.exp(0.7 * normals(rng.stream("sizes"), starts.size))
    taus = logarithmic(rng.stream("taus"), 0.0008, 0.004, starts.size)
    pitches = logarithmic(rng.stream("pitches"), 1_000, 6_000, starts.size)
    rises = uniform(rng.stream("rises"), 0, 0.1, starts.size)
    return unit(chirps(starts, sizes, taus, pitches, rises, count))
