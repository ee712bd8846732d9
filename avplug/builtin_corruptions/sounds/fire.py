"""Fire: noise with the octave levels of recordings."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from avplug.builtin_corruptions.sounds.synth import RATE, shaped_noise
from avplug.core.randomness import KeyedRandom

LEVELS = (-16.5, -13.9, -12.5, -12.6, -19.6, -25.2, -20.8, -16.3, -19.1)


def render(rng: KeyedRandom, seconds: float) -> NDArray[np.float32]:
    """Return fire, float32 [N] at 16 kHz."""
    count = round(seconds * RATE)
    return shaped_noise(rng.stream("noise"), count, LEVELS).astype(np.float32)
