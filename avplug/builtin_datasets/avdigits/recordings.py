"""The zip of the Free Spoken Digit Dataset, read without unpacking it."""

from __future__ import annotations

import io
import os
import re
import zipfile
import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from avplug.core.errors import DatasetError, MediaError

_NAME = re.compile(r"(?:.*/)?((\d)_([^_/]+)_(\d+))\.wav\Z")


@dataclass(frozen=True, slots=True)
class Recording:
    """A spoken digit: its name as in the archive, who says it, and its index."""

    name: str
    digit: int
    speaker: str
    index: int
    member: str
    checksum: int


def list_recordings(archive: Path) -> list[Recording]:
    """Return the recordings of an archive, sorted by digit, speaker and index.

    Raises:
        DatasetError: The archive is missing, damaged or holds no recording.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            members = opened.infolist()
    except FileNotFoundError as error:
        raise DatasetError(f"There is no file '{archive}'.") from error
    except (OSError, zipfile.BadZipFile) as error:
        raise DatasetError(f"'{archive}' is no whole zip file: {error}") from error
    found = []
    for member in members:
        if match := _NAME.match(member.filename):
            name, digit, speaker, index = match.groups()
            found.append(
                Recording(
                    name, int(digit), speaker, int(index), member.filename, member.CRC
                )
            )
    if not found:
        raise DatasetError(f"'{archive}' holds no DIGIT_SPEAKER_INDEX.wav.")
    return sorted(found, key=lambda r: (r.digit, r.speaker, r.index))


def read_recording(archive: Path, member: str) -> tuple[NDArray[np.float32], int]:
    """Return the first channel of a recording, float32 [N], and its rate in Hz.

    Raises:
        MediaError: It cannot be read or holds no samples.
    """
    try:
        data = _opened(archive, os.getpid()).read(member)
        samples, rate = soundfile.read(
            io.BytesIO(data), dtype="float32", always_2d=True
        )
    except (OSError, KeyError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise MediaError(f"Cannot read '{member}' in '{archive}': {error}") from error
    except soundfile.LibsndfileError as error:
        raise MediaError(
            f"'{member}' in '{archive}' is no sound file: {error.error_string}"
        ) from error
    if len(samples) == 0:
        raise MediaError(f"'{member}' in '{archive}' holds no samples.")
    return samples[:, 0], rate


@lru_cache(maxsize=4)
def _opened(archive: Path, process: int) -> zipfile.ZipFile:
    """Keep the archive open; threads may share it, a forked process may not."""
    return zipfile.ZipFile(archive)
