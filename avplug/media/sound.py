"""Sound files as arrays: reading, resampling and writing through libsndfile."""

from __future__ import annotations

import math
import os
import struct
from pathlib import Path
from typing import Literal

import numpy as np
import soundfile
from numpy.typing import NDArray

from avplug.core.errors import MediaError

Channels = Literal["first", "mean", "all"]

#: Data sizes that a writer leaves when it could not go back to fill them in.
_UNKNOWN_SIZES = (0, 0xFFFFFFFF)


def read_sound(
    path: str | Path, sample_rate: int = 0, channels: Channels = "all"
) -> tuple[NDArray[np.float32], int]:
    """Return a sound file, float32 [C, N] nominally in -1..1, and its rate in Hz.

    Args:
        path: WAV, FLAC, OGG or whatever else libsndfile reads.
        sample_rate: Hz to resample to, by ``scipy.signal.resample_poly``; 0 keeps
            the file's.
        channels: ``"first"`` takes the first, ``"mean"`` mixes, ``"all"`` keeps all.

    Raises:
        MediaError: The file is missing, no sound file, or shorter than its header
            says.
    """
    path = Path(path)
    if not path.is_file():
        raise MediaError(f"There is no sound file '{path}'.")
    try:
        with soundfile.SoundFile(path) as file:
            stated, rate = file.frames, file.samplerate
            samples = file.read(dtype="float32", always_2d=True).T
    except soundfile.LibsndfileError as error:
        raise MediaError(
            f"'{path}' is not a sound file that libsndfile can read: "
            f"{error.error_string}"
        ) from error
    if samples.shape[1] < stated or _is_cut_wave(path):
        raise MediaError(
            f"The sound file '{path}' is truncated: its header promises more than the "
            f"{samples.shape[1] / rate:.2f} s that it holds."
        )
    if samples.shape[1] == 0:
        raise MediaError(f"The sound file '{path}' holds no samples.")
    samples = select_channels(np.ascontiguousarray(samples), channels)
    return resample(samples, rate, sample_rate), sample_rate or rate


def write_sound(
    path: str | Path,
    samples: NDArray[np.float32],
    sample_rate: int,
    *,
    subtype: Literal["FLOAT", "PCM_16"] = "FLOAT",
) -> None:
    """Write float32 [C, N] as a WAV file; a failure leaves nothing behind.

    ``"FLOAT"`` keeps every sample exactly, beyond -1..1 too; ``"PCM_16"`` clips.

    Raises:
        MediaError: The file cannot be written.
    """
    path = Path(path)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        soundfile.write(part, samples.T, sample_rate, subtype=subtype, format="WAV")
        part.replace(path)
    except (OSError, soundfile.LibsndfileError) as error:
        raise MediaError(f"Cannot write '{path}': {error}") from error
    finally:
        part.unlink(missing_ok=True)


def select_channels(
    samples: NDArray[np.float32], channels: Channels
) -> NDArray[np.float32]:
    """Return float32 [C, N] reduced to the channels that ``channels`` names."""
    if channels == "first":
        return samples[:1]
    if channels == "mean":
        mixed: NDArray[np.float32] = samples.mean(0, np.float32, keepdims=True)
        return mixed
    return samples


def resample(
    samples: NDArray[np.float32], rate: int, target: int
) -> NDArray[np.float32]:
    """Return float32 [..., N] of ``rate`` Hz at ``target`` Hz; 0 keeps the rate."""
    if target in (0, rate):
        return samples
    # Costs seconds to import; most sounds need none of it.
    from scipy.signal import resample_poly

    common = math.gcd(rate, target)
    resampled = resample_poly(samples, target // common, rate // common, axis=-1)
    return np.ascontiguousarray(resampled, dtype=np.float32)


def _is_cut_wave(path: Path) -> bool:
    """Tell whether a RIFF file ends before its data chunk does.

    Every reader returns the shorter signal without an error.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        if file.read(4) != b"RIFF":
            return False
        position = 12
        while position + 8 <= size:
            file.seek(position)
            name, length = struct.unpack("<4sI", file.read(8))
            if name == b"data":
                return length not in _UNKNOWN_SIZES and position + 8 + length > size
            position += 8 + length + length % 2
    return False
