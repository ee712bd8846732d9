"""``avplug plan``: what a run would compute and skip, and how long it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from avplug.cli.selectors import selecting

if TYPE_CHECKING:
    from avplug.bench.config import RunConfig


def register(app: typer.Typer) -> None:
    """Add the verb to the application."""
    app.command(name="plan")(selecting(_plan))


def _plan(
    settings: RunConfig,
    estimate: Annotated[
        bool, typer.Option(help="Time one batch of each method first.")
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Show the cells, the skips with their reasons, and a time estimate."""
    from avplug.bench.estimate import describe_plan
    from avplug.bench.planning import make_plan
    from avplug.cli.console import print_json
    from avplug.core.registry import get_registry

    facts = describe_plan(make_plan(settings, get_registry()), estimate=estimate)
    if as_json:
        print_json(facts)
    else:
        _render(facts)


def _render(facts: dict[str, Any]) -> None:
    from avplug.cli.console import message, print_table

    print_table(
        ["model", "tta", "condition", "severities", "seeds", "cells"],
        [
            [
                row["model"],
                row["tta"],
                row["condition"],
                ", ".join(map(str, row["severities"])),
                ", ".join(map(str, row["seeds"])),
                str(row["cells"]),
            ]
            for row in facts["groups"]
        ],
    )
    for skip in facts["skipped"]:
        message(f"Skipped: {skip['what']}, {skip['cells']} cells: {skip['reason']}.")
    if facts["missing"]:
        message(f"{facts['missing']} clips of the list are not on disk.")
    message(
        f"{facts['cells']} cells of {facts['clips']} clips; "
        f"{facts['finished']} are finished in {facts['folder']}."
    )
    for problem in facts["untimed"]:
        message(f"Not in the estimate: {problem}")
    if facts["seconds"] is not None:
        message(f"About {facts['seconds'] / 60:.1f} minutes on {facts['device']}.")
