"""Checks of an executor: every task once, its own outcome, failures passed on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from avplug.core.executor import Executor
from avplug.testing.checks import (
    Subject,
    left_to,
    promise,
    quiet as stays_quiet,
    require,
)

Results = list[tuple[Any, Any]]


class Square:
    """Work that tells of a clip and squares its task; it refuses the task 7."""

    device = "cpu"

    def __call__(self, task: int, tick: Callable[[int], None]) -> int:
        """Return the square of a task.

        Raises:
            ValueError: The task is 7.
        """
        tick(1)
        if task == 7:
            raise ValueError("seven")
        return task * task


def results(
    subject: Subject,
    tasks: Sequence[int],
    tell: Callable[[Any, int], None] = lambda task, clips: None,
) -> Results:
    """Return each task with its outcome, in the order in which they came."""
    executor: Executor = subject.make()
    return list(executor.run(tasks, Square(), tell))


@promise("executor")
def each_task_once(subject: Subject) -> str:
    """Every task comes back, and none twice."""
    tasks = list(range(6))
    got = sorted(task for task, _ in results(subject, tasks))
    require(got == tasks, f"tasks {tasks} came back as {got}")
    return f"{len(tasks)} tasks"


@promise("executor")
def own_outcome(subject: Subject) -> None:
    """Each task comes with its own outcome."""
    for task, outcome in results(subject, [3, 1, 2, 5]):
        with left_to(subject, each_task_once):
            require(outcome == task * task, f"task {task} came with {outcome!r:.60}")


@promise("executor")
def failures(subject: Subject) -> None:
    """What a task raises is yielded with it, and the others go on."""
    got = dict(results(subject, [6, 7, 8]))
    with left_to(subject, each_task_once, own_outcome):
        require(
            isinstance(got.get(7), ValueError) and "seven" in str(got[7]),
            f"a task that raised ValueError('seven') came with {got.get(7)!r:.60}",
        )
        others = got.get(6) == 36 and got.get(8) == 64
        require(others, f"the others came as {got!r:.80}")


@promise("executor")
def many_tasks(subject: Subject) -> None:
    """More tasks than workers come back once each, and the list of them stays."""
    tasks = list(range(20, 60))
    given = list(tasks)
    with left_to(subject, each_task_once):
        got = sorted(task for task, _ in results(subject, given))
        lost, odd = sorted({*tasks} - {*got}), len(got) - len({*got})
        require(got == tasks, f"of 40 tasks {lost} are lost, and {odd} came twice")
        require(given == tasks, f"it left {len(given)} tasks in the list that it got")


@promise("executor")
def used_twice(subject: Subject) -> None:
    """A second set of tasks is done by the same executor."""
    executor: Executor = subject.make()
    for tasks in ([1, 2], [3, 4]):
        with left_to(subject, each_task_once):
            found = executor.run(tasks, Square(), lambda task, clips: None)
            got = sorted(task for task, _ in found)
            require(got == tasks, f"tasks {tasks} came back as {got}")


@promise("executor")
def nothing_to_do(subject: Subject) -> None:
    """No tasks are no results."""
    require(results(subject, []) == [], "it made results of no tasks")


@promise("executor")
def tells(subject: Subject) -> None:
    """It tells when a task begins, and passes on the clips done."""
    told: list[tuple[Any, int]] = []
    results(subject, [2, 4], lambda task, clips: told.append((task, clips)))
    for task in (2, 4):
        clips = [count for each, count in told if each == task]
        require(0 in clips, f"it did not tell that task {task} begins: {told}")
        require(sum(clips) == 1, f"task {task} did 1 clip; it told {clips}")


@promise("executor")
def tells_here(subject: Subject) -> None:
    """It tells in the caller's thread: who is told need not lock anything."""
    here = threading.current_thread()
    others: list[str] = []

    def tell(task: int, clips: int) -> None:
        if threading.current_thread() is not here:
            others.append(threading.current_thread().name)

    results(subject, [2, 4], tell)
    require(not others, f"it told {len(others)} times in thread {others[:1]}")


@promise("executor")
def can_be_closed(subject: Subject) -> None:
    """Its results can be left before the end."""
    executor: Executor = subject.make()
    running = executor.run([1, 2, 3], Square(), lambda task, clips: None)
    next(iter(running))
    close = getattr(running, "close", None)
    require(close is not None, "run() is no generator: it has no close()")
    assert close is not None
    close()


@promise("executor")
def quiet(subject: Subject) -> None:
    """It writes nothing to stdout."""
    stays_quiet(lambda: results(subject, [1, 2]))
