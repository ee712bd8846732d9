"""Underwater: noise with the octave levels of recordings."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from avplug.builtin_corruptions.sounds.synth import RATE, shaped_noise
from avplug.core.randomness import KeyedRandom

LEVELS = (-30.3, -19.6, -8.7, -4.4, -8.4, -17.9, -31.3, -40.8, -44.3)


def render(rng: KeyedRandom, seconds: float) -> NDArray[np.float32]:
    """Return underwater, float32 [N] at 16 kHz."""
    count = round(seconds * RATE)
    return shaped_noise(rng.stream("noise"), count, LEVELS).astype(np.float32)
