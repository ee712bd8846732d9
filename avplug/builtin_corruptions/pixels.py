"""Noise on pixels, drawn for each frame from the bits that its time names."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from avplug.builtin_corruptions.codebook import BYTES, byte_book, draw_bytes
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
    spoilt = np.empty(frames.shape, np.uint8)
    size = prod(frames.shape[1:])
    count = -(-size // BYTES)
    drawn = [np.empty(count * BYTES, np.uint8) for _ in books]
    rows = [draws[None, :size] for draws in drawn]
    for frame, time, target in zip(frames, times.tolist(), spoilt, strict=True):
        words = rng.at(time).uint16(count)
        for book, draws in zip(books, drawn, strict=True):
            draw_bytes(book, words, draws)
        spoil(frame.reshape(1, -1), target.reshape(1, -1), *rows)
    return spoilt


def signed_books(levels: NDArray[np.floating[Any]]) -> tuple[Book, Book]:
    """Return what to add and what to subtract for whole numbers, [65536]."""
    more, less = (side.clip(0, 255).astype(np.uint8) for side in (levels, -levels))
    return byte_book(more), byte_book(less)


def add_and_subtract(values: Pixels, out: Pixels, more: Pixels, less: Pixels) -> None:
    """Write values plus what :func:`signed_books` drew, clipped to 0..255."""
    cv2.add(values, more, dst=out)
    cv2.subtract(out, less, dst=out)
