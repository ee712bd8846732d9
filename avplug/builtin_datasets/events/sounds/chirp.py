"""A bird's call: a few quick, high glides."""

from __future__ import annotations

import numpy as np

from avplug.builtin_datasets.events.draw import Draw
from avplug.builtin_datasets.events.rhythm import Rhythm
from avplug.builtin_datasets.events.sounds.synth import Wave, at_beats, span
from avplug.core.randomness import KeyedRandom


def chirp(rng: KeyedRandom, rhythm: Rhythm) -> Wave:
    """Return a call of two or three glides at each beat."""
    draw = Draw(rng)
    pitch, glide = draw.ratio(1800, 2900), draw.ratio(1.2, 1.5)
    length, count = draw.between(0.045, 0.085), 2 + draw.below(2)
    start, end = (pitch, pitch * glide) if draw.flip() else (pitch * glide, pitch)
    t = span(length)
    cycles = start * t + (end - start) * t * t / (2 * length)
    glides = np.sin(2 * np.pi * cycles) * np.sin(np.pi * t / length) ** 2
    call = np.concatenate([glides, np.zeros(len(t) // 8)]).astype(np.float32)
    wave = np.tile(call, count)
    return at_beats(rhythm, lambda beat: wave)
