"""The user's own recordings, in place of the synthesised sounds.

``AVPLUG_RECORDINGS`` names a folder; it is read whenever a background is asked for.
Two layouts are understood, also side by side:

- AVRobustBench's: a folder for each category, such as ``rain/*.wav``;
- ESC-50's: ``audio/*.wav`` with the class as the last number of the name, or as
  ``meta/esc50.csv`` says.

A background that the folder lacks is an error, as a run that mixes recordings with
synthesis should be wanted: ``AVPLUG_RECORDINGS_MISSING=synthesise`` asks for it.
"""

from __future__ import annotations

import csv
import hashlib
import os
from functools import lru_cache
from pathlib import Path
from threading import RLock

import numpy as np
from numpy.typing import NDArray

from avplug.builtin_corruptions.loops import looped
from avplug.core.errors import UsageError
from avplug.media.sound import read_sound, resample

FOLDER_VARIABLE = "AVPLUG_RECORDINGS"
MISSING_VARIABLE = "AVPLUG_RECORDINGS_MISSING"
#: What the second variable may say.
MISSING_CHOICES = ("error", "synthesise")
#: Folder of each sound, and its class in ESC-50 if it has one.
CATEGORIES: dict[str, tuple[str, int | None]] = {
    "concert": ("concert", None),
    "crowd": ("crowd_speech", None),
    "fire": ("crackling_fire_and_siren", 12),
    "frost": ("frost", None),
    "rain": ("rain", 10),
    "siren": ("crackling_fire_and_siren", 42),
    "snow": ("snow", None),
    "underwater": ("underwater", None),
    "water_drops": ("water_drops", 15),
    "wind": ("wind", 16),
}
SUFFIXES = frozenset((".wav", ".flac", ".ogg", ".aif", ".aiff", ".mp3"))
#: Digital silence: windows of 20 ms, 5 ms apart, this much below the loudest.
WINDOW, HOP, SILENCE = 0.02, 0.005, 1e-5
#: Seconds of the cross-fade that closes a loop.
FADE = 0.5

_LOCK = RLock()


def recordings_folder() -> Path | None:
    """Return the folder that ``AVPLUG_RECORDINGS`` names; None: sounds are synthesised.

    Raises:
        UsageError: There is no such folder.
    """
    value = os.environ.get(FOLDER_VARIABLE, "")
    if not value:
        return None
    folder = Path(value).absolute()
    if not folder.is_dir():
        raise UsageError(
            f"{FOLDER_VARIABLE}={value!r} is not a folder.",
            "It should hold recordings as AVRobustBench or ESC-50 lay them out.",
        )
    return folder


def missing_are_synthesised() -> bool:
    """Tell whether a sound that the folder lacks is synthesised, not an error.

    Raises:
        UsageError: ``AVPLUG_RECORDINGS_MISSING`` says something else.
    """
    value = os.environ.get(MISSING_VARIABLE) or MISSING_CHOICES[0]
    if value not in MISSING_CHOICES:
        raise UsageError(
            f"{MISSING_VARIABLE}={value!r} is unknown.",
            f"Choices: {', '.join(MISSING_CHOICES)}.",
        )
    return value == "synthesise"


def recordings_fingerprint(folder: Path) -> str:
    """Return what identifies recordings in results: names, sizes, what of the gaps.

    32 hexadecimal digits; ``+synthesise`` follows where missing sounds are made.
    Where the folder lies does not matter.
    """
    digest = hashlib.blake2b(digest_size=16)
    for sound, files in sorted(_listed(folder).items()):
        for path in files:
            name = path.relative_to(folder).as_posix()
            digest.update(f"{sound}\0{name}\0{path.stat().st_size}\0".encode())
    return digest.hexdigest() + ("+synthesise" if missing_are_synthesised() else "")


def recordings_facts() -> dict[str, str]:
    """Return what a corruption with a background adds to its identity, if anything."""
    folder = recordings_folder()
    return {} if folder is None else {"recordings": recordings_fingerprint(folder)}


def recording_files(folder: Path, sound: str) -> tuple[Path, ...]:
    """Return the recordings of a sound, a key of :data:`CATEGORIES`, by name.

    A folder is listed once in a process.
    """
    with _LOCK:
        return _listed_once(folder)[sound]


def missing_recordings(folder: Path, sounds: tuple[str, ...]) -> UsageError:
    """Return the error that a folder has no recording of any of these sounds."""
    looked = []
    for name, number in dict.fromkeys(CATEGORIES[sound] for sound in sounds):
        looked.append(f"{name}/*.wav")
        if number is not None:
            looked.append(f"audio/*-{number}.wav")
    found = [sound for sound in CATEGORIES if recording_files(folder, sound)]
    return UsageError(
        f"There is no recording of {' or '.join(sounds)} in "
        f"{FOLDER_VARIABLE}={str(folder)!r}: looked for "
        f"{', '.join(dict.fromkeys(looked))}.",
        f"Found there: {', '.join(found) or 'nothing'}. To make the sounds that are "
        f"missing, set {MISSING_VARIABLE}=synthesise.",
    )


def recorded_loop(path: Path, sample_rate: int) -> NDArray[np.float32]:
    """Return a recording as a mono loop at a rate, float32 [N], read-only.

    Digital silence and the offset are taken out, and its RMS is 1.

    Raises:
        MediaError: The file cannot be read.
        UsageError: It is silent.
    """
    with _LOCK:
        return _loaded(path, sample_rate)


@lru_cache(maxsize=256)
def _loaded(path: Path, sample_rate: int) -> NDArray[np.float32]:
    samples, rate = read_sound(path, channels="mean")
    sound = without_silence(samples[0], rate)
    sound = sound - sound.mean(dtype=np.float64) if sound.size else sound
    rms = float(np.sqrt(np.mean(sound**2, dtype=np.float64))) if sound.size else 0.0
    if rms == 0:
        raise UsageError(f"The recording '{path}' is silent.", "Remove the file.")
    scaled = (sound / rms).astype(np.float32)
    return looped(resample(scaled, rate, sample_rate), round(FADE * sample_rate))


def without_silence(samples: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    """Return float32 [N] less the stretches of digital silence."""
    window, hop = max(1, round(WINDOW * rate)), max(1, round(HOP * rate))
    energy = np.concatenate([[0.0], np.cumsum(samples.astype(np.float64) ** 2)])
    starts = np.arange(0, max(1, samples.size - window + 1), hop)
    ends = np.minimum(starts + window, samples.size)
    mean = (energy[ends] - energy[starts]) / (ends - starts)
    loud = mean > SILENCE**2 * mean.max()
    changes = np.zeros(samples.size + 1, np.int64)
    np.add.at(changes, starts[loud], 1)
    np.add.at(changes, ends[loud], -1)
    return samples[np.cumsum(changes)[:-1] > 0]


@lru_cache(maxsize=4)
def _listed_once(folder: Path) -> dict[str, tuple[Path, ...]]:
    return _listed(folder)


def _listed(folder: Path) -> dict[str, tuple[Path, ...]]:
    """Return the files of each sound, sorted by their names on every machine."""
    by_class: dict[int, list[Path]] = {}
    classes = _esc50_classes(folder)
    for path in _sounds_in(folder / "audio"):
        number = classes.get(path.name, _class_in_name(path))
        if number is not None:
            by_class.setdefault(number, []).append(path)
    listed = {}
    for sound, (name, number) in CATEGORIES.items():
        own = [p for p in _sounds_in(folder / name) if _fits(p, sound)]
        more = by_class.get(number, []) if number is not None else []
        listed[sound] = tuple(own + more)
    return listed


def _sounds_in(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    files = (p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES)
    return sorted(p for p in files if not p.name.startswith("."))


def _fits(path: Path, sound: str) -> bool:
    """Tell whether a file of a folder for two sounds is this one's.

    One that does not say its class is taken for fire.
    """
    if sound not in ("fire", "siren"):
        return True
    is_siren = _class_in_name(path) == CATEGORIES["siren"][1]
    return is_siren == (sound == "siren")


def _class_in_name(path: Path) -> int | None:
    number = path.stem.rpartition("-")[2]
    return int(number) if number.isdecimal() else None


def _esc50_classes(folder: Path) -> dict[str, int]:
    """Return the class of each file as ``meta/esc50.csv`` states it, if it is there."""
    table = folder / "meta" / "esc50.csv"
    if not table.is_file():
        return {}
    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    try:
        return {row["filename"]: int(row["target"]) for row in rows}
    except (KeyError, ValueError) as error:
        raise UsageError(
            f"'{table}' is not the table of ESC-50: {error}.",
            "It should have the columns 'filename' and 'target', a number.",
        ) from error
