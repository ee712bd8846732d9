"""Siren: noise with the octave levels of recordings."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from avplug.builtin_corruptions.sounds.synth import RATE, shaped_noise
from avplug.core.randomness import KeyedRandom

LEVELS = (-35.0, -35.6, -32.2, -25.2, -9.9, -3.9, -13.3, -26.0, -41.8)


def render(rng: KeyedRandom, seconds: float) -> NDArray[np.float32]:
    """Return siren, float32 [N] at 16 kHz."""
    count = round(seconds * RATE)
    return shaped_noise(rng.stream("noise"), count, LEVELS).astype(np.float32)
