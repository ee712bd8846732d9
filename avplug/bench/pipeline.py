"""Clips on their way to the model: computed ahead of use, in order, in batches."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from queue import Full, Queue
from typing import Any, TypeVar

from avplug.bench.ahead import Line
from avplug.core.clip import Clip

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class ClipFailure:
    """A clip that could not be read or corrupted, and why."""

    id: str
    reason: str


def ordered_map(
    work: Callable[[Item], Result], items: Iterable[Item], workers: int, ahead: int
) -> Iterator[Result]:
    """Yield ``work(item)`` in the order of the items, computed in threads ahead of use.

    Args:
        work: Safe to call from threads.
        items: In order.
        workers: Threads; 0 computes in the caller, one at a time.
        ahead: Results computed and not yet used, at most: bounds the memory.
    """
    line: Line[None, Item, Result] = Line(workers)
    return line.results(None, lambda key: (work, items), ahead)


def prefetched(
    source: Generator[Result, None, None], count: int
) -> Generator[Result, None, None]:
    """Yield what ``source`` yields, taken from it ahead of use in another thread.

    Args:
        source: Closed by that thread when the reader stops.
        count: Results that wait, at most.
    """
    room: Queue[tuple[str, Any]] = Queue(count)
    stopped = threading.Event()

    def hand_over(kind: str, value: Any) -> None:
        while not stopped.is_set():
            with suppress(Full):
                room.put((kind, value), timeout=0.1)
                return

    def fill() -> None:
        try:
            with closing(source):
                for value in source:
                    hand_over("value", value)
                    if stopped.is_set():
                        return
        except BaseException as error:
            hand_over("error", error)
        else:
            hand_over("end", None)

    threading.Thread(target=fill, name="avplug-batch", daemon=True).start()
    try:
        while True:
            kind, value = room.get()
            if kind == "end":
                return
            if kind == "error":
                raise value
            yield value
    finally:
        stopped.set()


def batches(
    results: Iterable[tuple[Item, Clip | ClipFailure]], size: int, *, refill: bool
) -> Iterator[tuple[list[Item], list[Clip], list[tuple[Item, ClipFailure]]]]:
    """Group good clips into batches; failed ones ride with the batch that they miss.

    Args:
        results: In the order of the stream.
        size: Clips of a batch.
        refill: Whether the next good clip takes the place of a failed one. What adapts
            gets full batches: their composition depends on which clips fail, not where.
            Without it a batch is always the same part of the stream, so that parts of a
            stream have the batches of the whole.
    """
    items: list[Item] = []
    clips: list[Clip] = []
    failures: list[tuple[Item, ClipFailure]] = []
    for item, result in results:
        if isinstance(result, ClipFailure):
            failures.append((item, result))
        else:
            items.append(item)
            clips.append(result)
        if len(clips) + (0 if refill else len(failures)) == size:
            yield items, clips, failures
            items, clips, failures = [], [], []
    if items or failures:
        yield items, clips, failures
