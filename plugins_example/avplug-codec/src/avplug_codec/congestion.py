"""Which moments a congested network loses: one fate for picture and sound."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from avplug import KeyedRandom

#: Seconds of sound in a packet, and of each moment that is lost or not.
PACKET = 0.02
#: Seconds over which a network remembers how full it was: losses come in bursts.
MEMORY = 0.04

_NORMAL = NormalDist()


def lost_moments(rng: KeyedRandom, duration: float, share: float) -> NDArray[np.bool_]:
    """Return which moments of 20 ms are lost, bool [moments], at least one.

    How full the network is follows a Gaussian process of first order (an
    Ornstein-Uhlenbeck process at every 20 ms); it loses what comes while it is fuller
    than for ``1 - share`` of the time. So each moment is lost with probability
    ``share``, losses cluster, and what is lost at a small share is also lost at a
    larger one.

    Args:
        rng: Of the clip; the same at each severity.
        duration: Of the clip in seconds.
        share: Probability of a loss, in (0, 1).
    """
    count = max(1, math.ceil(duration / PACKET))
    ranks = (rng.stream("congestion").uint16(count).astype(np.float64) + 0.5) / 65536
    pushes = [_NORMAL.inv_cdf(rank) for rank in ranks.tolist()]
    keep = math.exp(-PACKET / MEMORY)
    fresh = math.sqrt(1 - keep * keep)
    full = np.empty(count)
    level = full[0] = pushes[0]
    for moment in range(1, count):
        level = full[moment] = keep * level + fresh * pushes[moment]
    lost: NDArray[np.bool_] = full > _NORMAL.inv_cdf(1 - share)
    return lost
