"""Background sound: rain, wind, music or a crowd, added to a clip at an SNR."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from avplug.builtin_corruptions.bank import LOOPS, bank_loop
from avplug.builtin_corruptions.loops import stretch
from avplug.builtin_corruptions.recordings import (
    missing_are_synthesised,
    missing_recordings,
    recorded_loop,
    recording_files,
    recordings_facts,
    recordings_folder,
)
from avplug.builtin_corruptions.timeline import Envelope
from avplug.core.corruption import Corruption
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
#: How much louder or softer than the first part another is at most, in dB.
BALANCE_DB = 6.0


class BackgroundCorruption(Corruption):
    """A corruption that adds a background: the user's recordings change its numbers."""

    def facts(self) -> dict[str, Any]:
        """Return what identifies the recordings; nothing for synthesised sounds."""
        return recordings_facts()


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
        UsageError: The user's recordings have none of it.
    """
    if sound not in BACKGROUNDS:
        raise ValueError(
            f"There is no background {sound!r}; there are {', '.join(BACKGROUNDS)}."
        )
    count = samples.shape[1]
    noise = background(sound, count, sample_rate, rng, envelope)
    return mix_at_snr(samples, noise[None], snr_db, reuse=True)


def background(
    sound: str,
    count: int,
    sample_rate: int,
    rng: KeyedRandom,
    envelope: Envelope | None = None,
) -> NDArray[np.float32]:
    """Return a background alone, float32 [count], at any level, a new array.

    It comes from the bank of synthesised sounds, or from the user's recordings.
    """
    (first, choose), *others = _sources(sound, sample_rate).items()
    if envelope is not None and not others:
        which, where, sign = _drawn(rng.stream("background", first))
        gains = envelope.sampled(count, sample_rate, sign)
        return stretch(choose(which), where, count, gains)
    mixed = _part(choose, count, rng.stream("background", first))
    for number, (name, choose) in enumerate(others, 1):
        draw = rng.stream("balance", number).generator().random()
        # Loops have an RMS of 1, so that this is their balance.
        gain = 10 ** (BALANCE_DB * (2 * draw - 1) / 20)
        mixed += _part(choose, count, rng.stream("background", name), gain)
    if envelope is not None:
        mixed *= envelope.sampled(count, sample_rate)
    return mixed


#: From a number in 0..1 to the loop that it chooses.
_Choose: TypeAlias = Callable[[float], NDArray[np.float32]]


def _sources(sound: str, sample_rate: int) -> dict[str, _Choose]:
    """Return where each part of a background comes from.

    With recordings, a part that they lack is left out if another part is there.
    """
    parts = BACKGROUNDS[sound]
    folder = recordings_folder()
    if folder is not None:
        found = {part: recording_files(folder, part) for part in parts}
        sources: dict[str, _Choose] = {
            part: partial(_recorded, files, sample_rate)
            for part, files in found.items()
            if files
        }
        if sources:
            return sources
        if not missing_are_synthesised():
            raise missing_recordings(folder, parts)
    return {part: partial(_synthesised, part, sample_rate) for part in parts}


def _recorded(
    files: tuple[Path, ...], sample_rate: int, which: float
) -> NDArray[np.float32]:
    return recorded_loop(files[int(which * len(files))], sample_rate)


def _synthesised(sound: str, sample_rate: int, which: float) -> NDArray[np.float32]:
    return bank_loop(sound, int(which * LOOPS), sample_rate)


def _part(
    choose: _Choose, count: int, rng: KeyedRandom, gain: float = 1.0
) -> NDArray[np.float32]:
    which, where, sign = _drawn(rng)
    return stretch(choose(which), where, count, sign * gain)


def _drawn(rng: KeyedRandom) -> tuple[float, float, float]:
    """Return which loop is heard and from where, in 0..1, and its sign, 1 or -1."""
    which, where, side = rng.generator().random(3).tolist()
    return which, where, 1.0 if side < 0.5 else -1.0
