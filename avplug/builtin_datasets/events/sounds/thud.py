"""A soft blow: a low tone that drops and dies at once."""

from __future__ import annotations

import numpy as np

from avplug.builtin_datasets.events.draw import Draw
from avplug.builtin_datasets.events.rhythm import Rhythm
from avplug.builtin_datasets.events.sounds.synth import (
    Wave,
    at_beats,
    band,
    noise,
    span,
)
from avplug.core.randomness import KeyedRandom


def thud(rng: KeyedRandom, rhythm: Rhythm) -> Wave:
    """Return a thud at each beat."""
    draw = Draw(rng)
    pitch, drop = draw.ratio(55, 120), draw.between(0.5, 1.2)
    fade, slap = draw.between(0.05, 0.1), draw.between(0.1, 0.3)
    t = span(0.35)
    cycles = pitch * (t + drop * 0.04 * (1 - np.exp(-t / 0.04)))
    body = np.sin(2 * np.pi * cycles) * np.exp(-t / fade)
    skin = noise(rng.stream("skin"), band(250, 0.7), len(t)) * np.exp(-t / 0.015)
    attack = np.minimum(t / 0.003, 1)
    grain = (attack * (body + slap * skin)).astype(np.float32)
    return at_beats(rhythm, lambda beat: grain)
