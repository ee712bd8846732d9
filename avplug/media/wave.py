"""Float WAV files whose bytes depend on the samples alone.

libsndfile stamps the time of writing into the files that it writes.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avplug.core.errors import MediaError

_IEEE_FLOAT, _BYTES = 3, 4
_LARGEST = 2**32 - 1


def write_wave(path: str | Path, samples: NDArray[np.float32], rate: int) -> None:
    """Write float32 [C, N] exactly, beyond -1..1 too; a failure leaves nothing behind.

    Raises:
        MediaError: The sound is longer than a WAV file can be, or writing failed.
    """
    path = Path(path)
    header = _header(samples, rate, path)
    part = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(header + samples.T.astype("<f4").tobytes())
        part.replace(path)
    except OSError as error:
        raise MediaError(f"Cannot write '{path}': {error.strerror}.") from error
    finally:
        part.unlink(missing_ok=True)


def _header(samples: NDArray[np.float32], rate: int, path: Path) -> bytes:
    channels, count = samples.shape
    frame = channels * _BYTES
    layout = struct.pack(
        "<HHIIHHH", _IEEE_FLOAT, channels, rate, rate * frame, frame, 8 * _BYTES, 0
    )
    chunks = _chunk(b"fmt ", layout) + _chunk(b"fact", struct.pack("<I", count))
    size = count * frame
    if 4 + len(chunks) + 8 + size > _LARGEST:
        raise MediaError(f"The sound is too long for one WAV file, '{path}'.")
    chunks += struct.pack("<4sI", b"data", size)
    return struct.pack("<4sI4s", b"RIFF", 4 + len(chunks) + size, b"WAVE") + chunks


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack("<4sI", name, len(content)) + content
