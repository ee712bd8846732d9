"""Wind: low noise in gusts, and the howl of an edge that it blows over."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from avplug.builtin_corruptions.sounds.synth import (
    RATE,
    breathing,
    drift,
    one_of,
    shaped_noise,
    unit,
    varied,
)
from avplug.core.randomness import KeyedRandom

#: Octave levels in dB of recorded wind, and their spread between recordings.
LEVELS = (-10.3, -11.6, -14.2, -14.7, -8.7, -15.1, -21.4, -28.9, -39.6)
SPREAD = 3.5
#: Of a howl: a band around 500 Hz.
HOWL = (-80.0, -60.0, -40.0, -14.0, 0.0, -12.0, -40.0, -60.0, -80.0)


def render(rng: KeyedRandom, seconds: float) -> NDArray[np.float32]:
    """Return wind, float32 [N] at 16 kHz, RMS 1."""
    count = round(seconds * RATE)
    levels = varied(rng.stream("levels"), LEVELS, SPREAD)
    gusts = 0.12 * drift(rng.stream("gusts"), count, 1.5, 1.0)
    flutter = 0.12 * drift(rng.stream("flutter"), count, 20.0)
    gain = gusts + flutter
    own = one_of(rng.stream("own"), 0.05, 0.35)
    noise = breathing(rng.stream("noise"), count, levels, gain, own, 4.0)
    howl = shaped_noise(rng.stream("howl"), count, HOWL)
    howl *= np.exp(0.4 * drift(rng.stream("edge"), count, 1.0, 1.0))
    share = one_of(rng.stream("share"), 0.0, 0.5)
    return unit(noise + share * howl).astype(np.float32)
