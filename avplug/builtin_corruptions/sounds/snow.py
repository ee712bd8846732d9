"""Snow: the hiss of falling flakes, and the ticks and crunches of those that break."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from avplug.builtin_corruptions.sounds.grains import bursts, moments
from avplug.builtin_corruptions.sounds.synth import (
    RATE,
    breathing,
    drift,
    logarithmic,
    normals,
    one_of,
    unit,
    varied,
)
from avplug.core.randomness import KeyedRandom

#: Octave levels in dB of recorded snowfall, and their spread between recordings.
LEVELS = (-24.1, -14.7, -13.9, -14.7, -15.2, -12.1, -8.8, -5.2, -5.2)
SPREAD = 1.6
#: Of crunches, of snow that breaks, and of ticks, of single grains.
CRUNCH = (-40.0, -12.0, -7.0, -6.0, -10.0, -16.0, -24.0, -30.0, -36.0)
TICK = (-50.0, -40.0, -36.0, -32.0, -26.0, -18.0, -9.0, -4.0, -3.0)


def render(rng: KeyedRandom, seconds: float) -> NDArray[np.float32]:
    """Return falling snow, float32 [N] at 16 kHz, RMS 1."""
    count = round(seconds * RATE)
    levels = varied(rng.stream("levels"), LEVELS, SPREAD)
    slow = 0.15 * drift(rng.stream("slow"), count, 10.0, 0.5)
    hiss = breathing(rng.stream("hiss"), count, levels, slow, 0.18, 15.0)
    ticks = _grains(rng.stream("ticks"), count, (30, 50), (0.0006, 0.004), TICK)
    crunches = _grains(rng.stream("crunches"), count, (6, 15), (0.004, 0.03), CRUNCH)
    loud = one_of(rng.stream("ticks are"), 0.6, 0.9)
    return unit(hiss + loud * ticks + 0.3 * crunches).astype(np.float32)


def _grains(
    rng: KeyedRandom,
    count: int,
    rates: tuple[float, float],
    lengths: tuple[float, float],
    levels: tuple[float, ...],
) -> NDArray[np.float64]:
    """Return bursts of noise of unequal size, float64 [count], RMS 1."""
    rate = one_of(rng.stream("rate"), *rates)
    starts = moments(rng.stream("starts"), count, rate)
    sizes = np.exp(0.8 * normals(rng.stream("sizes"), starts.size))
    taus = logarithmic(rng.stream("taus"), *lengths, starts.size)
    return unit(bursts(rng.stream("noise"), starts, sizes, taus, levels, count))
