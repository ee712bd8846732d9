"""What a worker of somebody else's engine does with a task."""

from __future__ import annotations

import hashlib
import pickle
from typing import Any

from avplug.bench.executors.sending import portable

#: The work of the run that this process is at, by the hash of its pickle: an engine
#: keeps processes, and a plan with its models is worth keeping.
_works: dict[str, Any] = {}


def perform(pickled: bytes, task: Any) -> tuple[Any, int]:
    """Return what came of a task, or the exception, and how many clips it did.

    Args:
        pickled: The work.
        task: Given to it.
    """
    counts: list[int] = []
    try:
        outcome = _work(pickled)(task, counts.append)
    except Exception as error:
        outcome = portable(error)
    return outcome, sum(counts)


def _work(pickled: bytes) -> Any:
    key = hashlib.sha256(pickled).hexdigest()
    if key not in _works:
        _works.clear()
        _works[key] = pickle.loads(pickled)
    return _works[key]
