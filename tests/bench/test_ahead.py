import threading
import time

from hypothesis import given, settings, strategies as st

from avplug.bench.ahead import Line
from tests.waiting import LONG, until


def numbered(done, gate=None):
    """Work of which each item notes (key, item) when it is begun."""

    def work(key):
        def once(item):
            done.append((key, item))
            if gate is not None and (key, item) in gate:
                assert gate[key, item].wait(LONG)
            return key, item

        return once, range(key)

    return work


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=1, max_size=6),
    st.integers(0, 3),
    st.integers(1, 7),
)
def test_sequences_come_in_order_whatever_was_announced(told, workers, ahead):
    done, used = [], 0
    line = Line(workers)
    truthful = all(true for _, true in told)
    coming = [key for key, _ in told[1:]] + [None]
    for (key, true), following in zip(told, coming, strict=True):
        announced = following if true else 10
        results = line.results(key, numbered(done), ahead, lambda a=announced: a)
        got = []
        for result in results:
            got.append(result)
            used += 1
            assert not truthful or len(done) - used <= ahead
        assert got == [(key, item) for item in range(key)]
    if truthful:
        # What is begun ahead of its turn is not begun again.
        assert len(done) == sum(key for key, _ in told)


def test_the_next_sequence_is_begun_in_the_room_that_the_last_items_leave():
    done, asked = [], []
    line = Line(2)
    results = line.results(3, numbered(done), 5, lambda: asked.append(1) or 4)
    assert next(results) == (3, 0)
    until(lambda: len(done) == 5)
    time.sleep(0.05)
    assert sorted(done) == [(3, 0), (3, 1), (3, 2), (4, 0), (4, 1)]
    assert list(results) == [(3, 1), (3, 2)]
    until(lambda: len(done) == 7)
    assert list(line.results(4, numbered(done), 5)) == [(4, i) for i in range(4)]
    assert sorted(done) == [(3, i) for i in range(3)] + [(4, i) for i in range(4)]
    assert len(asked) == 1


def test_nothing_is_asked_before_the_last_item_is_on_its_way():
    asked = []
    line = Line(1)
    results = line.results(9, numbered([]), 3, lambda: asked.append(1))
    for _ in range(6):
        next(results)
    assert not asked
    assert len(list(results)) == 3
    assert asked


def test_what_does_not_come_is_dropped():
    done, gate = [], {(7, 0): threading.Event()}
    line = Line(1)
    work = numbered(done, gate)
    assert len(list(line.results(2, work, 4, lambda: 7))) == 2
    # The one thread is held up by 7, of which only this item is begun.
    until(lambda: (7, 0) in done)
    other = line.results(3, work, 4, lambda: 5)
    threading.Timer(0.05, gate[7, 0].set).start()
    assert next(other) == (3, 0)
    assert len(list(other)) == 2
    assert len(list(line.results(5, work, 4))) == 5
    assert (7, 3) not in done[done.index((5, 0)) :]


def test_a_closed_line_begins_nothing_ahead_of_its_turn():
    done = []
    line = Line(1)
    results = line.results(2, numbered(done), 4, lambda: 6)
    next(results)
    line.close()
    list(results)
    seen = len(done)
    time.sleep(0.05)
    assert len(done) == seen
    assert list(line.results(3, numbered(done), 4, lambda: 6)) == [
        (3, i) for i in range(3)
    ]
    time.sleep(0.05)
    assert done.count((6, 3)) == 0


def test_all_sequences_are_worked_off_by_the_same_threads_that_end_with_the_line():
    before = set(threading.enumerate())
    line = Line(2)
    names = set()

    def work(key):
        return lambda item: names.add(threading.current_thread()), range(6)

    for key in (1, 2, 3):
        list(line.results(key, work, 4))
    threads = set(threading.enumerate()) - before
    assert len(threads) == 2
    assert names <= threads
    del line
    until(lambda: not any(thread.is_alive() for thread in threads))
