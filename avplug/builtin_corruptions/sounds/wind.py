"""Wind: noise with the octave levels of recordings."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from avplug.builtin_corruptions.sounds.synth import RATE, shaped_noise
from avplug.core.randomness import KeyedRandom

LEVELS = (-10.3, -11.6, -14.2, -14.7, -8.7, -15.1, -21.4, -28.9, -39.6)


def render(rng: KeyedRandom, seconds: float) -> NDArray[np.float32]:
    """Return wind, float32 [N] at 16 kHz."""
    count = round(seconds * RATE)
    return shaped_noise(rng.stream("noise"), count, LEVELS).astype(np.float32)
