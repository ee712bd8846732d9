"""Clips on their way to the model: decoded once, corrupted ahead, in order."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from avplug.core.clip import Clip, ClipRef, InputSpec
from avplug.core.dataset import Dataset

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class ClipFailure:
    """A clip that could not be read or corrupted, and why."""

    id: str
    reason: str


class ClipCache:
    """Decoded clips, kept in memory up to a limit, the least recently used dropped.

    Safe for threads. A clip is decoded once per run as long as it stays; two threads
    that ask for it at once may both decode it, which costs time and changes nothing.

    Args:
        dataset: Where clips come from.
        spec: How they are sampled.
        max_bytes: Memory for frames and samples.
    """

    def __init__(
        self, dataset: Dataset, spec: InputSpec, max_bytes: int = 1 << 30
    ) -> None:
        self._dataset = dataset
        self._spec = spec
        self._max_bytes = max_bytes
        self._bytes = 0
        self._clips: OrderedDict[str, Clip] = OrderedDict()
        self._lock = threading.Lock()

    def load(self, ref: ClipRef) -> Clip:
        """Return the clip; raises what the data set raises."""
        with self._lock:
            if ref.id in self._clips:
                self._clips.move_to_end(ref.id)
                return self._clips[ref.id]
        clip = self._dataset.load(ref, self._spec)
        with self._lock:
            if ref.id not in self._clips:
                self._clips[ref.id] = clip
                self._bytes += _size(clip)
            while self._bytes > self._max_bytes and len(self._clips) > 1:
                self._bytes -= _size(self._clips.popitem(last=False)[1])
        return clip


def _size(clip: Clip) -> int:
    arrays: tuple[np.ndarray | None, ...] = (clip.frames, clip.audio)
    return sum(0 if array is None else array.nbytes for array in arrays)


def ordered_map(
    work: Callable[[Item], Result], items: Iterable[Item], workers: int, ahead: int
) -> Iterator[Result]:
    """Yield ``work(item)`` in the order of the items, computed in threads ahead of use.

    NumPy, OpenCV and PyAV let other threads run while they work, so threads feed the
    model without the start-up and copies of processes.

    Args:
        work: Safe to call from threads.
        items: In order.
        workers: Threads; 0 computes in the caller, one at a time.
        ahead: Results computed and not yet used, at most: bounds the memory.
    """
    if workers == 0:
        yield from map(work, items)
        return
    pending: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="avplug-clip") as pool:
        try:
            for item in items:
                pending.append(pool.submit(work, item))
                if len(pending) >= ahead:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()


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
