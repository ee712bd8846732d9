"""Progress bars on stderr; plain lines where it is no terminal."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from avplug.bench.plan import Cell, Plan
    from avplug.bench.train_config import Epoch


class _Rate(ProgressColumn):
    """Clips per second."""

    def render(self, task: Task) -> Text:
        """Return the rate as text."""
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:.0f} {task.fields['unit']}/s")


def progress_bar(console: Console) -> Progress:
    """Return a bar with count, rate, time spent and time left."""
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        _Rate(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )


class _Shown:
    """A bar on stderr that is live only on a terminal."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True, markup=False, highlight=False)
        self._bar = progress_bar(self._console)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # Where it is no terminal, stopping would print an empty line.
        if self._console.is_terminal:
            self._bar.stop()

    def _print(self, line: str) -> None:
        self._console.print(Text(line), soft_wrap=True)


class CountProgress(_Shown):
    """Shows how much of one thing is done."""

    def __init__(self, unit: str, console: Console | None = None) -> None:
        super().__init__(console)
        self._task = self._bar.add_task(unit, total=None, unit=unit)

    def show(self, done: int, total: int) -> None:
        """Move the bar."""
        self._bar.update(self._task, completed=done, total=total)


class ByteProgress(_Shown):
    """Shows how much of a file has come."""

    def __init__(self, what: str, console: Console | None = None) -> None:
        super().__init__(console)
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
        )
        self._task = self._bar.add_task(what, total=None)

    def show(self, done: int, total: int | None) -> None:
        """Move the bar."""
        self._bar.update(self._task, completed=done, total=total)


class TrainProgress(_Shown):
    """Shows the clips of the epoch, and a line for each finished one."""

    def __init__(self, console: Console | None = None) -> None:
        super().__init__(console)
        self._clips = self._bar.add_task("training", total=None, unit="clips")

    def training_started(self, what: str, number: int, total: int) -> None:
        """Name the training of a suite."""
        self._print(f"{number}/{total} {what}")

    def clips_done(self, epoch: int, done: int, total: int) -> None:
        """Move the bar."""
        self._bar.update(
            self._clips, description=f"epoch {epoch}", completed=done, total=total
        )

    def epoch_ended(self, row: Epoch) -> None:
        """Say what the epoch came to."""
        parts = [
            f"epoch {row.epoch}: loss {row.loss:.3f}",
            f"validation accuracy {row.val_accuracy:.1f} %",
        ]
        if row.robust_accuracy is not None:
            parts.append(f"robust accuracy {row.robust_accuracy:.1f} %")
        if row.forwards:
            parts.append(
                f"crafting {row.forwards} forwards and {row.backwards} backwards"
            )
        self._print(", ".join([*parts, f"{row.seconds:.1f} s"]))


class RunProgress(_Shown):
    """Shows cells and clips of a run; an ``Observer`` of ``avplug.bench.runner``."""

    def __init__(self, console: Console | None = None) -> None:
        super().__init__(console)
        self._clips = self._bar.add_task("clips", total=None, unit="clips")
        self._cells = self._bar.add_task("cells", total=None, unit="cells")
        self._plan: Plan | None = None
        self._in_cell = 0
        self._begin = 0.0

    def planned(self, plan: Plan, todo: Sequence[Cell], folder: Path) -> None:
        """Say what will be done, and where the results go."""
        self._plan = plan
        self._bar.update(self._clips, total=sum(map(plan.visits, todo)))
        self._bar.update(self._cells, total=len(todo))
        self._print(
            f"{len(plan.cells)} cells of {len(plan.clips)} clips, "
            f"{len(plan.cells) - len(todo)} of them finished before, in {folder}"
        )
        for skip in plan.skips:
            self._print(f"Skipped: {skip.what}, {skip.cells} cells: {skip.reason}.")

    def cell_started(self, cell: Cell) -> None:
        """Name the cell."""
        from avplug.bench.describing import describe_cell

        self._in_cell = 0
        self._begin = time.perf_counter()
        self._bar.update(self._clips, description=describe_cell(cell.identity))

    def clips_done(self, count: int) -> None:
        """Move the bar."""
        self._in_cell += count
        self._bar.advance(self._clips, count)

    def cell_ended(self, cell: Cell, error: str | None) -> None:
        """Move the bar; off a terminal, a line for each cell."""
        from avplug.bench.describing import describe_cell

        expected = self._plan.visits(cell) if self._plan else 0
        self._bar.advance(self._clips, expected - self._in_cell)
        self._bar.advance(self._cells, 1)
        if not self._console.is_terminal:
            seconds = time.perf_counter() - self._begin
            state = "failed" if error else f"{self._in_cell / seconds:.0f} clips/s"
            self._print(f"  {describe_cell(cell.identity)}: {state}")
