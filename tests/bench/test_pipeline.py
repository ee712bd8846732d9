import threading
import time

import numpy as np
import pytest
from hypothesis import given, strategies as st

from avplug.bench.pipeline import ClipCache, ClipFailure, batches, ordered_map
from avplug.core.clip import Clip, ClipRef, InputSpec
from avplug.core.dataset import Dataset


class Counting(Dataset):
    labels = ("one",)

    def __init__(self):
        self.clips = [ClipRef(str(i), (0,)) for i in range(10)]
        self.loads = []

    def load(self, ref, spec):
        self.loads.append(ref.id)
        audio = np.zeros((1, 1000), np.float32)
        return Clip(ref.id, None, None, audio, 1000, 1.0)


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


def test_a_clip_is_decoded_once_while_it_fits():
    data = Counting()
    cache = ClipCache(data, InputSpec(), max_bytes=3 * 4000)
    for ref in data.clips[:3] * 2:
        assert cache.load(ref).id == ref.id
    assert data.loads == ["0", "1", "2"]
    cache.load(data.clips[3])
    cache.load(data.clips[0])
    assert data.loads == ["0", "1", "2", "3", "0"]


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
