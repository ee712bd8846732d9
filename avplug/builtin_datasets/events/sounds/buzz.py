"""A drone full of harmonics that growls up at each beat."""

from __future__ import annotations

import numpy as np

from avplug.builtin_datasets.events.draw import Draw
from avplug.builtin_datasets.events.rhythm import Rhythm
from avplug.builtin_datasets.events.sounds.synth import RATE, TIMES, Wave, swell, tone
from avplug.core.randomness import KeyedRandom


def buzz(rng: KeyedRandom, rhythm: Rhythm) -> Wave:
    """Return a buzz through the whole clip, louder and higher at each beat."""
    draw = Draw(rng)
    pitch, wobble = draw.ratio(100, 230), draw.between(0.01, 0.03)
    bright, steady = draw.between(0.6, 1.0), draw.between(0.3, 0.6)
    lift = swell(rhythm, 0.05, draw.between(0.12, 0.25))
    cycles = pitch * (TIMES - wobble / 40 * np.cos(40 * TIMES))
    cycles += np.cumsum(lift, dtype=np.float64) * (0.12 * pitch / RATE)
    harmonics = [order**-bright for order in range(1, int(4200 / pitch))]
    return tone(cycles, harmonics) * (steady + (1 - steady) * lift).astype(np.float32)
