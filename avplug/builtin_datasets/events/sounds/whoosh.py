"""Rushing air or steam: noise that swells and brightens at each beat."""

from __future__ import annotations

from avplug.builtin_datasets.events.draw import Draw
from avplug.builtin_datasets.events.rhythm import Rhythm
from avplug.builtin_datasets.events.sounds.synth import (
    SAMPLES,
    Wave,
    band,
    noise,
    swell,
)
from avplug.core.randomness import KeyedRandom


def whoosh(rng: KeyedRandom, rhythm: Rhythm) -> Wave:
    """Return a rush at each beat."""
    draw = Draw(rng)
    centre, width = draw.ratio(350, 1200), draw.between(0.5, 0.8)
    lift = swell(rhythm, draw.between(0.03, 0.08), draw.between(0.08, 0.18))
    low = noise(rng.stream("low"), band(centre, width), SAMPLES)
    high = noise(rng.stream("high"), band(2.2 * centre, width), SAMPLES)
    return lift * (low + lift * high)
