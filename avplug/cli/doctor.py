"""``avplug doctor``: what this machine has, what is wrong, and how to mend it."""

from __future__ import annotations

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the verb to the application."""
    app.command(name="doctor")(_doctor)


def _doctor(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Look at torch, devices, codecs, folders and plugins; exit with 1 if one fails."""
    from dataclasses import asdict

    from avplug.bench.doctor import examine
    from avplug.cli.console import message, print_json, print_table
    from avplug.core.manager import get_plugin_manager

    found = examine(get_plugin_manager())
    wrong = [finding for finding in found if finding.state == "wrong"]
    if as_json:
        print_json([asdict(finding) for finding in found])
    else:
        rows = [(f.area, f.state, f.what, f.remedy) for f in found]
        print_table(("AREA", "STATE", "FOUND", "WHAT TO DO"), rows)
        count = f"{len(wrong)} thing{'s' * (len(wrong) != 1)}"
        message(f"{count} wrong." if wrong else "Nothing is wrong.")
    if wrong:
        raise typer.Exit(1)
