"""``avplug gate``: does a run reach its thresholds? For use in CI."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

#: A threshold was not reached, or could not be checked.
NOT_MET = 3


def register(app: typer.Typer) -> None:
    """Add the verb to the application."""
    app.command(name="gate")(_gate)


def _gate(
    run_dir: Annotated[
        Path, typer.Argument(metavar="RUN_DIR", help="Folder that a run wrote.")
    ],
    thresholds: Annotated[
        Path,
        typer.Option("-t", "--thresholds", help="TOML file of what must be reached."),
    ],
    junit_file: Annotated[
        Path | None,
        typer.Option("--junit", metavar="FILE", help="Write a JUnit file, too."),
    ] = None,
    resamples: Annotated[
        int, typer.Option(min=0, help="Of the bootstrap; 0 for no intervals.")
    ] = 1000,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Check a run against thresholds; exit with 3 if it does not reach them all."""
    from dataclasses import asdict

    from avplug.cli.console import message, print_json, print_line
    from avplug.core.files import write_atomic
    from avplug.core.registry import get_registry
    from avplug.report.gate import gate, junit
    from avplug.report.thresholds import read_thresholds

    checks = gate(run_dir, read_thresholds(thresholds), get_registry(), resamples)
    if junit_file:
        write_atomic(junit_file, junit(checks, run_dir))
    missed = [check for check in checks if check.outcome != "passed"]
    if as_json:
        print_json({"passed": not missed, "checks": [asdict(c) for c in checks]})
    else:
        for check in checks:
            print_line(f"{check.outcome:6} {check.name}: {check.message}")
        message(f"{len(checks) - len(missed)} of {len(checks)} checks passed.")
    if missed:
        raise typer.Exit(NOT_MET)
