"""Writing files so that a crash at any moment leaves the old or the new one."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from avplug.core.errors import StorageError

_FULL = (errno.ENOSPC, errno.EDQUOT)
_REFUSED = (errno.EROFS, errno.EACCES, errno.EPERM)


def write_atomic(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path``: a temporary file beside it, fsync, then rename.

    Threads and processes may write the same path at once; one of them comes last.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Process and thread ids are no names: containers share folders, and have the same.
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        write_synced(temporary, data)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)


def write_synced(path: Path, data: bytes) -> None:
    """Write a file in place, and wait for the disk; the folder is left to the caller.

    For files that nobody reads yet.
    """
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Make renames inside ``folder`` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def storing(folder: Path, what: str) -> Iterator[None]:
    """Say what to do where the block cannot write.

    Args:
        folder: That is written to; it need not exist yet.
        what: That is lost by it, such as ``"cell 3f2a"``.

    Raises:
        StorageError: The block raised OSError.
    """
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"Cannot write {what} to {folder}: {error.strerror or error}.",
            _remedy(folder, error),
        ) from error


def _remedy(folder: Path, error: OSError) -> str:
    if error.errno in _FULL:
        existing = next(p for p in (folder, *folder.absolute().parents) if p.exists())
        free = shutil.disk_usage(existing).free
        return (
            f"{free / 1e6:.1f} MB are free there. Free some space, and give the same "
            "command again: what is finished is kept."
        )
    if error.errno in _REFUSED:
        return "Give a folder that you may write to, with --out."
    return "Mend it, and give the same command again: what is finished is kept."
