"""What synthesised sounds are made of: short events at random moments.

As in :mod:`~avplug.builtin_corruptions.sounds.synth`, signals are float64 at ``RATE``
and circular: an event near the end goes on at the beginning.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from avplug.builtin_corruptions.sounds.synth import (
    RATE,
    Signal,
    filtered,
    normals,
)
from avplug.core.randomness import KeyedRandom


def moments(rng: KeyedRandom, count: int, per_second: float) -> NDArray[np.int64]:
    """Return when random events happen, int64 [K] samples within ``count``.

    K is near Poisson: normal with equal mean and variance.
    """
    expected = per_second * count / RATE
    spread = float(normals(rng.stream("how many"), 1)[0]) * expected**0.5
    events = max(1, round(expected + spread))
    drawn = rng.stream("when").generator().random(events)
    starts: NDArray[np.int64] = (drawn * count).astype(np.int64)
    return starts


def decays(
    starts: NDArray[np.int64], sizes: Signal, taus: Signal, count: int
) -> Signal:
    """Return a sum of sudden rises that decay exponentially, float64 [count].

    Args:
        starts: int64 [K], samples.
        sizes: float64 [K].
        taus: float64 [K], seconds.
        count: Samples.
    """
    time = _grain_time(taus)
    return scattered(starts, sizes[:, None] * np.exp(-time / taus[:, None]), count)


def chirps(
    starts: NDArray[np.int64],
    sizes: Signal,
    taus: Signal,
    pitches: Signal,
    rises: Signal,
    count: int,
) -> Signal:
    """Return a sum of decaying sines with a rising pitch, float64 [count].

    Args:
        starts: int64 [K], samples.
        sizes: float64 [K].
        taus: float64 [K], seconds.
        pitches: float64 [K], Hz at the start.
        rises: float64 [K], the share of its pitch that a sine gains in one ``tau``.
        count: Samples.
    """
    time = _grain_time(taus)
    gone = time / taus[:, None]
    cycles = pitches[:, None] * time * (1 + rises[:, None] * gone / 2)
    return scattered(
        starts, sizes[:, None] * np.exp(-gone) * np.sin(2 * np.pi * cycles), count
    )


def bursts(
    rng: KeyedRandom,
    starts: NDArray[np.int64],
    sizes: Signal,
    taus: Signal,
    levels: ArrayLike,
    count: int,
) -> Signal:
    """Return short bursts of shaped noise, float64 [count]; see :func:`decays`."""
    envelope = decays(starts, sizes, taus, count)
    return filtered(normals(rng, count) * envelope, levels)


def scattered(starts: NDArray[np.int64], grains: Signal, count: int) -> Signal:
    """Return the sum of grains [K, M] at their starts, circular, float64 [count]."""
    places = (starts[:, None] + np.arange(grains.shape[1])) % count
    summed: Signal = np.bincount(places.ravel(), grains.ravel(), count).astype(
        np.float64, copy=False
    )
    return summed


def _grain_time(taus: Signal) -> Signal:
    """Return seconds from a grain's start, until the slowest is down by 52 dB."""
    time: Signal = np.arange(1, int(6 * taus.max() * RATE) + 2) / RATE
    return time
