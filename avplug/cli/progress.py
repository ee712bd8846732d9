"""Progress bars on stderr; plain lines where it is no terminal."""

from __future__ import annotations

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
    """Shows cells and clips of a run; an ``Observer`` of ``avplug.bench.observing``."""

    def __init__(self, console: Console | None = None) -> None:
        super().__init__(console)
        self._clips = self._bar.add_task("clips", total=None, unit="clips")
        self._cells = self._bar.add_task("cells", total=None, unit="cells")
        self._plan: Plan | None = None
        self._open: dict[str, str] = {}
        self._total = self._ended = 0
        self._visits = 0

    def planned(self, plan: Plan, todo: Sequence[Cell], folder: Path) -> None:
        """Say what will be done, and where the results go."""
        self._plan = plan
        self._total = len(todo)
        self._bar.update(self._clips, total=sum(map(plan.visits, todo)))
        self._bar.update(self._cells, total=len(todo))
        self._print(
            f"{len(plan.cells)} cells of {len(plan.clips)} clips, "
            f"{len(plan.cells) - len(todo)} of them finished before, in {folder}"
        )
        if plan.dataset.missing:
            self._print(
                f"{len(plan.dataset.missing)} clips of the list are not on disk: "
                "run.json names them, and no score counts them."
            )
        for skip in plan.skips:
            self._print(f"Skipped: {skip.what}, {skip.cells} cells: {skip.reason}.")

    def cell_started(self, cell: Cell) -> None:
        """Name the cell, or how many are under way."""
        from avplug.bench.describing import describe_cell

        self._open[cell.id] = describe_cell(cell.identity)
        self._name()

    def clips_done(self, count: int) -> None:
        """Move the bar."""
        self._bar.advance(self._clips, count)

    def cell_ended(self, cell: Cell, error: str | None) -> None:
        """Move the bar; off a terminal, a line for each cell."""
        from avplug.bench.describing import describe_cell

        self._open.pop(cell.id, None)
        self._name()
        self._ended += 1
        self._visits += self._plan.visits(cell) if self._plan else 0
        if not self._open:
            # A cell that failed, or was told of only now, has moved it less.
            self._bar.update(self._clips, completed=self._visits)
        self._bar.advance(self._cells, 1)
        if not self._console.is_terminal:
            state = "failed" if error else "done"
            count = f"{self._ended}/{self._total}"
            self._print(f"  {describe_cell(cell.identity)}: {state} ({count})")

    def _name(self) -> None:
        names = list(self._open.values())
        if names:
            text = names[0] if len(names) == 1 else f"{len(names)} cells at once"
            self._bar.update(self._clips, description=text)
