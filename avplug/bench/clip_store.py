"""Decoded clips on disk: a content-addressed cache that many processes share.

::

    DIR/<first two digits>/<key>.clip

The key is a hash of all that a decoded clip depends on: its files with their sizes and
times, or the data set's content version; how it is sampled; the versions of the
decoders. A file is 8 bytes of magic, the CRC-32 of all that follows, the length of a
JSON header, the header, and the arrays, each at a multiple of 64 bytes::

    magic 8 | crc32 4 | length 4 | header, blanks | frames | times | audio

A file is written under a temporary name and renamed; it is never written again. Readers
map it into memory, so that processes share its pages, and check its sum.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import struct
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from avplug.core.clip import Clip, ClipRef, InputSpec
from avplug.core.dataset import Dataset

_MAGIC = b"AVPCLIP1"
_PREFIX = struct.Struct("<8sII")
_ALIGNMENT = 64
_ARRAYS = {"frames": np.uint8, "times": np.float64, "audio": np.float32}

#: Whose versions can change a pixel or a sample.
_DECODERS = (
    *("avplug", "av", "numpy", "pillow", "opencv-python-headless"),
    *("scipy", "soundfile"),
)
#: When full, a cache is emptied to this share, so that not each clip empties it.
_KEPT = 0.9
#: The size on disk is looked up anew after so large a share was written here, since
#: other processes write too.
_LOOK_AGAIN = 0.05
#: Seconds after which a temporary file has lost its writer.
_STALE = 3600.0

_log = logging.getLogger("avplug")


class ClipStore:
    """A folder of decoded clips, the least recently used dropped beyond a limit.

    Safe for threads and processes. Several processes that write at once may exceed the
    limit, each by a twentieth, for a moment. Nothing that goes wrong here concerns a
    run: what cannot be read is decoded, what cannot be written is noted once.

    Args:
        folder: Created with the first clip.
        max_bytes: Of all clips.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._writing = True
        self._found: int | None = None
        self._written = 0

    def get(self, key: str) -> Clip | None:
        """Return a clip, its arrays read-only; None if it is not there, or damaged."""
        path = self._path(key)
        try:
            data = _mapped(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            _log.warning("Clip cache: %s cannot be read: %s.", path, error.strerror)
            return None
        try:
            clip = _unpacked(data, key)
        except ValueError as error:
            _log.warning(
                "Clip cache: %s is damaged (%s): decoded anew.", path, error.args[0]
            )
            # Of a cache that may only be read it stays, and is found again.
            with suppress(OSError):
                path.unlink()
            return None
        with suppress(OSError):
            os.utime(path)
        return clip

    def put(self, key: str, clip: Clip) -> None:
        """Keep a clip; the first writer of a key wins as well as any."""
        path = self._path(key)
        temporary = path.with_name(f".{key}.{os.getpid()}.{threading.get_ident()}.tmp")
        parts = _packed(key, clip)
        size = sum(len(part) for part in parts)
        if size > self._max_bytes or not self._writing:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                # Not fsynced: what a power cut leaves torn does not match its sum.
                with temporary.open("wb") as file:
                    file.writelines(parts)
                os.replace(temporary, path)
            finally:
                temporary.unlink(missing_ok=True)
            self._make_room(size)
        except OSError as error:
            self._stop_writing(error)

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / f"{key}.clip"

    def _stop_writing(self, error: OSError) -> None:
        with self._lock:
            told, self._writing = not self._writing, False
        if not told:
            _log.warning(
                "Clip cache: nothing more is kept in %s: %s. The run goes on.",
                self._folder,
                error.strerror,
            )

    def _make_room(self, size: int) -> None:
        with self._lock:
            self._written += size
            known = self._found is not None and (
                self._found + self._written <= self._max_bytes
                and self._written <= _LOOK_AGAIN * self._max_bytes
            )
            if known:
                return
            entries = sorted(self._entries())
            total = sum(bytes_ for _, bytes_, _ in entries)
            goal = self._max_bytes if total <= self._max_bytes else None
            for _, bytes_, path in entries:
                if total <= (goal or _KEPT * self._max_bytes):
                    break
                path.unlink(missing_ok=True)
                total -= bytes_
            self._found, self._written = total, 0

    def _entries(self) -> Iterator[tuple[float, int, Path]]:
        """Yield when each clip was last used, its bytes and its file."""
        for path in self._folder.glob("??/*"):
            # Another process may have dropped it by now.
            with suppress(FileNotFoundError):
                facts = path.stat()
                if path.suffix == ".clip":
                    yield facts.st_mtime, facts.st_size, path
                elif facts.st_mtime < time.time() - _STALE:
                    path.unlink()


def clip_key(dataset: Dataset, version: str, ref: ClipRef, spec: InputSpec) -> str:
    """Return the name of a decoded clip, of 40 hexadecimal digits.

    Args:
        dataset: Where it is from.
        version: Its content version; looked at only where the clip has no files of its
            own.
        ref: The clip.
        spec: How it is sampled.
    """
    files = [
        (str(path.resolve()), facts.st_size, facts.st_mtime_ns)
        for path in dataset.files(ref)
        if (facts := path.stat())
    ]
    kind = type(dataset)
    about = {
        "format": _MAGIC.decode(),
        "decoders": _versions(),
        "dataset": f"{kind.__module__}.{kind.__qualname__}",
        "root": str(dataset.root),
        "content": files or version,
        "clip": ref.id,
        "source": repr(ref.source),
        "spec": asdict(spec),
    }
    text = json.dumps(about, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:40]


@cache
def _versions() -> dict[str, str]:
    found = {}
    for name in _DECODERS:
        with suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def _packed(key: str, clip: Clip) -> list[bytes | memoryview]:
    arrays: dict[str, Any] = {}
    body: list[bytes | memoryview] = []
    offset = 0
    for name, dtype in _ARRAYS.items():
        array = getattr(clip, name)
        if array is None:
            continue
        array = np.ascontiguousarray(array, dtype)
        arrays[name] = {"offset": offset, "shape": array.shape}
        gap = -array.nbytes % _ALIGNMENT
        body += [array.reshape(-1).view(np.uint8).data, bytes(gap)]
        offset += array.nbytes + gap
    about = {
        "key": key,
        "id": clip.id,
        "sample_rate": clip.sample_rate,
        "duration": clip.duration,
        "arrays": arrays,
    }
    header = json.dumps(about).encode()
    header += b" " * (-(_PREFIX.size + len(header)) % _ALIGNMENT)
    length = struct.pack("<I", len(header))
    total = zlib.crc32(length)
    for part in (header, *body):
        total = zlib.crc32(part, total)
    return [_PREFIX.pack(_MAGIC, total, len(header)), header, *body]


def _mapped(path: Path) -> NDArray[np.uint8]:
    """Return a file as an array, its pages read when they are looked at.

    Not by :mod:`mmap`, which holds a file descriptor for each.
    """
    size = path.stat().st_size
    if size == 0:
        return np.zeros(0, np.uint8)
    try:
        data = torch.from_file(str(path), shared=False, size=size, dtype=torch.uint8)
    except RuntimeError as error:
        # Dropped by another process, or shorter by now.
        raise FileNotFoundError(str(path)) from error
    return data.numpy()


def _unpacked(data: NDArray[np.uint8], key: str) -> Clip:
    """Return the clip of a file.

    Raises:
        ValueError: It is not what was written.
    """
    if len(data) < _PREFIX.size:
        raise ValueError("it is cut short")
    magic, total, length = _PREFIX.unpack(data[: _PREFIX.size].tobytes())
    if magic != _MAGIC or zlib.crc32(data[_PREFIX.size - 4 :].data) != total:
        raise ValueError("its checksum does not match")
    begin = _PREFIX.size + length
    about = json.loads(data[_PREFIX.size : begin].tobytes())
    if about["key"] != key:
        raise ValueError("it is another clip's")
    data.flags.writeable = False
    arrays: dict[str, Any] = dict.fromkeys(_ARRAYS)
    for name, place in about["arrays"].items():
        dtype = np.dtype(_ARRAYS[name])
        start = begin + place["offset"]
        count = int(np.prod(place["shape"])) * dtype.itemsize
        part = data[start : start + count]
        arrays[name] = part.view(dtype).reshape(place["shape"])
    return Clip(
        id=about["id"],
        sample_rate=about["sample_rate"],
        duration=about["duration"],
        **arrays,
    )
