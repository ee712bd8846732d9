"""Further tries to read clips, where a disk or a network fails for a moment."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from avplug.core.errors import MediaError

T = TypeVar("T")

#: Seconds before each further try; the last holds for all after it.
PAUSES = (0.2, 1.0, 5.0)


class Tries:
    """Reads a clip again when that fails; safe for threads.

    What a corruption or a model raises would come again, and is not tried again.

    Args:
        further: Tries after the first.
    """

    def __init__(self, further: int) -> None:
        self._further = further
        self._lock = threading.Lock()
        #: Further tries by clip, of those that needed any.
        self.counts: dict[str, int] = {}

    def read(self, clip: str, work: Callable[[], T]) -> T:
        """Return ``work()``, which reads a clip.

        Raises:
            MediaError: The last try failed.
            OSError: The same.
            Exception: Anything else that it raised, at once.
        """
        for turn in range(self._further):
            try:
                return work()
            except (MediaError, OSError):
                with self._lock:
                    self.counts[clip] = self.counts.get(clip, 0) + 1
                time.sleep(PAUSES[min(turn, len(PAUSES) - 1)])
        return work()
