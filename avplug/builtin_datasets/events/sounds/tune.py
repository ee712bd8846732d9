"""A melody: a note of a five-tone scale at each beat."""

from __future__ import annotations

import numpy as np

from avplug.builtin_datasets.events.draw import Draw
from avplug.builtin_datasets.events.rhythm import Rhythm
from avplug.builtin_datasets.events.sounds.synth import Wave, at_beats, span, tone
from avplug.core.randomness import KeyedRandom

_SEMITONES = (0, 2, 4, 7, 9, 12, 14)


def tune(rng: KeyedRandom, rhythm: Rhythm) -> Wave:
    """Return a melody, one soft note for each beat."""
    draw = Draw(rng)
    root, fade = draw.ratio(180, 380), draw.ratio(0.2, 0.5)
    bright = draw.between(1.0, 1.6)
    notes = [_SEMITONES[draw.below(len(_SEMITONES))] for _ in rhythm.times]
    t = span(min(3 * fade, 1.0))
    shape = (
        np.exp(-t / fade) * np.minimum(t / 0.02, 1) * np.minimum((t[-1] - t) / 0.02, 1)
    )
    shape = shape.astype(np.float32)
    harmonics = [order**-bright for order in range(1, 7)]

    def note(beat: int) -> Wave:
        pitch = root * 2.0 ** (notes[beat] / 12)
        wave: Wave = tone(pitch * t, harmonics) * shape
        return wave

    return at_beats(rhythm, note)
