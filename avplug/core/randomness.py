"""Random numbers that depend on what they are for, never on when they are drawn.

A :class:`KeyedRandom` names a stream by a tuple such as ``(seed, corruption, clip)``.
Equal names give equal numbers in any order, batch, worker, process or machine: the
name is hashed with BLAKE2b and seeds an SFC64 generator, whose raw bits NumPy keeps
stable across versions. (Its *distributions* are not promised to be stable, so the
corruptions draw raw bits and use their own quantile tables.)
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class KeyedRandom:
    """A named stream of random numbers.

    Args:
        key: What the stream is for. Parts are ``str`` or ``int``; ``1`` and ``"1"``
            name different streams.

    Example::

        rng = KeyedRandom((0, "gaussian", "clip-7"))
        frame_noise = rng.stream("video").at(0.04).bytes(224 * 224 * 3)
    """

    key: tuple[str | int, ...]

    def stream(self, *names: str | int) -> KeyedRandom:
        """Return the stream of a part of this one, independent of its siblings."""
        return KeyedRandom((*self.key, *names))

    def at(self, seconds: float) -> KeyedRandom:
        """Return the stream of one moment, told apart to the microsecond."""
        return self.stream("at", round(seconds * 1_000_000))

    def seed(self) -> int:
        """Return 128 bits that identify this stream."""
        return int.from_bytes(self._digest(), "little")

    def _digest(self) -> bytes:
        name = bytearray()
        for part in self.key:
            text = f"{type(part).__name__}:{part}".encode()
            name += len(text).to_bytes(8, "little") + text
        return hashlib.blake2b(name, digest_size=16).digest()

    def _bits(self) -> np.random.SFC64:
        # The words of the seed: NumPy cuts a whole number into them more slowly.
        words = np.frombuffer(self._digest(), "<u4")
        return np.random.SFC64(np.random.SeedSequence(words))

    def generator(self) -> np.random.Generator:
        """Return a NumPy generator at the start of this stream."""
        return np.random.Generator(self._bits())

    def bytes(self, count: int) -> NDArray[np.uint8]:
        """Return ``count`` uniform bytes, uint8 [count]."""
        words = self._bits().random_raw((count + 7) // 8)
        return words.astype("<u8", copy=False).view(np.uint8)[:count]

    def uint16(self, count: int) -> NDArray[np.uint16]:
        """Return ``count`` uniform 16-bit integers, uint16 [count]."""
        return self.bytes(2 * count).view("<u2")

    def permutation(self, count: int) -> NDArray[np.int64]:
        """Return a random order of ``range(count)``, int64 [count].

        Sorting raw 64-bit words keeps the order stable across NumPy versions.
        """
        return np.argsort(self._bits().random_raw(count), kind="stable")
