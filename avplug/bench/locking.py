"""One writer for each results folder, and who it is.

Two things together, as neither is enough alone:

- ``.writer.lock``, locked by the kernel. It is given back when its holder ends, however
  it ends, and sees through containers; but some network file systems keep such locks
  within each machine, or not at all.
- ``writer.json``, the name of the writer, made by a call that fails where there is one
  already, which network file systems keep, too. It outlives a writer that was killed.

Who has the kernel's lock and finds the name of a writer that shared this kernel knows
that it is dead, and takes its place. A name from another machine may be alive: that is
for the user to say. Readers need no lock: what they read is whole, or absent.
"""

from __future__ import annotations

import errno
import json
import logging
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict
from pathlib import Path

from filelock import FileLock, Timeout

from avplug.bench.writers import Writer
from avplug.core.errors import UsageError
from avplug.core.files import storing

#: Name of the file that tells who writes.
NAME = "writer.json"

_KERNEL = ".writer.lock"
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)

_log = logging.getLogger("avplug")


class LockedError(UsageError):
    """Another process writes to the folder, or did and did not end properly."""


@contextmanager
def only_writer(folder: Path, *, break_lock: bool = False) -> Iterator[None]:
    """Be the only one that writes to a folder of results.

    A folder that is made for it, and then left empty, is removed.

    Args:
        folder: Made if it does not exist.
        break_lock: Take the place of a writer of which nobody can tell whether it is
            alive. One that is known to be alive keeps its place.

    Raises:
        LockedError: There is another writer.
        StorageError: Nothing can be written there.
    """
    new = not folder.exists()
    with storing(folder, "results"):
        folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as held:
        if new:
            held.callback(_remove_empty, folder)
        kept = _lock(folder, held)
        with storing(folder, "results"):
            me = _sign(folder, kept, break_lock)
        held.callback(_leave, folder, me)
        yield


def current_writer(folder: Path) -> Writer | None:
    """Return who writes to a folder, or was killed while it did; None if nobody."""
    try:
        facts = json.loads((folder / NAME).read_text(encoding="utf-8"))
        return Writer(**facts)
    except (OSError, ValueError, TypeError):
        return None


def _lock(folder: Path, held: ExitStack) -> bool:
    """Take the kernel's lock; return False where the file system keeps none."""
    lock = FileLock(folder / _KERNEL, thread_local=False)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        writer = current_writer(folder)
        raise LockedError(
            f"{folder} is being written by "
            f"{writer.describe() if writer else 'another process'}.",
            "Wait for it or end it, or give another --out.",
        ) from None
    except NotImplementedError:
        return False
    except OSError as error:
        if error.errno in _NO_LOCKS:
            return False
        with storing(folder, "results"):
            raise
    held.callback(lock.release)
    return True


def _sign(folder: Path, kept: bool, break_lock: bool) -> Writer:
    me, path = Writer.here(), folder / NAME
    while not _claim(path, me):
        other = current_writer(folder)
        if other is None and not path.exists():
            continue
        if other and other.token == me.token:
            # The answer to the first call got lost in the network.
            break
        if other and ((kept and other.shares_kernel(me)) or other.ended(me)):
            _log.warning(
                "%s was left by a writer that did not end properly (%s); going on.",
                folder,
                other.describe(),
            )
        elif break_lock:
            who = other.describe() if other else "an unknown writer"
            _log.warning("The lock of %s is broken; it was held by %s.", folder, who)
        else:
            raise LockedError(
                _doubt(folder, other),
                f"If it has ended: --break-lock, or delete {path}.",
            )
        path.unlink(missing_ok=True)
    return me


def _doubt(folder: Path, other: Writer | None) -> str:
    if other is None:
        return f"{folder} is locked, and {NAME} in it does not tell by whom."
    return (
        f"{folder} is locked by {other.describe()}. Whether that is alive cannot be "
        "told from here."
    )


def _claim(path: Path, writer: Writer) -> bool:
    """Write the name, unless there is one; at no moment is there half a name."""
    data = json.dumps(asdict(writer), indent=1).encode()
    temporary = path.with_name(f".{path.name}.{writer.token}.tmp")
    try:
        temporary.write_bytes(data)
        os.link(temporary, path)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        return _claim_without_links(path, data)
    finally:
        temporary.unlink(missing_ok=True)
    return True


def _claim_without_links(path: Path, data: bytes) -> bool:
    try:
        with path.open("xb") as file:
            file.write(data)
    except FileExistsError:
        return False
    return True


def _leave(folder: Path, me: Writer) -> None:
    found = current_writer(folder)
    # Whoever broke the lock has signed in our place.
    if found and found.token == me.token:
        with suppress(OSError):
            (folder / NAME).unlink()


def _remove_empty(folder: Path) -> None:
    with suppress(OSError):
        if [path.name for path in folder.iterdir()] == [_KERNEL]:
            (folder / _KERNEL).unlink()
        folder.rmdir()
