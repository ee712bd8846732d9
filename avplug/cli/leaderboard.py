"""``avplug leaderboard``: many runs in one ranking, on a static page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the verb to the application."""
    app.command(name="leaderboard")(_leaderboard)


def _leaderboard(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder with the folders of runs.")
    ],
    out: Annotated[
        Path | None, typer.Option(help="The page; DIR/leaderboard.html if not given.")
    ] = None,
    title: Annotated[str, typer.Option(help="Of the page.")] = "Robustness leaderboard",
    resamples: Annotated[
        int, typer.Option(min=0, help="Of the bootstrap; 0 for no intervals.")
    ] = 1000,
    strict: Annotated[
        bool,
        typer.Option("--strict", help="Exit with 3 if a run is not ranked, for CI."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Rank all runs that are whole; say of the others what they lack."""
    from dataclasses import asdict

    from avplug.cli.console import message, print_json, rich_console
    from avplug.core.files import write_atomic
    from avplug.core.registry import get_registry
    from avplug.report.leaderboard import (
        board_table,
        leaderboard_page,
        read_leaderboard,
        refused_table,
    )
    from avplug.report.terminal import fitted

    board = read_leaderboard(folder, get_registry(), resamples)
    page = out or folder / "leaderboard.html"
    text = leaderboard_page(board, title)
    write_atomic(page, text.encode("utf-8", "backslashreplace"))
    refused = refused_table(board)
    if as_json:
        print_json({"page": str(page), **asdict(board)})
    else:
        console = rich_console(width=200)
        for name in board.boards:
            console.print(name, style="bold", markup=False, highlight=False)
            console.print(fitted(board_table(board, name), console))
        if refused:
            console.print(refused.title, style="bold", markup=False)
            console.print(fitted(refused, console))
        message(f"Leaderboard: {page}")
    if strict and refused:
        raise typer.Exit(3)
