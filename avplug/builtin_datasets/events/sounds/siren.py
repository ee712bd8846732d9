"""A two-tone horn that glides from one tone to the other with the beats."""

from __future__ import annotations

import numpy as np

from avplug.builtin_datasets.events.draw import Draw
from avplug.builtin_datasets.events.rhythm import Rhythm
from avplug.builtin_datasets.events.sounds.synth import RATE, TIMES, Wave, swell, tone
from avplug.core.randomness import KeyedRandom


def siren(rng: KeyedRandom, rhythm: Rhythm) -> Wave:
    """Return a siren that is at an end of its sweep at each beat."""
    draw = Draw(rng)
    low, ratio = draw.ratio(420, 800), draw.ratio(1.45, 2.1)
    octave, third = draw.between(0.2, 0.6), draw.between(0.1, 0.4)
    height = 0.5 - 0.5 * np.cos(np.pi * rhythm.position(TIMES))
    cycles = np.cumsum(low * ratio**height) / RATE
    lift = 0.75 + 0.25 * swell(rhythm, 0.05, 0.2)
    return tone(cycles, (1.0, octave, third)) * lift.astype(np.float32)
