"""The main of a local worker process: takes tasks from a pipe until it closes."""

from __future__ import annotations

import faulthandler
import os
import pickle
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from typing import Any

from avplug.bench.executors.sending import portable

#: Seconds between reports of progress, at least.
_PAUSE = 0.1

#: Seconds between looks at whether the supervisor lives.
_LOOK = 1.0


def main(handle: int, supervisor: int, crash: int, cores: Sequence[int]) -> None:
    """Work off tasks.

    The first message is the pickled work, each other one a pickled task. Answers are
    pairs: ``("ready", None)``, ``("tick", count)``, ``("done", outcome)``,
    ``("raised", error)``.

    Args:
        handle: File descriptor of a socket to the supervisor.
        supervisor: Its process id.
        crash: Descriptor of a file in which it looks for the stack of a crash.
        cores: To run on; empty for all.
    """
    faulthandler.enable(crash, all_threads=False)
    # Ctrl-C is the supervisor's to answer; it ends its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if cores and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)
    pipe: Connection[Any, Any] = Connection(handle)
    # What a task starts may live on: the end of this process must show all the same.
    os.set_inheritable(handle, False)
    os.register_at_fork(after_in_child=pipe.close)
    tasks: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    receiver = threading.Thread(
        target=_receive, args=(pipe, supervisor, tasks), daemon=True
    )
    receiver.start()
    work = pickle.loads(tasks.get())
    _send(pipe, ("ready", None))
    while True:
        task, tick = tasks.get(), _Ticker(pipe)
        answer = _answer(work, task, tick)
        tick.flush()
        _send(pipe, answer)


def _receive(
    pipe: Connection[Any, Any], supervisor: int, tasks: queue.SimpleQueue[bytes]
) -> None:
    # Pickles are not read here: what one raises must not end the watch.
    while True:
        try:
            if pipe.poll(_LOOK):
                tasks.put(pipe.recv_bytes())
        except (EOFError, OSError):
            # The supervisor is gone, killed perhaps: nobody wants the outcome.
            os._exit(1)
        # The socket stays open while a process that it has forked holds the other end.
        if os.getppid() != supervisor:
            os._exit(1)


def _send(pipe: Connection[Any, Any], message: tuple[str, Any]) -> None:
    try:
        pipe.send(message)
    except OSError:
        os._exit(1)


def _answer(work: Callable[..., Any], task: bytes, tick: _Ticker) -> tuple[str, Any]:
    try:
        return "done", work(pickle.loads(task), tick)
    except Exception as error:
        return "raised", portable(error)


class _Ticker:
    """Reports clips done, not too often."""

    def __init__(self, pipe: Connection[Any, Any]) -> None:
        self._pipe = pipe
        self._count = 0
        self._last = time.monotonic()

    def __call__(self, count: int) -> None:
        self._count += count
        if time.monotonic() - self._last > _PAUSE:
            self.flush()

    def flush(self) -> None:
        """Report what is not reported yet."""
        if self._count:
            _send(self._pipe, ("tick", self._count))
        self._count, self._last = 0, time.monotonic()


if __name__ == "__main__":
    _handle, _supervisor, _crash, *_cores = map(int, sys.argv[1:])
    main(_handle, _supervisor, _crash, _cores)
