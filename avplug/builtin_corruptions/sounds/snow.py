"""Snow: noise with the octave levels of recordings."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from avplug.builtin_corruptions.sounds.synth import RATE, shaped_noise
from avplug.core.randomness import KeyedRandom

LEVELS = (-24.1, -14.7, -13.9, -14.7, -15.2, -12.1, -8.8, -5.2, -5.2)


def render(rng: KeyedRandom, seconds: float) -> NDArray[np.float32]:
    """Return snow, float32 [N] at 16 kHz."""
    count = round(seconds * RATE)
    return shaped_noise(rng.stream("noise"), count, LEVELS).astype(np.float32)
