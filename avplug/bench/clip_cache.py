"""Decoded clips in memory, once for all cells of a run; behind them those on disk."""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future, wait
from queue import SimpleQueue
from typing import Any, TypeAlias, TypeVar

from avplug.bench.clip_store import ClipStore, clip_key
from avplug.bench.retrying import Tries
from avplug.core.clip import Clip, ClipRef, InputSpec
from avplug.core.dataset import Dataset
from avplug.core.errors import MediaError
from avplug.core.limits import in_parts

T = TypeVar("T")
_Job: TypeAlias = tuple[Future[Any], Callable[[], Any]]

#: What a clip counts for at least: bounds the number of small ones that are mapped.
_LEAST = 1 << 16


class ClipMemory:
    """Clips in memory up to a limit, the least recently used dropped; safe for threads.

    Args:
        max_bytes: Of frames and samples.
    """

    def __init__(self, max_bytes: int = 1 << 30) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._clips: OrderedDict[Hashable, Clip] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> Clip | None:
        """Return what was kept under a key, if it is still there."""
        with self._lock:
            if key in self._clips:
                self._clips.move_to_end(key)
            return self._clips.get(key)

    def keep(self, key: Hashable, clip: Clip) -> None:
        """Keep a clip under a new key."""
        with self._lock:
            self._clips[key] = clip
            self._bytes += _size(clip)
            while self._bytes > self._max_bytes and len(self._clips) > 1:
                self._bytes -= _size(self._clips.popitem(last=False)[1])


class ClipCache:
    """The decoded clips of a data set, sampled in one way.

    Safe for threads: of those that ask for a clip at once, one decodes it. Without a
    store a clip is decoded once as long as it stays in memory; with one, once.

    Args:
        dataset: Where clips come from.
        spec: How they are sampled.
        memory: Where decoded clips are kept; other caches may use it too.
        store: Where decoded clips are kept on disk, if anywhere.
        limit: Of the time that the decoding of a clip may take; None for any time.
        tries: Reads again what cannot be read; None for one try.
    """

    def __init__(
        self,
        dataset: Dataset,
        spec: InputSpec,
        memory: ClipMemory | None = None,
        *,
        store: ClipStore | None = None,
        limit: TimeLimit | None = None,
        tries: Tries | None = None,
    ) -> None:
        self._dataset = dataset
        self._spec = spec
        self._memory = memory or ClipMemory()
        self._store = store
        self._version = dataset.content_version() if store else ""
        self._limit = limit
        self._tries = tries or Tries(0)
        self._coming: dict[str, Future[Clip]] = {}
        self._hung: set[str] = set()
        self._lock = threading.Lock()

    def load(self, ref: ClipRef) -> Clip:
        """Return the clip.

        Raises:
            MediaError: It took too long, now or before.
            Exception: What the data set raises.
        """
        key = (id(self), ref.id)
        with self._lock:
            clip = self._memory.get(key)
            if clip is not None:
                return clip
            coming = self._coming.get(ref.id)
            if coming is None:
                mine = self._coming[ref.id] = Future()
        if coming is not None:
            return coming.result()
        try:
            clip = self._tries.read(ref.id, lambda: self._load(ref))
        except BaseException as error:
            with self._lock:
                del self._coming[ref.id]
            mine.set_exception(error)
            raise
        with self._lock:
            self._memory.keep(key, clip)
            del self._coming[ref.id]
        mine.set_result(clip)
        return clip

    def _load(self, ref: ClipRef) -> Clip:
        if self._store is None:
            return self._decoded(ref)
        try:
            key = clip_key(self._dataset, self._version, ref, self._spec)
        except (OSError, MediaError):
            # A file is missing: loading says so in the data set's own words.
            return self._decoded(ref)
        clip = self._store.get(key)
        if clip is None:
            clip = self._decoded(ref)
            self._store.put(key, clip)
        return clip

    def _decoded(self, ref: ClipRef) -> Clip:
        if self._limit is None:
            return self._dataset.load(ref, self._spec)
        if ref.id not in self._hung:
            try:
                return self._limit.run(lambda: self._dataset.load(ref, self._spec))
            except OutOfTimeError:
                self._hung.add(ref.id)
        raise MediaError(
            f"Clip '{ref.id}' was not decoded within {self._limit.seconds:g} s.",
            "Give it more with --clip-timeout.",
        )


class OutOfTimeError(Exception):
    """Something took too long."""


class TimeLimit:
    """Lets work take so long and no longer.

    It is done in a thread of its own, which is left behind if it takes too long and is
    used again if not: threads that come and go scatter the memory. They keep no process
    alive.

    Args:
        seconds: Of each piece of work.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._idle: list[SimpleQueue[_Job | None]] = []
        weakref.finalize(self, _dismiss, self._idle)

    def run(self, work: Callable[[], T]) -> T:
        """Return ``work()``; may be called by several threads at once.

        Raises:
            OutOfTimeError: It took too long.
            Exception: What it raises.
        """
        try:
            jobs = self._idle.pop()
        except IndexError:
            jobs = SimpleQueue()
            threading.Thread(
                target=_serve, args=(jobs,), name="avplug-decoder", daemon=True
            ).start()
        outcome: Future[T] = Future()
        jobs.put((outcome, work))
        if not any(wait([outcome], part).done for part in in_parts(self.seconds)):
            jobs.put(None)
            raise OutOfTimeError
        self._idle.append(jobs)
        return outcome.result()


def _serve(jobs: SimpleQueue[_Job | None]) -> None:
    while (job := jobs.get()) is not None:
        outcome, work = job
        try:
            outcome.set_result(work())
        except BaseException as error:
            outcome.set_exception(error)
        # Until the next job comes, nothing of this one is held.
        del job, outcome, work


def _dismiss(idle: list[SimpleQueue[_Job | None]]) -> None:
    for jobs in idle:
        jobs.put(None)


def _size(clip: Clip) -> int:
    arrays = (array for array in (clip.frames, clip.audio) if array is not None)
    return max(_LEAST, sum(array.nbytes for array in arrays))
