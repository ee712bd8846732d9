"""``avplug report``: tables and the page of a run, from its stored predictions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from avplug.report.scores import Scores


def register(app: typer.Typer) -> None:
    """Add the verb to the application."""
    app.command(name="report")(_report)


def _report(
    run_dir: Annotated[
        Path, typer.Argument(metavar="RUN_DIR", help="Folder that a run wrote.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(help="The page; RUN_DIR/report.html if not given."),
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(help="Show this metric; repeatable. Those of the run if absent."),
    ] = None,
    resamples: Annotated[
        int, typer.Option(min=0, help="Of the bootstrap; 0 for no intervals.")
    ] = 1000,
    base: Annotated[
        str | None,
        typer.Option(
            help="Model that RI under attack is relative to. Default: the first."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Show the tables of a run, and write its page with scores.csv and scores.json."""
    show_report(
        run_dir,
        out=out,
        metrics=tuple(metric or ()),
        resamples=resamples,
        base=base,
        as_json=as_json,
    )


def show_report(
    folder: Path,
    *,
    out: Path | None = None,
    metrics: tuple[str, ...] = (),
    resamples: int = 1000,
    base: str | None = None,
    as_json: bool = False,
) -> Path:
    """Write the report of a run, print its tables or its data; return the page's path.

    Raises:
        UsageError: The folder holds no run, or a metric refuses its data.
    """
    from avplug.cli.console import message, print_json
    from avplug.report.export import scores_json
    from avplug.report.write import read_scores, write_scores

    scores = read_scores(folder, metrics=metrics, resamples=resamples, base=base)
    path = write_scores(scores, out or folder / "report.html")
    if as_json:
        print_json({"page": str(path), **scores_json(scores)})
    else:
        _print(scores)
        message(f"Report: {path}")
    return path


def _print(scores: Scores) -> None:
    from rich.console import Console

    from avplug.report.terminal import render

    console = Console()
    if not console.is_terminal:
        # A file or a pipe has no width: nothing is left out.
        console = Console(width=200)
    console.print(render(scores, console))
