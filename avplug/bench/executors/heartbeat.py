"""A sign of life of a run for jobs on other machines, in a shared folder."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: Seconds between two beats.
_BEAT = 5.0


@contextmanager
def beating(path: Path) -> Iterator[None]:
    """Touch a file again and again inside the block."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(_BEAT):
            path.touch()

    path.touch()
    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def end_with(path: Path, patience: float) -> None:
    """End this process when a file has not been touched for some seconds.

    Clocks of two machines differ: what counts is that the time of the file changes.
    """

    def watch() -> None:
        # Naps are counted: a machine that was paused has heard nothing meanwhile.
        seen, missed, nap = None, 0.0, min(_BEAT, patience)
        while missed < patience:
            time.sleep(nap)
            try:
                now = path.stat().st_mtime_ns
            except OSError:
                now = None
            missed += nap
            if now is not None and now != seen:
                seen, missed = now, 0.0
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
