from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, strategies as st

from avplug.core.clip import InputSpec
from avplug.media.picking import pick_frames

TENTHS = InputSpec(picks=tuple(range(10)))
CENTRES = InputSpec(picks=tuple(range(10)), frame_rule="centre")
THIRDS = InputSpec(grid=30, picks=tuple(range(30)), frame_rule="uavm")
NTSC = Fraction(30_000, 1001)


def published(count: int, rate: Fraction) -> list[int]:
    used = min(count, int(10 * rate))
    return [max(0, int(i * (used / 10)) - 1) for i in range(10)]


def constant(count: int, rate: Fraction) -> tuple[np.ndarray, float]:
    return np.arange(count) / float(rate), float(count / rate)


def test_the_published_frames_of_a_ten_second_clip():
    times, end = constant(300, NTSC)
    picks = pick_frames(times, end, TENTHS, rate=NTSC)
    assert picks == [0, 28, 58, 88, 118, 148, 178, 208, 238, 268]


@pytest.mark.parametrize("rate", [Fraction(25, 2), Fraction(24), NTSC, Fraction(60)])
@pytest.mark.parametrize("count", [1, 2, 9, 10, 125, 203, 299, 300, 1000])
def test_constant_rates_give_the_published_indices(count, rate):
    times, end = constant(count, rate)
    assert pick_frames(times, end, TENTHS, rate=rate) == published(count, rate)
    assert pick_frames(times, end, TENTHS) == published(count, rate)


@pytest.mark.parametrize("rate", [Fraction(24), Fraction(25), NTSC, Fraction(60)])
@pytest.mark.parametrize("seconds", [10, 12])
def test_three_frames_a_second_are_those_of_ffmpegs_filter(rate, seconds):
    count = int(seconds * rate)
    times, end = constant(count, rate)
    # The filter gives a frame the nearest third of a second; of equals the last stays.
    thirds = [int(3 * k / rate + Fraction(1, 2)) for k in range(count)]
    wanted = [max(k for k in range(count) if thirds[k] <= n) for n in range(30)]
    assert pick_frames(times, end, THIRDS, rate=rate) == wanted
    assert pick_frames(times, end, THIRDS) == wanted


@given(
    st.integers(2, 400),
    st.sampled_from([Fraction(10), Fraction(25), NTSC, Fraction(30), Fraction(50)]),
    st.sampled_from(["cav-mae", "uavm", "centre"]),
    st.integers(0, 2**32 - 1),
)
def test_rounded_time_stamps_change_no_pick(count, rate, rule, seed):
    times, end = constant(count, rate)
    spec = InputSpec(picks=tuple(range(10)), frame_rule=rule)
    jitter = np.random.default_rng(seed).uniform(-5e-4, 5e-4, count)
    jittered = times + jitter
    wanted = pick_frames(times, end, spec, rate=rate)
    assert pick_frames(jittered, end, spec, rate=rate, tick=1e-3) == wanted


@given(
    st.lists(st.floats(0.001, 2.0), min_size=1, max_size=200),
    st.sampled_from([TENTHS, THIRDS, CENTRES]),
)
def test_any_timing_gives_frames_that_exist_in_order(steps, spec):
    ends = np.cumsum(steps)
    times = np.concatenate([[0.0], ends[:-1]])
    picks = pick_frames(times, float(ends[-1]), spec)
    assert len(picks) == len(spec.picks)
    assert picks == sorted(picks)
    assert picks[0] >= 0
    assert picks[-1] < len(times)


def test_uneven_frames_are_picked_by_what_is_shown():
    # Slow at first, then fast: halves of the frames are not halves of the time.
    times = np.array([0.0, 1.0, 2.0, 3.0, 4.0, 4.25, 4.5, 4.75])
    spec = InputSpec(grid=5, picks=(0, 1, 2, 3, 4))
    assert pick_frames(times, 5.0, spec) == [0, 0, 1, 2, 3]
    centre = InputSpec(grid=5, picks=(0, 4), frame_rule="centre")
    assert pick_frames(times, 5.0, centre) == [0, 6]
    before = InputSpec(grid=10, picks=(0, 1, 2, 9), frame_rule="uavm")
    # Middles 0.25, 0.75, 1.25 and 4.75, where the last frame only begins.
    assert pick_frames(times, 5.0, before) == [0, 0, 1, 6]


def test_only_the_first_ten_seconds_of_a_long_clip_count():
    times, end = constant(1000, Fraction(25))
    assert pick_frames(times, end, TENTHS, rate=Fraction(25))[-1] == 224
    uneven = np.delete(times, 1)
    last = pick_frames(uneven, end, TENTHS, rate=Fraction(25))[-1]
    assert uneven[last] == pytest.approx(9 - 1 / 25)


def test_a_stated_rate_that_the_times_contradict_is_not_believed():
    times, end = constant(100, Fraction(10))
    assert pick_frames(times, end, TENTHS, rate=Fraction(30)) == published(
        100, Fraction(10)
    )


def test_all_takes_every_frame_whatever_the_picks():
    assert pick_frames(np.arange(4.0), 4.0, InputSpec(frame_rule="all")) == [0, 1, 2, 3]


def test_a_pick_outside_the_grid_is_refused():
    with pytest.raises(ValueError, match="Pick 10 is none of the 10 parts"):
        pick_frames(np.arange(4.0), 4.0, InputSpec(picks=(10,)))


def test_nothing_to_pick_from_is_refused():
    with pytest.raises(ValueError, match="no frame"):
        pick_frames(np.zeros(0), 0.0, TENTHS)
