"""Results computed by threads ahead of use, in order, of one sequence after the other.

Threads feed the model without the start-up and copies of processes: NumPy, OpenCV and
PyAV let others run while they work. They do not keep a process alive: one that hangs
blocks no exit.
"""

from __future__ import annotations

import threading
import weakref
from collections import deque
from collections.abc import Callable, Generator, Hashable, Iterable, Iterator
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, Generic, TypeAlias, TypeVar

Key = TypeVar("Key", bound=Hashable)
Item = TypeVar("Item")
Result = TypeVar("Result")
_Work: TypeAlias = tuple[Callable[[Item], Result], Iterable[Item]]
_Call: TypeAlias = tuple[Future[Any], Callable[[Any], Any], Any]


class Line(Generic[Key, Item, Result]):
    """Threads that work off one sequence of items after the other.

    Where the last items of a sequence leave a thread without work, it begins with the
    next sequence, if that is known. Safe for threads.

    Args:
        workers: Threads; 0 computes in the caller, one item at a time.
    """

    def __init__(self, workers: int) -> None:
        self._threads = _Threads(workers) if workers else None
        self._begun: tuple[Key, _Ahead[Item, Result]] | None = None
        self._closed = False
        self._lock = threading.Lock()

    def results(
        self,
        key: Key,
        work: Callable[[Key], _Work[Item, Result]],
        ahead: int,
        following: Callable[[], Key | None] = lambda: None,
    ) -> Generator[Result, None, None]:
        """Yield the results of a sequence in its order.

        Args:
            key: Of the sequence.
            work: Returns what a key stands for: a function that is safe to call from
                threads, and the items to call it with.
            ahead: Results computed and not yet used, at most, those of the next
                sequence included: bounds the memory.
            following: Tells the key of the next sequence, or None; asked when the last
                item of this one is on its way.
        """
        if self._threads is None:
            yield from map(*work(key))
            return
        own = self._taken(key) or _Ahead(*work(key), self._threads)
        after: _Ahead[Item, Result] | None = None
        try:
            while True:
                room = own.fill(ahead)
                if room > 0 and after is None and (coming := following()) is not None:
                    after = _Ahead(*work(coming), self._threads)
                    self._begin(coming, after)
                if after is not None:
                    after.fill(room)
                future = own.take()
                if future is None:
                    return
                yield future.result()
        finally:
            own.cancel()

    def close(self) -> None:
        """Cancel what was begun and nobody has asked for, and begin no more of it."""
        with self._lock:
            self._closed = True
            if self._begun is not None:
                self._begun[1].cancel()
            self._begun = None

    def _taken(self, key: Key) -> _Ahead[Item, Result] | None:
        with self._lock:
            if self._begun is None or self._begun[0] != key:
                return None
            (_, begun), self._begun = self._begun, None
            return begun

    def _begin(self, key: Key, begun: _Ahead[Item, Result]) -> None:
        with self._lock:
            if self._begun is not None:
                self._begun[1].cancel()
            self._begun = key, begun
            if self._closed:
                begun.cancel()


class _Ahead(Generic[Item, Result]):
    """A sequence, some of it computed or under way."""

    def __init__(
        self,
        work: Callable[[Item], Result],
        items: Iterable[Item],
        threads: _Threads,
    ) -> None:
        self._work = work
        self._items: Iterator[Item] | None = iter(items)
        self._threads = threads
        self._pending: deque[Future[Result]] = deque()
        self._lock = threading.Lock()

    def fill(self, most: int) -> int:
        """Set out with further items until ``most`` results are waiting or under way.

        Returns:
            How many more there may be: above 0 when the items are at their end.
        """
        with self._lock:
            while self._items is not None and len(self._pending) < most:
                for item in self._items:
                    self._pending.append(self._threads.submit(self._work, item))
                    break
                else:
                    self._items = None
            return most - len(self._pending)

    def take(self) -> Future[Result] | None:
        """Return the next result; None if nothing was set out with."""
        with self._lock:
            return self._pending.popleft() if self._pending else None

    def cancel(self) -> None:
        """Begin nothing more."""
        with self._lock:
            self._items = None
            while self._pending:
                self._pending.popleft().cancel()


class _Threads:
    """Threads that take up calls in the order in which they are given to them.

    They start with the first call, and end when nobody holds this object any more.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._calls: SimpleQueue[_Call | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._started = False

    def submit(self, work: Callable[[Item], Result], item: Item) -> Future[Result]:
        """Return what will be ``work(item)``."""
        with self._lock:
            if not self._started:
                self._start()
        future: Future[Result] = Future()
        self._calls.put((future, work, item))
        return future

    def _start(self) -> None:
        self._started = True
        weakref.finalize(self, _dismiss, self._calls, self._count)
        for _ in range(self._count):
            threading.Thread(
                target=_serve, args=(self._calls,), name="avplug-clip", daemon=True
            ).start()


def _serve(calls: SimpleQueue[_Call | None]) -> None:
    while (call := calls.get()) is not None:
        future, work, item = call
        if future.set_running_or_notify_cancel():
            try:
                future.set_result(work(item))
            except BaseException as error:
                future.set_exception(error)
        # Until the next call comes, nothing of this one is held.
        del call, future, work, item


def _dismiss(calls: SimpleQueue[_Call | None], count: int) -> None:
    for _ in range(count):
        calls.put(None)
