"""``avplug install``: pip of the interpreter that runs avplug."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from avplug.cli import console
from avplug.core.errors import UsageError


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("install")(install)


DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Show the command, and run nothing.")
]


def installer() -> list[str]:
    """Return the beginning of a command that installs into this interpreter.

    Raises:
        UsageError: It has neither pip nor uv, or belongs to the operating system.
    """
    import shutil
    import sysconfig
    from importlib.util import find_spec

    if sys.prefix == sys.base_prefix:
        marker = Path(sysconfig.get_path("stdlib")) / "EXTERNALLY-MANAGED"
        if marker.is_file():
            raise UsageError(
                f"{sys.executable} belongs to the operating system, which installs "
                "its packages itself.",
                "Install avplug into a virtual environment: python -m venv .venv",
            )
    if find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    uv = shutil.which("uv")
    if uv is not None:
        return [uv, "pip"]
    conda = (Path(sys.prefix) / "conda-meta").is_dir()
    cure = "conda install pip" if conda else f"{sys.executable} -m ensurepip"
    raise UsageError(
        f"{sys.executable} has no pip, and there is no uv.", f"Add pip: {cure}"
    )


def install_command(
    packages: Sequence[str],
    *,
    editable: bool = False,
    upgrade: bool = False,
    pre: bool = False,
) -> list[str]:
    """Return the command that installs packages beside avplug."""
    tool = installer()
    words = [*tool, "install"]
    if tool[-1] == "pip" and tool[0] != sys.executable:
        words += ["--python", sys.executable]
    words += ["--upgrade"] * upgrade
    if pre:
        words += ["--pre"] if tool[0] == sys.executable else ["--prerelease", "allow"]
    for package in packages:
        words += ["--editable", package] if editable else [package]
    return words


def install(
    packages: Annotated[
        list[str], typer.Argument(help="As pip takes them: names, folders, wheels.")
    ],
    editable: Annotated[
        bool, typer.Option("--editable", "-e", help="Use the folder as it is.")
    ] = False,
    upgrade: Annotated[
        bool, typer.Option("--upgrade", "-U", help="Take the newest version.")
    ] = False,
    pre: Annotated[bool, typer.Option("--pre", help="Take pre-releases, too.")] = False,
    dry_run: DryRun = False,
) -> None:
    """Install plugins beside avplug; no plugin is imported."""
    command = install_command(packages, editable=editable, upgrade=upgrade, pre=pre)
    execute(command, dry_run)
    if not dry_run:
        console.message(
            "Installed. See what came: avplug plugins; try it: avplug check"
        )


def execute(command: Sequence[str], dry_run: bool) -> None:
    """Run an installer's command, shown first; only show it if ``dry_run``.

    Raises:
        UsageError: It failed.
    """
    import shlex
    import subprocess

    console.message(shlex.join(command))
    if dry_run:
        return
    code = subprocess.run(command, check=False).returncode
    if code:
        raise UsageError(
            f"{Path(command[0]).name} ended with exit code {code}; its own message is "
            "above."
        )
