"""Frost: noise with the octave levels of recordings."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from avplug.builtin_corruptions.sounds.synth import RATE, shaped_noise
from avplug.core.randomness import KeyedRandom

LEVELS = (-29.0, -16.9, -11.1, -13.1, -6.3, -7.7, -14.8, -16.6, -21.4)


def render(rng: KeyedRandom, seconds: float) -> NDArray[np.float32]:
    """Return frost, float32 [N] at 16 kHz."""
    count = round(seconds * RATE)
    return shaped_noise(rng.stream("noise"), count, LEVELS).astype(np.float32)
