"""``avplug new``: a complete, tested distribution to begin a plugin with."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from avplug.cli import console


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("new")(new)


def new(
    kind: Annotated[
        str,
        typer.Argument(
            help="corruption, model, adaptation, metric, dataset, attack, defense or "
            "executor."
        ),
    ],
    name: Annotated[str, typer.Argument(help="Of the component, such as sea-fog.")],
    single_file: Annotated[
        bool, typer.Option("--single-file", help="One file for --plugin.")
    ] = False,
    summary: Annotated[
        str,
        typer.Option(
            "--summary",
            metavar="TEXT",
            help="What it does, on one line: for avplug list and its README.",
        ),
    ] = "",
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Where; by default here.")
    ] = Path(),
) -> None:
    """Write a plugin that works: a distribution with tests, or one file."""
    from avplug.cli.kinds import parse_kind
    from avplug.core.errors import UsageError
    from avplug.scaffold.kinds import SCAFFOLDS
    from avplug.scaffold.naming import names_for
    from avplug.scaffold.writing import write

    chosen = parse_kind(kind, SCAFFOLDS)
    if chosen not in SCAFFOLDS:
        raise UsageError(
            f"There is no template of a {chosen}.", f"Kinds: {', '.join(SCAFFOLDS)}."
        )
    names = names_for(chosen, name, single_file=single_file)
    for path in write(chosen, names, out, single_file=single_file, summary=summary):
        console.print_line(str(path))
    made = out / (f"{names.module}.py" if single_file else names.dist)
    where = shlex.quote(str(made))
    console.message(
        f"Try it: avplug check {where}"
        if single_file
        else f"Next: avplug install -e {where}, then avplug check {names.dist}"
    )
