"""The eight sounds of ``events``, each known from any two seconds of it."""

from __future__ import annotations

from collections.abc import Callable

from avplug.builtin_datasets.events.rhythm import Rhythm
from avplug.builtin_datasets.events.sounds.buzz import buzz
from avplug.builtin_datasets.events.sounds.chirp import chirp
from avplug.builtin_datasets.events.sounds.ping import ping
from avplug.builtin_datasets.events.sounds.siren import siren
from avplug.builtin_datasets.events.sounds.synth import Wave
from avplug.builtin_datasets.events.sounds.thud import thud
from avplug.builtin_datasets.events.sounds.tick import tick
from avplug.builtin_datasets.events.sounds.tune import tune
from avplug.builtin_datasets.events.sounds.whoosh import whoosh
from avplug.core.randomness import KeyedRandom

#: Every sound by name: a function of a clip's random stream and its beats, float32 [N]
#: at ``synth.RATE`` and of any loudness. It knows neither the class nor the look.
SOUNDS: dict[str, Callable[[KeyedRandom, Rhythm], Wave]] = {
    "thud": thud,
    "ping": ping,
    "tick": tick,
    "buzz": buzz,
    "chirp": chirp,
    "whoosh": whoosh,
    "siren": siren,
    "tune": tune,
}
