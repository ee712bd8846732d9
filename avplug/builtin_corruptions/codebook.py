"""Several random numbers from each sixteen random bits.

A word of 16 bits is looked up in a book of 65,536 entries, each of several numbers.
Each column of a book holds all the values of a table of 65,536 equally likely ones, in
a fixed random order: a number so has the law of the table, to the last of its values.
Numbers of different words are independent, and those of one word are as little related
as shuffling leaves them: their correlations are near 1/256, and never show in a mean.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from avplug.core.randomness import KeyedRandom
from avplug.signal.quantiles import looked_up, normal_table

#: Bytes that a word draws, and numbers in single precision.
BYTES, FLOATS = 8, 4


@cache
def _orders() -> NDArray[np.int64]:
    """Return random orders of the words, int64 [65536, BYTES]; they never change."""
    rng = KeyedRandom(("avplug", "codebook"))
    columns = [rng.stream(i).permutation(1 << 16) for i in range(BYTES)]
    return np.stack(columns, axis=1)


def byte_book(table: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return a book of bytes for :func:`draw_bytes`.

    Args:
        table: uint8 [65536], equally likely.

    Returns:
        float64 [65536], read-only: eight bytes each, no numbers.
    """
    book = table.take(_orders()).view(np.float64).ravel()
    book.flags.writeable = False
    return book


def draw_bytes(
    book: NDArray[np.float64], words: NDArray[np.uint16], out: NDArray[np.uint8]
) -> None:
    """Write what words draw from a book of bytes.

    Args:
        book: Of :func:`byte_book`.
        words: uint16 [K], uniform.
        out: uint8 [8 K].
    """
    looked_up(book, words, out=out.view(np.float64))


@cache
def _normal_book() -> NDArray[np.complex128]:
    """Return four normal numbers for each word, as the bytes of complex128 [65536]."""
    numbers = normal_table().take(_orders()[:, :FLOATS])
    return numbers.view(np.complex128).ravel()


def drawn_normals(rng: KeyedRandom, count: int) -> NDArray[np.float32]:
    """Return standard normal numbers, float32 [count], a new array."""
    words = rng.uint16(-(-count // FLOATS))
    # No index is out of range; mode="wrap" keeps take from looking at each first.
    numbers = _normal_book().take(words, mode="wrap")
    return numbers.view(np.float32)[:count]
