"""Background sound: rain, wind, music or a crowd, added to a clip at an SNR."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from avplug.builtin_corruptions.bank import LOOPS, bank_loop
from avplug.builtin_corruptions.loops import stretch
from avplug.builtin_corruptions.timeline import Envelope
from avplug.core.randomness import KeyedRandom
from avplug.signal.mixing import mix_at_snr

#: What each background is made of.
BACKGROUNDS = {
    "rain": ("rain",),
    "wind": ("wind",),
    "snow": ("snow",),
    "frost": ("frost",),
    "water_drops": ("water_drops",),
    "underwater": ("underwater",),
    "fire_and_siren": ("fire", "siren"),
    "concert": ("concert",),
    "crowd": ("crowd",),
}
#: How much louder or softer than the first part another may be, in dB.
BALANCE_DB = 6.0


def add_background(
    samples: NDArray[np.float32],
    sample_rate: int,
    sound: str,
    snr_db: float,
    rng: KeyedRandom,
    envelope: Envelope | None = None,
) -> NDArray[np.float32]:
    """Return a clip's sound with a background, float32 [C, N], a new array.

    The background is mono and the same in all channels. It reaches the SNR over the
    whole clip and is never clipped, so that it may leave -1..1. A silent clip stays
    silent.

    Args:
        samples: float32 [C, N].
        sample_rate: Hz.
        sound: A key of :data:`BACKGROUNDS`.
        snr_db: Decibels; lower is louder.
        rng: Decides which stretch of which loop is heard.
        envelope: How loud the background is over time, shared with the picture.

    Raises:
        ValueError: There is no such background.
    """
    if sound not in BACKGROUNDS:
        raise ValueError(
            f"There is no background {sound!r}; there are {', '.join(BACKGROUNDS)}."
        )
    count = samples.shape[1]
    if not samples.any():
        return samples.copy()
    noise = background(sound, count, sample_rate, rng)
    if envelope is not None:
        noise = noise * envelope.sampled(count, sample_rate)
    return mix_at_snr(samples, noise[None], snr_db)


def background(
    sound: str, count: int, sample_rate: int, rng: KeyedRandom
) -> NDArray[np.float32]:
    """Return a background alone, float32 [count], at any level; maybe read-only."""
    parts = [
        _part(part, count, sample_rate, rng.stream("background", part))
        for part in BACKGROUNDS[sound]
    ]
    mixed = parts[0]
    for number, part in enumerate(parts[1:], 1):
        draw = rng.stream("balance", number).generator().random()
        mixed = mix_at_snr(mixed[None], part[None], BALANCE_DB * (2 * draw - 1))[0]
    return mixed


def _part(
    sound: str, count: int, sample_rate: int, rng: KeyedRandom
) -> NDArray[np.float32]:
    which, where, sign = rng.generator().random(3)
    loop = bank_loop(sound, int(which * LOOPS), sample_rate)
    part = stretch(loop, where, count)
    return part if sign < 0.5 else -part
