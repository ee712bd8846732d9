"""The bank of synthesised sounds: a few loops of each, made when first asked for.

A loop's random key is fixed: it depends neither on the run nor on the clip, the order
or the worker that first needs it. Clips differ by which loop they hear, from where.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from importlib import import_module
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from avplug.builtin_corruptions.loops import looped, resampled_loop
from avplug.builtin_corruptions.sounds.synth import RATE
from avplug.core.randomness import KeyedRandom

#: Modules of ``sounds``; each has ``render(rng, seconds)``.
SOUNDS = (
    "concert",
    "crowd",
    "fire",
    "frost",
    "rain",
    "siren",
    "snow",
    "underwater",
    "water_drops",
    "wind",
)
#: Loops of each sound.
LOOPS = 8
#: Length of a loop, and of the cross-fade that closes it, in seconds.
SECONDS = 12
FADE = 0.5
#: Steps of a loop's samples between 0 and its RMS; their noise is at -95 dB.
STEPS = np.float32(2**14)

Render = Callable[[KeyedRandom, float], NDArray[np.float32]]

#: One for each loop.
_LOCKS: dict[tuple[str, int, int], Lock] = {}


def renderer(sound: str) -> Render:
    """Return the function that renders a sound: (stream, seconds) to float32 [N]."""
    render: Render = import_module(f"avplug.builtin_corruptions.sounds.{sound}").render
    return render


def bank_loop(sound: str, index: int, sample_rate: int) -> NDArray[np.float32]:
    """Return one loop of :data:`SECONDS` of a sound, float32 [N], read-only.

    Args:
        sound: One of :data:`SOUNDS`.
        index: Which, from 0 to :data:`LOOPS` - 1.
        sample_rate: Hz.
    """
    # Threads that ask for the same loop wait instead of making it twice, and for none
    # other.
    with _LOCKS.setdefault((sound, index, sample_rate), Lock()):
        return _made(sound, index, sample_rate)


@lru_cache(maxsize=2 * LOOPS * len(SOUNDS))
def _made(sound: str, index: int, sample_rate: int) -> NDArray[np.float32]:
    if sample_rate != RATE:
        return resampled_loop(bank_loop(sound, index, RATE), RATE, sample_rate)
    rng = KeyedRandom(("avplug", "bank", sound, index))
    loop = looped(renderer(sound)(rng, SECONDS + FADE), round(FADE * RATE))
    # Sines and Fourier transforms differ between machines in their last bits.
    rounded: NDArray[np.float32] = np.rint(loop * STEPS) / STEPS
    rounded.flags.writeable = False
    return rounded
