"""Struck metal: high partials, out of tune with each other, that ring on."""

from __future__ import annotations

import numpy as np

from avplug.builtin_datasets.events.draw import Draw
from avplug.builtin_datasets.events.rhythm import Rhythm
from avplug.builtin_datasets.events.sounds.synth import RATE, Wave, at_beats, span
from avplug.core.randomness import KeyedRandom


def ping(rng: KeyedRandom, rhythm: Rhythm) -> Wave:
    """Return a ring of metal at each beat."""
    draw = Draw(rng)
    pitch, fade = draw.ratio(550, 1300), draw.ratio(0.12, 0.4)
    stretch = draw.between(0.92, 1.08)
    t = span(min(4 * fade, 1.2))
    grain = np.zeros(len(t))
    for ratio, level in ((1, 1.0), (2.756, 0.7), (5.404, 0.5), (8.93, 0.25)):
        frequency = pitch * (1 + (ratio - 1) * stretch)
        level *= draw.between(0.6, 1)
        if frequency < 0.45 * RATE:
            tone = np.sin(2 * np.pi * frequency * t)
            grain += level * tone * np.exp(-t * ratio**0.4 / fade)
    wave = (grain * np.minimum(t / 0.001, 1)).astype(np.float32)
    return at_beats(rhythm, lambda beat: wave)
