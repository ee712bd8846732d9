"""A knock on wood or a clock's tick: a click with a short, high resonance."""

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


def tick(rng: KeyedRandom, rhythm: Rhythm) -> Wave:
    """Return a tick at each beat."""
    draw = Draw(rng)
    pitch, fade = draw.ratio(1300, 3000), draw.ratio(0.004, 0.012)
    wood, click = draw.between(0.5, 1), draw.between(0.4, 1)
    t = span(0.08)
    body = np.sin(2 * np.pi * pitch * t) + 0.6 * np.sin(2 * np.pi * 1.62 * pitch * t)
    crack = noise(rng.stream("crack"), band(3500, 0.9), len(t))
    grain = wood * body * np.exp(-t / fade) + click * crack * np.exp(-t / 0.004)
    wave = grain.astype(np.float32)
    return at_beats(rhythm, lambda beat: wave)
