"""``avplug uninstall``: removes plugins without importing any."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from avplug.cli.install import DryRun, execute, installer
from avplug.core.errors import UsageError


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("uninstall")(uninstall)


def uninstall_command(packages: Sequence[str]) -> list[str]:
    """Return the command that removes plugins.

    Raises:
        UnknownNameError: One is no installed plugin.
        UsageError: One is avplug itself.
    """
    from avplug.core.discovery import BUILTIN, installed, normalise
    from avplug.core.errors import UnknownNameError, closest

    names = sorted({candidate.distribution for candidate in installed()})
    for package in packages:
        if normalise(package) == BUILTIN:
            raise UsageError("avplug does not remove itself.", "pip uninstall avplug")
        if normalise(package) not in names:
            raise UnknownNameError(
                f"No installed plugin is called {package!r}.{closest(package, names)}",
                f"Installed: {', '.join(names) or 'none'}.",
            )
    tool = installer()
    if tool[0] == sys.executable:
        return [*tool, "uninstall", "--yes", *packages]
    return [*tool, "uninstall", "--python", sys.executable, *packages]


def uninstall(
    packages: Annotated[
        list[str], typer.Argument(help="Distributions, as avplug plugins shows them.")
    ],
    dry_run: DryRun = False,
) -> None:
    """Remove plugins, broken ones, too; no plugin is imported."""
    execute(uninstall_command(packages), dry_run)
