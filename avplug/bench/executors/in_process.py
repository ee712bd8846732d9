"""Tasks one after the other, in the process that stores their results."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from functools import partial
from typing import ClassVar

from avplug.core.executor import Executor, Outcome, Task, Tell, Work


class InProcess(Executor):
    """Evaluates one task after the other in the caller's process."""

    remote: ClassVar[bool] = False

    def run(
        self, tasks: Sequence[Task], work: Work[Task, Outcome], tell: Tell
    ) -> Generator[tuple[Task, Outcome | Exception], None, None]:
        """Yield each task with its outcome, or with the exception it raised."""
        for task in tasks:
            tell(task, 0)
            outcome: Outcome | Exception
            try:
                outcome = work(task, partial(tell, task))
            except Exception as error:
                # One bad task never takes down a run; the runner records it.
                outcome = error
            yield task, outcome
