"""Where cells are evaluated."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from avplug.core.executor import Executor, Outcome, Task


class InProcess(Executor):
    """Evaluates one cell after the other in the process that stores them."""

    def run(
        self, tasks: Sequence[Task], work: Callable[[Task], Outcome]
    ) -> Iterator[tuple[Task, Outcome | Exception]]:
        """Yield each task with its outcome, or with the exception it raised."""
        for task in tasks:
            outcome: Outcome | Exception
            try:
                outcome = work(task)
            except Exception as error:
                # One bad cell never takes down a run; the runner records it.
                outcome = error
            yield task, outcome
