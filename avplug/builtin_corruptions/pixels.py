"""Noise on pixels, drawn for each frame from the bits that its time names."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from avplug.builtin_corruptions.codebook import BYTES, byte_book, draw_bytes
from avplug.builtin_corruptions.frame_memory import new_frames
from avplug.core.randomness import KeyedRandom

Pixels: TypeAlias = NDArray[np.uint8]
#: Of bytes; see codebook.py.
Book: TypeAlias = NDArray[np.float64]


def spoil_frames(
    frames: Pixels,
    times: NDArray[np.float64],
    rng: KeyedRandom,
    books: tuple[Book, ...],
    spoil: Callable[..., object],
) -> Pixels:
    """Return frames, each spoilt with the random numbers of its own time.

    Args:
        frames: uint8 [T, H, W, 3].
        times: float64 [T], seconds.
        rng: The clip's stream for the picture.
        books: What each channel value draws from, all with the same random bits.
        spoil: Called with the channel values of a frame, where to write, and what was
            drawn from each book, all uint8 [1, H W 3]. (Rows of one array, as OpenCV
            takes short one-dimensional arrays for scalars.)

    Returns:
        uint8 [T, H, W, 3], a new array.
    """
    spoilt = new_frames(frames.shape)
    size = prod(frames.shape[1:])
    count = -(-size // BYTES)
    drawn = [np.empty(count * BYTES, np.uint8) for _ in books]
    rows = [draws[None, :size] for draws in drawn]
    bits = _Bits()
    for frame, time, target in zip(frames, times.tolist(), spoilt, strict=True):
        words = bits.words(rng.at(time), count)
        for book, draws in zip(books, drawn, strict=True):
            draw_bytes(book, words, draws)
        spoil(frame.reshape(1, -1), target.reshape(1, -1), *rows)
    return spoilt


class _Bits:
    """Random words of one stream after the other, from one generator.

    Its state is set from a stream's 128 bits, in a fifth of the time that NumPy takes
    to seed a new one; a few rounds mix them before the first word.
    """

    _ROUNDS = 12

    def __init__(self) -> None:
        self._source = np.random.SFC64(0)
        self._state = self._source.state
        # Three words of state, and the counter.
        self._words = self._state["state"]["state"]
        self._words[2:] = 0, 1

    def words(self, rng: KeyedRandom, count: int) -> NDArray[np.uint16]:
        """Return the first uniform 16-bit integers of a stream, uint16 [count]."""
        self._words[1], self._words[0] = divmod(rng.seed(), 1 << 64)
        self._source.state = self._state
        raw = self._source.random_raw(self._ROUNDS + -(-count // 4))[self._ROUNDS :]
        return raw.astype("<u8", copy=False).view("<u2")[:count]


def signed_books(levels: NDArray[np.floating[Any]]) -> tuple[Book, Book]:
    """Return what to add and what to subtract for whole numbers, [65536]."""
    more, less = (side.clip(0, 255).astype(np.uint8) for side in (levels, -levels))
    return byte_book(more), byte_book(less)


def add_and_subtract(values: Pixels, out: Pixels, more: Pixels, less: Pixels) -> None:
    """Write values plus what :func:`signed_books` drew, clipped to 0..255."""
    cv2.add(values, more, dst=out)
    cv2.subtract(out, less, dst=out)
