"""The contract of an executor: where tasks, groups of cells, are evaluated."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Sequence
from typing import Any, ClassVar, Protocol, TypeAlias, TypeVar

Task = TypeVar("Task")
Outcome = TypeVar("Outcome")
Received = TypeVar("Received", contravariant=True)
Returned = TypeVar("Returned", covariant=True)

#: Told of a task and of clips done since the last call: 0 when it begins, less than 0
#: when a worker was lost with what it had done.
Tell: TypeAlias = Callable[[Any, int], None]


class Work(Protocol[Received, Returned]):
    """What is done with a task; picklable, and made ready anew in each process."""

    @property
    def device(self) -> str:
        """What it computes on: ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ``mps``."""

    def __call__(self, task: Received, tick: Callable[[int], None]) -> Returned:
        """Return what came of a task; ``tick`` is told of clips done."""


class Executor(ABC):
    """Runs independent tasks in any order and place.

    Tasks, ``work`` and outcomes can be pickled. The caller alone writes results. A
    task may be done twice: it gives the same outcome.

    Args:
        shard: Clips of a stateless cell that a task has at most; 0 keeps cells whole.

    Raises:
        ValueError: ``shard`` is negative.
    """

    #: Whether tasks leave the caller's process.
    remote: ClassVar[bool] = True

    def __init__(self, shard: int = 0) -> None:
        if shard < 0:
            raise ValueError("shard must not be negative")
        self.shard = shard

    @abstractmethod
    def run(
        self, tasks: Sequence[Task], work: Work[Task, Outcome], tell: Tell
    ) -> Generator[tuple[Task, Outcome | Exception], None, None]:
        """Yield each task with its outcome, or with what it raised, as it ends.

        A worker that is lost is replaced and its task done again; a task that loses
        several yields a :class:`~avplug.core.errors.WorkerLostError`. Closing the
        iterator ends all workers.

        Args:
            tasks: Hashable.
            work: Called with each task, and with a function that it tells how many
                clips are done.
            tell: Told of a task and of clips done since the last call, in the
                caller's thread: 0 when the task begins, less than 0 when a worker was
                lost with what it had done.
        """
