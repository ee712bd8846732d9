"""A few random numbers of a stream, for less than a generator costs to set up."""

from __future__ import annotations

from hashlib import shake_128

import numpy as np
from numpy.typing import NDArray

from avplug.core.randomness import KeyedRandom


def uniforms(rng: KeyedRandom, count: int) -> NDArray[np.float64]:
    """Return uniform numbers in 0..1, 1 excluded, float64 [count].

    They are the output of SHAKE128 (FIPS 202) over the stream's seed, and not those
    of the stream's generator. The first ones do not depend on the count.
    """
    seed = rng.seed().to_bytes(16, "little")
    words = np.frombuffer(shake_128(seed).digest(8 * count), "<u8")
    # The 53 bits that double precision holds.
    numbers: NDArray[np.float64] = np.multiply(words >> 11, 2.0**-53, dtype=np.float64)
    return numbers
