"""SIGINT and SIGTERM during a run: work is abandoned, a write is finished first."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupts:
    """Turns both signals into ``KeyboardInterrupt``, later where that would tear."""

    def __init__(self) -> None:
        self._held = False
        self._pending = False

    @contextmanager
    def held(self) -> Iterator[None]:
        """Raise what comes in the block at its end."""
        self._held = True
        try:
            yield
        finally:
            self._held = False
        if self._pending:
            self._pending = False
            raise KeyboardInterrupt

    def handle(self, number: int, frame: FrameType | None) -> None:
        """Take a signal."""
        if self._held:
            self._pending = True
        else:
            raise KeyboardInterrupt


@contextmanager
def interruptible() -> Iterator[Interrupts]:
    """Handle both signals inside the block.

    Outside the main thread, which alone gets signals, everything stays as it is.
    """
    interrupts = Interrupts()
    if threading.current_thread() is not threading.main_thread():
        yield interrupts
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, interrupts.handle) for number in numbers}
    try:
        yield interrupts
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
