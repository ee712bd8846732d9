"""``avplug verify``: every byte of a run's results against its hash."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the verb to the application."""
    app.command(name="verify")(_verify)


def _verify(
    run_dir: Annotated[
        Path, typer.Argument(metavar="RUN_DIR", help="Folder that a run wrote.")
    ],
    set_aside: Annotated[
        bool,
        typer.Option(
            "--set-aside",
            help="Move what is wrong to RUN_DIR/damaged; the run makes it again.",
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Read all results and compare them with their hashes; exit with 1 if one is wrong.

    Nothing is changed unless --set-aside is given.
    """
    from dataclasses import asdict

    from avplug.bench.store import Store
    from avplug.bench.store_checks import check_store, set_aside as move
    from avplug.cli.console import message, print_json, print_table
    from avplug.core.errors import UsageError

    if not run_dir.is_dir():
        raise UsageError(
            f"There is no folder {run_dir}.", "Give the one that a run wrote."
        )
    store = Store(run_dir)
    checked = check_store(store)
    moved = move(store, checked) if set_aside and checked.faults else []
    if as_json:
        print_json({**asdict(checked), "set_aside": moved})
    else:
        if checked.faults:
            rows = [(fault.path, fault.what) for fault in checked.faults]
            print_table(("WHERE", "WHAT IS WRONG"), rows)
        for path in checked.leftovers:
            message(f"Left by a run that was killed, or in work: {path}")
        count = f"{checked.cells} cell{'s' * (checked.cells != 1)} read"
        faults = f"{len(checked.faults)} fault{'s' * (len(checked.faults) != 1)}"
        message(f"{count}, {faults}." if checked.faults else f"{count}, all sound.")
        if checked.faults:
            message(
                "The command that made them makes them again."
                if moved
                else "avplug verify --set-aside moves them; the run makes them again."
            )
    if checked.faults:
        raise typer.Exit(1)
