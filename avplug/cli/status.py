"""``avplug status``: how far a run is, what failed, and when it will be done."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from avplug.bench.inspecting import Status


def register(app: typer.Typer) -> None:
    """Add the verb to the application."""
    app.command(name="status")(_status)


def _status(
    run_dir: Annotated[
        Path, typer.Argument(metavar="RUN_DIR", help="Folder that a run writes.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Show what is done, failed and to do; exit with 1 unless every cell is finished.

    It may be asked while the run is at work. Arrays are not read: avplug verify does.
    """
    from avplug.bench.inspecting import inspect_run
    from avplug.bench.store import Store
    from avplug.cli.console import print_json, print_line

    status = inspect_run(Store(run_dir))
    if as_json:
        print_json(status.as_dict())
    else:
        for line in _lines(status):
            print_line(line)
    if not status.complete:
        raise typer.Exit(1)


def _lines(status: Status) -> Iterator[str]:
    yield f"{status.done} of {status.planned} cells are finished in {status.folder}."
    if status.writer:
        words = "Being written by" if status.writer_state == "active" else "Left by"
        yield f"{words} {status.writer.describe()}."
    if status.cells_per_hour is not None:
        yield f"{status.cells_per_hour:.0f} cells an hour."
    if status.seconds_left:
        yield f"About {_duration(status.seconds_left)} to go at that pace."
    for words, troubles in (
        ("Failed", status.failed),
        ("Damaged", status.damaged),
        ("Lacks clips", status.lacking_clips),
    ):
        for trouble in troubles:
            yield f"{words}: {trouble.cell} ({trouble.id}): {trouble.reason}"
    for skip in status.skipped:
        yield f"Skipped: {skip['what']}, {skip['cells']} cells: {skip['reason']}."
    if status.set_aside:
        yield f"{status.set_aside} damaged before, in {status.folder}/damaged."


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} seconds"
    if seconds < 5400:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.1f} hours"
