"""Wind: low noise in gusts, and the howl of an edge that it blows over."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from avplug.builtin_corruptions.sounds.synth import (
    RATE,
    between,
    breathing,
    drift,
    one_of,
    shaped_noise,
    unit,
    varied,
)
from avplug.core.randomness import KeyedRandom

#: Octave levels in dB of recorded wind, where it buffets the microphone and where it
#: howls around an edge, and the spread between recordings.
BUFFETING = (-1.5, -10.0, -15.0, -16.0, -19.0, -20.0, -24.0, -22.0, -36.0)
HOWLING = (-15.0, -12.0, -12.0, -10.0, -1.8, -12.5, -21.0, -34.0, -42.0)
SPREAD = 1.5
#: Of a howl: a band around 500 Hz.
HOWL = (-80.0, -70.0, -50.0, -25.0, 0.0, -25.0, -50.0, -70.0, -80.0)


def render(rng: KeyedRandom, seconds: float) -> NDArray[np.float32]:
    """Return wind, float32 [N] at 16 kHz, RMS 1."""
    count = round(seconds * RATE)
    # Nearly always one or the other: a mixture of both has no voice.
    howling = 1 / (1 + np.exp(12 * one_of(rng.stream("howling"), -0.5, 0.4)))
    kind = between(BUFFETING, HOWLING, howling)
    levels = varied(rng.stream("levels"), kind, SPREAD)
    gusts = 0.12 * drift(rng.stream("gusts"), count, 1.5, 1.0)
    flutter = 0.12 * drift(rng.stream("flutter"), count, 20.0)
    gain = gusts + flutter
    own = one_of(rng.stream("own"), 0.05, 0.35)
    noise = breathing(rng.stream("noise"), count, levels, gain, own, 4.0)
    howl = shaped_noise(rng.stream("howl"), count, HOWL)
    howl *= np.exp(0.4 * drift(rng.stream("edge"), count, 1.0, 1.0))
    share = howling * one_of(rng.stream("share"), 0.2, 1.0)
    return unit(noise + share * howl).astype(np.float32)
