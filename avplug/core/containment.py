"""Keeps a plugin from holding up, or writing into, the program that loads it."""

from __future__ import annotations

import io
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

#: So many times the limit may pass while a library of somebody else is imported.
PATIENCE = 10


class TookTooLong(BaseException):
    """The time was up: the limit in seconds. No Exception: plugins catch those."""


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Interrupt what the block does after so many seconds of wall time; 0 for never.

    It takes the main thread, and a system with interval timers; elsewhere there is no
    limit. What hangs in compiled code is interrupted when it comes back to Python.

    A library that the block's own module imports is let come to its end, for ten times
    as long: many cannot be imported again in a process once they were interrupted, and
    the rest of the program may need them.

    Raises:
        TookTooLong: The time was up.
    """
    alone = threading.current_thread() is threading.main_thread()
    if seconds <= 0 or not alone or not hasattr(signal, "setitimer"):
        yield
        return

    # That of the block: of this generator and the ``with`` that runs it, the caller.
    outside = sys._getframe(2)
    last = time.monotonic() + PATIENCE * seconds

    def give_up(signum: int, frame: FrameType | None) -> None:
        if time.monotonic() > last or not _imports_others(frame, outside):
            raise TookTooLong(f"{seconds:g}")

    before = signal.signal(signal.SIGALRM, give_up)
    # Repeated: a plugin may catch everything once.
    rest, period = signal.setitimer(signal.ITIMER_REAL, seconds, 0.1)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, rest, period)
        signal.signal(signal.SIGALRM, before)


def _imports_others(frame: FrameType | None, outside: FrameType) -> bool:
    """Return whether modules of several packages are being imported in a block."""
    packages = set()
    while frame is not None and frame is not outside:
        if frame.f_code.co_name == "<module>":
            packages.add(str(frame.f_globals.get("__name__")).partition(".")[0])
        frame = frame.f_back
    return len(packages) > 1


class Diverted(io.TextIOBase):
    """A stdout whose text goes to stderr, and is kept.

    Attributes:
        text: What was written, its beginning.
    """

    _KEPT = 200

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> int:
        """Pass the text on."""
        self.text = (self.text + text)[: self._KEPT]
        return sys.stderr.write(text)

    def flush(self) -> None:
        """Flush stderr."""
        sys.stderr.flush()
