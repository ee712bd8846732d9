"""``avplug report``: tables, figures and the page of runs, from stored predictions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from avplug.report.scores import Scores


def register(app: typer.Typer) -> None:
    """Add the verb to the application."""
    app.command(name="report")(_report)


def _report(
    runs: Annotated[
        list[Path],
        typer.Argument(
            metavar="RUN...", help="Folders that runs wrote; several make one report."
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            help="The page, or the file of --table. Default: report.html in RUN, of "
            "several RUN/combined/report.html; a table goes to stdout."
        ),
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
    table: Annotated[
        str | None,
        typer.Option(
            help="This table alone: main, per-corruption, per-severity, tta, "
            "adaptation, seeds, mce, attacks or paper."
        ),
    ] = None,
    form: Annotated[
        str | None,
        typer.Option(
            "--format", help="Of --table: md, latex, csv or json. Default: md."
        ),
    ] = None,
    severity: Annotated[
        int | None,
        typer.Option(
            help="Of per-corruption and the heat map; the mean of all if absent."
        ),
    ] = None,
    figures: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Draw the figures into this folder."),
    ] = None,
    figure_format: Annotated[
        str, typer.Option(help="Of --figures: svg, pdf, png, or several with commas.")
    ] = "svg",
    previews: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Clips that flipped to play on the page. Default: 3 of data that are "
            "not read from disk, else 0.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Show the tables of runs, and write their page with scores.csv and scores.json.

    With --table or --figures only these are made.
    """
    formats = [each.strip() for each in figure_format.split(",")]
    form = _form(table, form, as_json)
    _check(table, form, formats if figures else ())
    scores = _scores(runs, tuple(metric or ()), resamples, base)
    if table is not None:
        _print_table(scores, table, form, severity, out)
    if figures is not None:
        _draw(scores, figures, formats, severity, as_json and table is None)
    if table is None and figures is None:
        _show(scores, out or _page(runs), previews, as_json)


def show_report(folder: Path) -> Path:
    """Write the report of a run and print its tables; return the page's path.

    Raises:
        UsageError: The folder holds no run, or a metric refuses its data.
    """
    return _show(_scores([folder], (), 1000, None), _page([folder]), 0)


def _form(table: str | None, form: str | None, as_json: bool) -> str:
    """Return the format of --table.

    Raises:
        UsageError: It is given without a table, or --json asks for another.
    """
    from avplug.core.errors import UsageError

    if form and table is None:
        raise UsageError("--format is that of --table.", "Choose a table, or --json.")
    if as_json and form not in (None, "json"):
        raise UsageError(f"--json and --format {form} exclude each other.", "Drop one.")
    return "json" if as_json else form or "md"


def _check(table: str | None, form: str, formats: Sequence[str]) -> None:
    from avplug.report import plots, table_choice

    if table is not None:
        table_choice.require(table, form)
    if formats:
        plots.require(formats)


def _scores(
    runs: list[Path], metrics: tuple[str, ...], resamples: int, base: str | None
) -> Scores:
    from avplug.report.write import read_scores

    return read_scores(*runs, metrics=metrics, resamples=resamples, base=base)


def _page(runs: list[Path]) -> Path:
    from avplug.report.write import page_of

    return page_of(*runs)


def _show(
    scores: Scores, out: Path, previews: int | None, as_json: bool = False
) -> Path:
    from avplug.cli.console import message, print_json
    from avplug.report.export import scores_json
    from avplug.report.write import write_scores

    path = write_scores(scores, out, previews)
    if as_json:
        print_json({"page": str(path), **scores_json(scores)})
    else:
        _print(scores)
        message(f"Report: {path}")
    return path


def _print_table(
    scores: Scores, name: str, form: str, severity: int | None, out: Path | None
) -> None:
    from avplug.cli.console import message, print_line
    from avplug.report.table_choice import choose, render
    from avplug.report.write import write_text

    text = render(choose(scores, name, severity), form)
    if out is None:
        print_line(text.removesuffix("\n"))
    else:
        write_text(out, text)
        message(f"Table: {out}")


def _draw(
    scores: Scores,
    folder: Path,
    formats: Sequence[str],
    severity: int | None,
    as_json: bool,
) -> None:
    from avplug.cli.console import message, print_json
    from avplug.report.plots import write_figures

    paths = write_figures(scores, folder, formats, severity)
    for path in paths:
        message(f"Figure: {path}")
    if as_json:
        print_json({"figures": [str(path) for path in paths]})


def _print(scores: Scores) -> None:
    from avplug.cli.console import rich_console
    from avplug.report.terminal import render

    console = rich_console(width=200)
    console.print(render(scores, console))
