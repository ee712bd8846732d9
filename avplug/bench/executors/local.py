"""Tasks in processes of this machine, which are watched over and replaced.

Each worker is a new interpreter that lives until the run ends. It is tied to its
supervisor by a socket: a dead worker closes it, and so does a dead supervisor, upon
which the worker ends, so that none outlives the run, however that ends. Where a process
that the supervisor has forked keeps the socket open, the worker's new parent tells.
"""

from __future__ import annotations

import json
import os
import pickle
import signal
import socket
import subprocess
import sys
import tempfile
from collections import Counter, deque
from collections.abc import Generator, Sequence
from contextlib import suppress
from functools import cached_property
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Generic

from avplug.bench.executors.slots import Slot, default_memory, slots
from avplug.core import crashes
from avplug.core.culprits import crashed
from avplug.core.errors import WorkerLostError, WorkerSetupError
from avplug.core.executor import Executor, Outcome, Task, Tell, Work
from avplug.core.manager import loaded_plugins
from avplug.core.records import PluginRecord

#: So many workers in succession may end by themselves before they are ready to work.
_STILLBORN = 8

_START = (
    "import json, runpy, sys; sys.path[:] = json.loads(sys.argv.pop(1)); "
    "runpy.run_module('avplug.bench.executors.worker', run_name='__main__')"
)


class Local(Executor):
    """Runs tasks in processes of this machine, one on each GPU or set of cores.

    Args:
        processes: How many; 0 for one on each GPU, or else one on each core.
        attempts: So many workers may die of a task.
        memory_gb: A worker that holds more after a task is replaced, in 2^30 bytes; 0
            for its share of 80 % of the machine's.
        shard: Clips of a stateless cell that a task has at most; 0 keeps cells whole.

    Raises:
        ValueError: A number is out of range.
    """

    def __init__(
        self,
        processes: int = 0,
        attempts: int = 3,
        memory_gb: float = 0.0,
        shard: int = 0,
    ) -> None:
        super().__init__(shard)
        if processes < 0 or attempts < 1 or memory_gb < 0:
            raise ValueError(
                "processes and memory_gb must not be negative, attempts at least 1"
            )
        self._processes = processes
        self._attempts = attempts
        self._memory = int(memory_gb * (1 << 30))

    def run(
        self, tasks: Sequence[Task], work: Work[Task, Outcome], tell: Tell
    ) -> Generator[tuple[Task, Outcome | Exception], None, None]:
        """Yield each task with its outcome, or with what it raised, as it ends.

        Raises:
            WorkerSetupError: No worker gets as far as being ready.
        """
        places = slots(self._processes, work.device)[: len(tasks)]
        memory = self._memory or default_memory(len(places))
        crew = _Crew(places, pickle.dumps(work), tasks, tell, memory, self._attempts)
        try:
            while crew.busy():
                yield from crew.turn()
        finally:
            crew.dismiss()


class _Crew(Generic[Task]):
    """The workers of a run, the tasks they are at, and those that wait."""

    def __init__(
        self,
        places: Sequence[Slot],
        work: bytes,
        tasks: Sequence[Task],
        tell: Tell,
        memory: int,
        attempts: int,
    ) -> None:
        self._free = list(reversed(places))
        self._idle: list[_Worker] = []
        self._at: dict[_Worker, Task] = {}
        self._work = work
        self._waiting = deque(tasks)
        self._tell = tell
        self._memory = memory
        self._attempts = attempts
        self._deaths: Counter[Task] = Counter()
        self._stillborn = 0

    def busy(self) -> bool:
        """Return whether a task is not done."""
        return bool(self._waiting or self._at)

    def turn(self) -> Generator[tuple[Task, Any], None, None]:
        """Hand tasks out, wait for news, and yield what has ended."""
        while self._waiting and (self._idle or self._free):
            worker = self._idle.pop() if self._idle else self._hire()
            task = self._at[worker] = self._waiting.popleft()
            worker.send(pickle.dumps(task))
            if worker.ready:
                self._tell(task, 0)
        by_pipe = {worker.pipe: worker for worker in self._at}
        for pipe in wait(list(by_pipe)):
            worker = by_pipe[pipe]  # type: ignore[index]
            try:
                word, value = worker.pipe.recv()
            except (EOFError, OSError):
                yield from self._lost(worker)
                continue
            yield from self._heard(worker, word, value)

    def _hire(self) -> _Worker:
        return _Worker(self._free.pop(), self._work)

    def _heard(
        self, worker: _Worker, word: str, value: Any
    ) -> Generator[tuple[Task, Any], None, None]:
        task = self._at[worker]
        if word == "ready":
            worker.ready, self._stillborn = True, 0
            self._tell(task, 0)
        elif word == "tick":
            worker.done += value
            self._tell(task, value)
        else:
            del self._at[worker]
            if worker.resident() > self._memory:
                # What leaks would take the machine in the end.
                self._free.append(worker.end())
            else:
                worker.done = 0
                self._idle.append(worker)
            yield task, value

    def _lost(self, worker: _Worker) -> Generator[tuple[Task, Any], None, None]:
        task = self._at.pop(worker)
        # It is about to end, where it has not yet, and its status tells why.
        self._free.append(worker.end(patience=1.0))
        if worker.done:
            self._tell(task, -worker.done)
        if worker.ready or worker.killed():
            self._deaths[task] += 1
        else:
            self._stillborn += 1
        if self._stillborn == _STILLBORN:
            raise WorkerSetupError(
                f"{_STILLBORN} worker processes ended one after the other before they "
                f"could work, the last {worker.fate()}.",
                "What they wrote is above. Without them: --executor in-process.",
            )
        if self._deaths[task] < self._attempts:
            self._waiting.append(task)
        else:
            fate, way_out = worker.fate(), worker.way_out()
            yield task, lost(self._deaths[task], fate, way_out)

    def dismiss(self) -> None:
        """End all workers."""
        for worker in (*self._at, *self._idle):
            worker.end()


def lost(times: int, fate: str, way_out: str = "") -> WorkerLostError:
    """Return the error of a task whose workers died.

    Args:
        times: How many.
        fate: Of the last, in words.
        way_out: What to do, where it is known whose fault it is.
    """
    return WorkerLostError(
        f"{times} workers died while they evaluated it, the last {fate}.",
        way_out or "If memory ran out, have fewer workers or a smaller --batch-size.",
    )


class _Worker:
    """A worker process, from its supervisor's side."""

    def __init__(self, slot: Slot, work: bytes) -> None:
        self._slot = slot
        self.ready = False
        self.done = 0
        # Where it writes what it was at if it crashes in compiled code.
        self._crash = tempfile.TemporaryFile()  # noqa: SIM115
        self._stack: list[crashes.Frame] = []
        mine, its = socket.socketpair()
        with its:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-c", _START, json.dumps(sys.path)),
                    *map(str, (its.fileno(), os.getpid(), self._crash.fileno())),
                    *map(str, slot.cores),
                ],
                env={**os.environ, **slot.variables},
                stdin=subprocess.DEVNULL,
                # The caller's stdout is data.
                stdout=2,
                pass_fds=[its.fileno(), self._crash.fileno()],
                # Out of reach of the terminal's Ctrl-C.
                start_new_session=True,
            )
        self.pipe: Connection[Any, Any] = Connection(mine.detach())
        self.send(work)

    def send(self, pickled: bytes) -> None:
        """Send a message; that a worker is dead shows when it is listened to."""
        with suppress(OSError):
            self.pipe.send_bytes(pickled)

    def resident(self) -> int:
        """Return the resident bytes; 0 where the system does not tell."""
        try:
            text = Path(f"/proc/{self._process.pid}/statm").read_text()
        except OSError:
            return 0
        return int(text.split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def end(self, patience: float = 0.0) -> Slot:
        """Kill the process, and return its place.

        Args:
            patience: Seconds in which it may end by itself.
        """
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(patience)
        self._process.kill()
        self._process.wait()
        self.pipe.close()
        with self._crash as file:
            file.seek(0)
            self._stack = crashes.frames(file.read().decode(errors="replace"))
        return self._slot

    def killed(self) -> bool:
        """Return whether somebody ended the process, such as the system."""
        return self._process.returncode == -signal.SIGKILL

    def fate(self) -> str:
        """Return in words how the process ended, and in whose code if it crashed."""
        code = self._process.returncode
        if code >= 0:
            return f"ended with code {code}"
        killed = f"killed by {signal.Signals(-code).name}"
        if self._culprit is not None:
            record, frame = self._culprit
            return f"{killed} in {record.name}, {frame}"
        return f"{killed} {crashes.place(self._stack)}".rstrip()

    def way_out(self) -> str:
        """Return how a user leaves out the plugin that crashed; "" if none did."""
        if self._culprit is None:
            return ""
        return f"Its stack: --executor in-process. {self._culprit[0].way_out}"

    @cached_property
    def _culprit(self) -> tuple[PluginRecord, crashes.Frame] | None:
        return crashed(self._stack, loaded_plugins())
