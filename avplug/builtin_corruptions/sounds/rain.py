"""Rain: noise with the octave levels of recordings."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from avplug.builtin_corruptions.sounds.synth import RATE, shaped_noise
from avplug.core.randomness import KeyedRandom

LEVELS = (-16.0, -14.1, -12.3, -10.9, -11.6, -10.2, -10.0, -8.6, -11.3)


def render(rng: KeyedRandom, seconds: float) -> NDArray[np.float32]:
    """Return rain, float32 [N] at 16 kHz."""
    count = round(seconds * RATE)
    return shaped_noise(rng.stream("noise"), count, LEVELS).astype(np.float32)
