"""The contract of an executor: where cells are evaluated."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

Task = TypeVar("Task")
Outcome = TypeVar("Outcome")


class Executor(ABC):
    """Runs independent tasks, each a cell, in any order and place."""

    @abstractmethod
    def run(
        self, tasks: Sequence[Task], work: Callable[[Task], Outcome]
    ) -> Iterator[tuple[Task, Outcome | Exception]]:
        """Yield each task with its outcome, or with what it raised, as it ends."""
