"""Memory of corrupted clips that is used again once nobody sees it any more.

The C library gives blocks of tens of megabytes back to the system when they are freed,
and the system clears each page of the next one. That costs 0.08 ms for a frame of
640 x 360, three times what adding a layer to it does. So the last few blocks of clips
whose frames are gone wait here for the next clips.
"""

from __future__ import annotations

from collections import deque
from math import prod
from weakref import finalize

import numpy as np
from numpy.typing import NDArray

#: Sizes of the blocks that are kept, in bytes: smaller ones the C library keeps itself.
LEAST, MOST = 1 << 25, 1 << 28
#: How many wait at most: two clips are alive where one is made while one is used.
KEPT = 2
#: A clip takes no block that is this many times larger than it needs.
_ROOMY = 2


class _Block(np.ndarray[tuple[int], np.dtype[np.uint8]]):
    """Memory of frames, of a type of its own; see :func:`new_frames`."""


_waiting: deque[_Block] = deque(maxlen=KEPT)


def new_frames(shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Return an array for frames, uint8 of a shape, with anything in it.

    It belongs to the caller like any other: its memory is used again only when the
    array and all views of it are gone.
    """
    size = prod(shape)
    if not LEAST <= size <= MOST:
        return np.empty(shape, np.uint8)
    block = _waiting_block(size)
    if block is None:
        block = _Block((size,), np.uint8)
    # NumPy has a view of a view refer to the array at the bottom, but only through
    # arrays of one type. So every view of these frames keeps these frames, none the
    # block itself, and they go last.
    frames = np.ndarray(shape, np.uint8, buffer=block)
    finalize(frames, _waiting.append, block).atexit = False
    return frames


def _waiting_block(size: int) -> _Block | None:
    """Return a block that waits, or None; one of another size is given up."""
    # Threads may take the last one at the same time: asking first would not help.
    try:
        block = _waiting.pop()
    except IndexError:
        return None
    return block if size <= block.nbytes <= _ROOMY * size else None
