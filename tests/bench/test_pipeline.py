import threading
import time

import pytest
from hypothesis import given, strategies as st

from avplug.bench.pipeline import ClipFailure, batches, ordered_map, prefetched
from avplug.core.clip import ClipRef
from tests.waiting import LONG, until


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_results_come_in_order_and_no_more_than_so_many_wait(workers):
    waiting, most, lock = 0, 0, threading.Lock()

    def work(item):
        nonlocal waiting, most
        time.sleep(0.001 * (item % 3))
        with lock:
            waiting += 1
            most = max(most, waiting)
        return item * item

    got = []
    for result in ordered_map(work, range(50), workers, ahead=4):
        with lock:
            waiting -= 1
        got.append(result)
    assert got == [i * i for i in range(50)]
    assert most <= 5


def test_an_error_comes_out_at_its_place():
    results = ordered_map(lambda i: 1 / (2 - i), range(5), 2, ahead=3)
    assert next(results) == 0.5
    assert next(results) == 1.0
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_values_are_fetched_ahead_in_order_and_no_more_than_so_many():
    taken = []

    def source():
        for i in range(20):
            taken.append(i)
            yield i

    coming = prefetched(source(), 2)
    assert next(coming) == 0
    until(lambda: len(taken) == 4)
    time.sleep(0.05)
    assert taken == [0, 1, 2, 3]
    assert list(coming) == list(range(1, 20))


def test_an_error_of_what_is_fetched_ahead_comes_out_at_its_place():
    coming = prefetched((1 / (2 - i) for i in range(5)), 2)
    assert [next(coming), next(coming)] == [0.5, 1.0]
    with pytest.raises(ZeroDivisionError):
        next(coming)


def test_a_reader_that_stops_closes_what_is_fetched_ahead():
    closed = threading.Event()

    def source():
        try:
            yield from range(100)
        finally:
            closed.set()

    coming = prefetched(source(), 2)
    next(coming)
    coming.close()
    assert closed.wait(LONG)


@given(st.lists(st.booleans(), max_size=30), st.integers(1, 7))
def test_batches_are_full_whatever_clips_fail(good, size):
    results = [
        (ClipRef(str(i), ()), str(i) if ok else ClipFailure(str(i), "bad"))
        for i, ok in enumerate(good)
    ]
    groups = list(batches(results, size, refill=True))
    clips = [clip for _, group, _ in groups for clip in group]
    failures = [failure.id for _, _, group in groups for _, failure in group]
    assert clips == [str(i) for i, ok in enumerate(good) if ok]
    assert failures == [str(i) for i, ok in enumerate(good) if not ok]
    assert all(len(group) == size for _, group, _ in groups[:-1])
    assert all([r.id for r in refs] == group for refs, group, _ in groups)


@given(st.lists(st.booleans(), max_size=30), st.integers(1, 7), st.integers(0, 4))
def test_without_refilling_parts_of_a_stream_have_the_batches_of_the_whole(
    good, size, cut
):
    results = [
        (ClipRef(str(i), ()), str(i) if ok else ClipFailure(str(i), "bad"))
        for i, ok in enumerate(good)
    ]
    part = cut * size
    whole = list(batches(results, size, refill=False))
    parts = [
        group
        for some in (results[:part], results[part:])
        for group in batches(some, size, refill=False)
    ]
    assert whole == parts
    assert all(len(g[0]) + len(g[2]) == size for g in whole[:-1])
