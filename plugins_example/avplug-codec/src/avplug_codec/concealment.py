"""Concealment of lost sound, as a telephone does it: the last period goes on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: Shortest and longest period that is repeated, in seconds.
PERIODS = (0.005, 0.015)
#: A repetition is as loud as before for so long, and silent after so long, in seconds.
FULL_UNTIL, SILENT_FROM = 0.01, 0.06
#: Seconds over which the sound that comes back is blended in.
BLEND = 0.004


def conceal(
    samples: NDArray[np.float32], rate: int, lost: NDArray[np.bool_], packet: float
) -> NDArray[np.float32]:
    """Return sound in which lost packets are made up from what came before.

    In the manner of ITU-T G.711 Appendix I: the last period repeats, fades from 10 ms
    on and is silent after 60 ms of loss. Nothing after a gap is used within it.

    Args:
        samples: float32 [C, N].
        rate: Hz.
        lost: bool [packets]; those beyond its end arrive.
        packet: Seconds in each.
    """
    concealed = samples.copy()
    count = samples.shape[1]
    edges = np.flatnonzero(np.diff(np.concatenate([[0], lost.astype(np.int8), [0]])))
    for begin, end in edges.reshape(-1, 2).tolist():
        first, stop = (min(count, round(k * packet * rate)) for k in (begin, end))
        blend = min(round(BLEND * rate), count - stop)
        made_up = _continued(concealed[:, :first], rate, stop - first + blend)
        concealed[:, first:stop] = made_up[:, : stop - first]
        back = (np.arange(blend, dtype=np.float32) + 1) / np.float32(blend + 1)
        returned = concealed[:, stop : stop + blend]
        returned[...] = back * returned + (1 - back) * made_up[:, stop - first :]
    return concealed


def _continued(past: NDArray[np.float32], rate: int, count: int) -> NDArray[np.float32]:
    """Return ``count`` samples [C, count] that go on where the past stops."""
    if past.shape[1] == 0:
        return np.zeros((len(past), count), np.float32)
    period = min(_period(past.mean(0), rate), past.shape[1])
    cycle = past[:, -period:]
    going_on = np.tile(cycle, -(-count // period))[:, :count]
    since = np.arange(count, dtype=np.float32) / np.float32(rate)
    fade = (SILENT_FROM - since) / (SILENT_FROM - FULL_UNTIL)
    return np.asarray(going_on * fade.clip(0, 1), np.float32)


def _period(past: NDArray[np.float32], rate: int) -> int:
    """Return the lag at which the last samples resemble those before them most."""
    shortest, longest = (max(1, round(p * rate)) for p in PERIODS)
    recent = past[-longest:]
    earlier = past[-3 * longest : -1]
    if len(earlier) < longest + shortest:
        return min(longest, len(past))
    # One row for each lag, the longest first.
    rows = np.lib.stride_tricks.sliding_window_view(earlier, len(recent))
    lags = len(past[-3 * longest :]) - len(recent) - np.arange(len(rows))
    inside = (lags >= shortest) & (lags <= longest)
    rows, lags = rows[inside].astype(np.float64), lags[inside]
    # The end of the energies' sum keeps silence from being divided by.
    likeness = rows @ recent / np.sqrt((rows * rows).sum(1) + 1e-12)
    return int(lags[np.argmax(likeness)])
