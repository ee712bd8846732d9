"""Which frames of a clip a model wants to see, chosen by presentation time."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from avplug.core.clip import InputSpec

#: The published feature extraction looks at no more than the first ten seconds.
PUBLISHED_SECONDS = 10


def pick_frames(
    times: NDArray[np.float64],
    end: float,
    spec: InputSpec,
    *,
    rate: Fraction | None = None,
    tick: float = 0.0,
) -> list[int]:
    """Return the indices of the frames that ``spec`` asks for, one for each pick.

    A clip of constant rate is divided in whole numbers, so that the indices are the
    published ones whatever the rounding of its time stamps; any other by time.

    Args:
        times: float64 [T], when each frame is presented, in seconds, increasing.
        end: When the last frame stops being shown, in seconds.
        spec: Its ``frame_rule``, ``grid`` and ``picks``.
        rate: Frames per second as the file states it; believed only if ``times`` agree.
        tick: Resolution of the time stamps in seconds.

    Raises:
        ValueError: There is no frame, or a pick lies outside the grid.
    """
    count = len(times)
    if count == 0:
        raise ValueError("There is no frame to pick from.")
    if spec.frame_rule == "all":
        return list(range(count))
    outside = [pick for pick in spec.picks if not 0 <= pick < spec.grid]
    if outside:
        raise ValueError(f"Pick {outside[0]} is none of the {spec.grid} parts.")
    steady = _steady_rate(times, rate, tick)
    if steady is None:
        return _BY_TIME[spec.frame_rule](times, end, spec)
    if spec.frame_rule == "centre":
        return [(2 * pick + 1) * count // (2 * spec.grid) for pick in spec.picks]
    used = max(1, min(count, int(PUBLISHED_SECONDS * steady)))
    if spec.frame_rule == "cav-mae":
        return [max(0, pick * used // spec.grid - 1) for pick in spec.picks]
    return [((2 * pick + 1) * used - 1) // (2 * spec.grid) for pick in spec.picks]


def _steady_rate(
    times: NDArray[np.float64], stated: Fraction | None, tick: float
) -> Fraction | None:
    """Return the frame rate if the times are even to within a tick, else None."""
    if len(times) < 2:
        return stated
    span = float(times[-1] - times[0])
    # A span rounded up by a tick must not make the rate fall short of a whole number.
    rounding = min(max(tick, 1e-6), span / 1000)
    observed = Fraction((len(times) - 1) / (span - rounding))
    for rate in (stated, observed):
        if rate:
            even = times[0] + np.arange(len(times)) / float(rate)
            if np.abs(times - even).max() <= 1.01 * tick + 1e-6:
                return rate
    return None


def _shown_at(times: NDArray[np.float64], moment: float) -> int:
    return max(0, int(np.searchsorted(times, moment + 1e-9, side="right")) - 1)


def _published_length(times: NDArray[np.float64], end: float) -> float:
    """Return how long the frames of the first ten seconds are shown."""
    ends = np.append(times[1:], end) - times[0]
    used = max(1, int(np.searchsorted(ends, PUBLISHED_SECONDS + 1e-9, side="right")))
    return float(ends[used - 1])


def _before_start_by_time(
    times: NDArray[np.float64], end: float, spec: InputSpec
) -> list[int]:
    length = _published_length(times, end)
    starts = [times[0] + pick * length / spec.grid for pick in spec.picks]
    return [max(0, _shown_at(times, start) - 1) for start in starts]


def _centre_by_time(
    times: NDArray[np.float64], end: float, spec: InputSpec
) -> list[int]:
    length = end - float(times[0])
    middles = [times[0] + (pick + 0.5) * length / spec.grid for pick in spec.picks]
    return [_shown_at(times, middle) for middle in middles]


def _before_middle_by_time(
    times: NDArray[np.float64], end: float, spec: InputSpec
) -> list[int]:
    length = _published_length(times, end)
    middles = times[0] + (np.array(spec.picks) + 0.5) * length / spec.grid
    before = np.searchsorted(times, middles - 1e-9) - 1
    return [max(0, int(index)) for index in before]


_BY_TIME: dict[str, Callable[[NDArray[np.float64], float, InputSpec], list[int]]] = {
    "cav-mae": _before_start_by_time,
    "uavm": _before_middle_by_time,
    "centre": _centre_by_time,
}
