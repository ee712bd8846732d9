"""Keeps a plugin from holding up, or writing into, the program that loads it."""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from types import FrameType

from avplug.core.errors import PluginError

#: So many times the limit may pass while a library of somebody else is imported.
PATIENCE = 10

#: So many times the block may catch what gives it up before that is told.
_CAUGHT = 20

#: What is put back, in words, as :class:`Traces` tells it.
FILTERS = "the filters of warnings"

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class TookTooLong(BaseException):
    """The time was up: the limit in seconds. No Exception: plugins catch those."""


@contextmanager
def at_most(
    seconds: float, stubborn: Callable[[], None] = lambda: None
) -> Iterator[None]:
    """Interrupt what the block does after so many seconds of wall time; 0 for never.

    It takes the main thread, and a system with interval timers; elsewhere there is no
    limit. What hangs in compiled code is interrupted when it comes back to Python.

    A library that the block's own module imports is let come to its end, for ten times
    as long: many cannot be imported again in a process once they were interrupted, and
    the rest of the program may need them.

    Args:
        seconds: Of wall time.
        stubborn: Called once if the block goes on catching what gives it up: nothing
            but the end of the process ends it.

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
    tries = 0

    def give_up(signum: int, frame: FrameType | None) -> None:
        nonlocal tries
        if time.monotonic() <= last and _imports_others(frame, outside):
            return
        tries += 1
        if tries == _CAUGHT:
            stubborn()
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


def described(error: BaseException) -> str:
    """Return type and text of an exception in one line, even if its text raises.

    Without a full stop: it is a part of a sentence.
    """
    try:
        text = " ".join(str(error).split())
    except Exception as second:
        text = f"(its text cannot be made: {type(second).__name__})"
    return f"{type(error).__name__}: {text}".rstrip(" :.")


def contained(error: BaseException) -> Exception:
    """Return what a plugin raised as an error that can be told of, and costs no more.

    An exit becomes an error like any other, as does an exception whose text raises.
    """
    if isinstance(error, Exception):
        try:
            str(error)
        except Exception:
            return PluginError(described(error))
        return error
    return PluginError(f"A plugin tried to end the program: {described(error)}.")


@dataclass(slots=True)
class Traces:
    """What a plugin did to the process while it loaded.

    Attributes:
        interrupted: Whether a SIGINT came, such as of the user's Ctrl-C.
        undone: What it changed for everybody, and what was put back, in words.
        threads: That it started, and that keep a process from ending.
    """

    interrupted: bool = False
    undone: list[str] = field(default_factory=list)
    threads: list[threading.Thread] = field(default_factory=list)


@contextmanager
def guarded() -> Iterator[Traces]:
    """Put back what the block changes for the whole process, and tell of it.

    That is the working folder, the filters of warnings, and the handlers of SIGINT and
    SIGTERM; the latter in the main thread alone.
    """
    traces = Traces()
    folder = _folder()
    threads = set(threading.enumerate())
    with warnings.catch_warnings(), _handlers(traces):
        filters = list(warnings.filters)
        try:
            yield traces
        finally:
            if list(warnings.filters) != filters:
                traces.undone.append(FILTERS)
            if _folder() != folder and folder is not None:
                os.chdir(folder)
                traces.undone.append("the working folder")
            traces.threads = [
                thread
                for thread in set(threading.enumerate()) - threads
                if not thread.daemon
            ]


def _folder() -> str | None:
    with suppress(OSError):
        return os.getcwd()
    return None


@contextmanager
def _handlers(traces: Traces) -> Iterator[None]:
    """Notice Ctrl-C in the block, and restore who answers signals after it."""
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    interrupt = before[signal.SIGINT]
    alone = threading.current_thread() is threading.main_thread()
    # None is a handler that Python did not set, and could not set again.
    if not alone or None in before.values():
        yield
        return

    def notice(signum: int, frame: FrameType | None) -> None:
        traces.interrupted = True
        if callable(interrupt):
            interrupt(signum, frame)

    mine = {**before, signal.SIGINT: notice if callable(interrupt) else interrupt}
    signal.signal(signal.SIGINT, mine[signal.SIGINT])
    try:
        yield
    finally:
        for number, handler in before.items():
            if signal.getsignal(number) is not mine[number]:
                traces.undone.append(f"what {number.name} does")
            signal.signal(number, handler)
