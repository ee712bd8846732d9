"""Limits of time that a pause of the whole machine does not use up."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import repeat

_PARTS = 10


def in_parts(seconds: float) -> Iterable[float]:
    """Return a limit in parts, to be waited for one after the other.

    Where the machine is paused, the clock takes one of them, and not all, from work
    that could not go on either.

    Args:
        seconds: The limit.
    """
    return repeat(seconds / _PARTS, _PARTS)
