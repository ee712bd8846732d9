"""Tasks on a Ray cluster: one that stands, or one of this machine for the run."""

from __future__ import annotations

import logging
import os
import pickle
import signal
import threading
from collections import Counter, deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError

from avplug.bench.executors.far import perform
from avplug.bench.executors.local import lost
from avplug.core.errors import UsageError
from avplug.core.executor import Executor, Outcome, Task, Tell, Work

#: Bytes for what is under way between processes; a task's outcome is small.
_STORE = 512 << 20


class RayCluster(Executor):
    """Runs tasks on a Ray cluster.

    Args:
        address: ``host:port``, ``auto`` or ``ray://host:port``; "" for that of
            ``RAY_ADDRESS``, or else a cluster of this machine that ends with the run.
        cpus: Cores of a task.
        gpus: GPUs of a task, parts of one as well; None for one if the run's device
            is a GPU.
        attempts: So many workers may die of a task.
        shard: Clips of a stateless cell that a task has at most; 0 keeps cells whole.

    Raises:
        ValueError: A number is out of range.
    """

    def __init__(
        self,
        address: str = "",
        cpus: float = 1,
        gpus: float | None = None,
        attempts: int = 3,
        shard: int = 0,
    ) -> None:
        super().__init__(shard)
        if cpus <= 0 or (gpus or 0) < 0 or attempts < 1:
            raise ValueError("cpus must be positive, gpus not negative, attempts >= 1")
        self._address = address
        self._cpus = cpus
        self._gpus = gpus
        self._attempts = attempts

    def run(
        self, tasks: Sequence[Task], work: Work[Task, Outcome], tell: Tell
    ) -> Generator[tuple[Task, Outcome | Exception], None, None]:
        """Yield each task with its outcome, or with what it raised, as it ends.

        Raises:
            UsageError: There is no cluster, or it can never run a task.
        """
        with _connected(self._address):
            needs = self._needs(work.device)
            # Whether a task is done again is for avplug to say, on all executors; a
            # worker with a GPU would else end with each task, its models with it.
            remote: Any = ray.remote(
                num_cpus=needs["CPU"], num_gpus=needs["GPU"], max_retries=0, max_calls=0
            )(perform)
            yield from self._work_off(tasks, remote, needs, pickle.dumps(work), tell)

    def _work_off(
        self,
        tasks: Sequence[Task],
        remote: Any,
        needs: dict[str, float],
        work: bytes,
        tell: Tell,
    ) -> Generator[tuple[Task, Any], None, None]:
        shared = ray.put(work)
        waiting = deque(tasks)
        under_way: dict[Any, Task] = {}
        deaths: Counter[Task] = Counter()
        try:
            while waiting or under_way:
                while waiting and len(under_way) < 2 * _places(needs):
                    task = waiting.popleft()
                    under_way[remote.remote(shared, task)] = task
                for ref in ray.wait(list(under_way))[0]:
                    task = under_way.pop(ref)
                    try:
                        outcome, clips = ray.get(ref)
                    except RayTaskError as error:
                        outcome, clips = error, 0
                    except RayError as error:
                        deaths[task] += 1
                        if deaths[task] < self._attempts:
                            waiting.append(task)
                            continue
                        reason = str(error).splitlines()[0]
                        outcome = lost(deaths[task], f"with {reason!r}")
                        clips = 0
                    tell(task, 0)
                    if clips:
                        tell(task, clips)
                    yield task, outcome
        finally:
            for ref in under_way:
                ray.cancel(ref, force=True)

    def _needs(self, device: str) -> dict[str, float]:
        there = _resources()
        gpus = self._gpus
        if gpus is None:
            wanted = device.startswith("cuda") or (device == "auto" and "GPU" in there)
            gpus = 1 if wanted else 0
        needs = {"CPU": self._cpus, "GPU": gpus}
        for name, count in needs.items():
            # Ray would wait for such a node to come, for ever.
            if count > there.get(name, 0):
                raise UsageError(
                    f"A task needs {count:g} {name}; the Ray cluster has "
                    f"{there.get(name, 0):g} in all.",
                    "Add nodes, ask for less with -o executor.cpus or -o "
                    "executor.gpus, or change --device.",
                )
        return needs


def _places(needs: dict[str, float]) -> int:
    """Return how many tasks the cluster, as it is now, can do at once."""
    there = _resources()
    counts = [there.get(name, 0) / need for name, need in needs.items() if need]
    return max(1, int(min(counts)))


def _resources() -> dict[str, float]:
    found: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    return found


@contextmanager
def _connected(address: str) -> Iterator[None]:
    if ray.is_initialized():
        yield
        return
    options: dict[str, Any] = {"address": address or os.environ.get("RAY_ADDRESS")}
    if options["address"] is None:
        # Under load, a node may take longer to start than Ray is ready to wait.
        os.environ.setdefault("RAY_raylet_start_wait_time_s", "120")
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        options |= {"include_dashboard": False, "object_store_memory": _STORE}
    with _own_signals():
        try:
            ray.init(**options, log_to_driver=False, logging_level=logging.ERROR)
        # Ray has no class of its own for a node that does not start.
        except Exception as error:
            where = options["address"] or "on this machine"
            raise UsageError(
                f"There is no Ray cluster {where}: {str(error).splitlines()[0]}",
                "Start one with: ray start --head",
            ) from error
    try:
        yield
    finally:
        ray.shutdown()


@contextmanager
def _own_signals() -> Iterator[None]:
    """Keep the handlers of signals, where Ray would install its own."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
