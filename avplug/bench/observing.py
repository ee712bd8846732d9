"""Who is told of a run's progress, and how what executors report becomes cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from avplug.bench.plan import Cell, Plan
from avplug.bench.tasks import Task


class Observer(Protocol):
    """What is told of a run's progress, such as a progress bar.

    Several cells may be under way at once; from far away little may be told of a cell
    until it ends.
    """

    def planned(self, plan: Plan, todo: Sequence[Cell], folder: Path) -> None:
        """The plan stands; ``todo`` is what the store does not hold yet."""

    def cell_started(self, cell: Cell) -> None:
        """A cell begins."""

    def clips_done(self, count: int) -> None:
        """So many more clips are done; less than 0 when a lost worker's are not."""

    def cell_ended(self, cell: Cell, error: str | None) -> None:
        """A cell is stored, or failed with this message."""


class Teller:
    """Passes the progress of tasks on to an observer, cell by cell.

    Args:
        cells: Of the run, by id.
        observer: Who is told; None for nobody.
    """

    def __init__(self, cells: Mapping[str, Cell], observer: Observer | None) -> None:
        self._cells = cells
        self._observer = observer
        self._started: set[str] = set()

    def __call__(self, task: Task, count: int) -> None:
        """Tell of ``count`` more clips of a task; 0 when it begins."""
        if self._observer is None:
            return
        for name in task.cells:
            if name not in self._started:
                self._started.add(name)
                self._observer.cell_started(self._cells[name])
        if count:
            self._observer.clips_done(count)
