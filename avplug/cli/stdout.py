"""stdout is data: once plugins are in the process, only the verb's own answer is.

What a plugin, a library or a child process prints goes to stderr, at whichever level it
does so: through ``print``, ``sys.stdout``, or the file descriptor.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

#: Whether a verb is at work: outside of one, stdout is everybody's.
_answering = False
#: Where data go; what ``sys.stdout`` was; both None while nothing was claimed.
_data: TextIO | None = None
_before: TextIO | None = None


def data() -> TextIO:
    """Return the stream that data are written to."""
    return sys.stdout if _data is None else _data


@contextmanager
def answering() -> Iterator[None]:
    """While a verb is at work, let stdout be claimed for its answer."""
    global _answering
    _answering = True
    try:
        yield
    finally:
        _answering = False
        _release()


def claim() -> None:
    """Keep stdout for :func:`data` until the verb ends; the rest goes to stderr."""
    global _data, _before
    if not _answering or _data is not None or sys.stdout is None:
        return
    _before = sys.stdout
    _before.flush()
    _data = _moved(_before)
    sys.stdout = sys.stderr


def _moved(stream: TextIO) -> TextIO:
    """Return the stream, or one like it where others have its file descriptor."""
    try:
        if stream.fileno() != 1:
            return stream
        moved = os.dup(1)
        os.dup2(2, 1)
    except (OSError, ValueError, AttributeError):
        # A stream in memory, such as a test's; or there is no stderr.
        return stream
    return os.fdopen(moved, "w", encoding=stream.encoding, errors=stream.errors)


def _release() -> None:
    global _data, _before
    if _data is None or _before is None:
        return
    data, sys.stdout = _data, _before
    moved = data is not _before
    _data = _before = None
    if moved:
        # What a reader such as ``head`` no longer takes has been told already.
        with suppress(OSError):
            data.flush()
        os.dup2(data.fileno(), 1)
        with suppress(OSError):
            data.close()
