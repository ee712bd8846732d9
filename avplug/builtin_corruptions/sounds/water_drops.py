"""Water drops: noise with the octave levels of recordings."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from avplug.builtin_corruptions.sounds.synth import RATE, shaped_noise
from avplug.core.randomness import KeyedRandom

LEVELS = (-22.7, -26.4, -23.6, -25.2, -20.6, -14.5, -14.7, -19.8, -23.8)


def render(rng: KeyedRandom, seconds: float) -> NDArray[np.float32]:
    """Return water_drops, float32 [N] at 16 kHz."""
    count = round(seconds * RATE)
    return shaped_noise(rng.stream("noise"), count, LEVELS).astype(np.float32)
