"""Folders and archives of distributions: what is checked is what is installed."""

from __future__ import annotations

import shlex
import tomllib
from pathlib import Path

from avplug.core import discovery
from avplug.core.errors import UsageError


def installed_from(folder: Path) -> str:
    """Return the distribution that is installed, editable, from a project's folder.

    Raises:
        UsageError: It is no project's, or what is installed is not this folder.
    """
    name = _name(folder)
    install = f"avplug install -e {shlex.quote(str(folder))}"
    version = discovery.version_of(name)
    if version is None:
        raise UsageError(
            f"{name} is not installed.",
            f"Install it: {install}; then: avplug check {name}",
        )
    source = discovery.editable_folder(name)
    if source is None or Path(source).resolve() != folder.resolve():
        raise UsageError(
            f"{name} {version} is installed from elsewhere than {folder}.",
            f"Install this one: {install}; or check that one: avplug check {name}",
        )
    return name


def not_installed(archive: Path) -> UsageError:
    """Return what to tell of a file that is no module: a wheel or a source archive."""
    path = shlex.quote(str(archive))
    return UsageError(
        f"{archive} is a file, but no .py file.",
        f"A wheel or an archive is installed first: avplug install {path}; then name "
        "its distribution.",
    )


def _name(folder: Path) -> str:
    """Return the normalised name of a project.

    Raises:
        UsageError: The folder is no project's.
    """
    file = folder / "pyproject.toml"
    try:
        name = tomllib.loads(file.read_text(encoding="utf-8"))["project"]["name"]
    except FileNotFoundError as error:
        raise UsageError(
            f"{folder} is a folder without a pyproject.toml.",
            "Name a distribution, its folder, or a file as FILE.py.",
        ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{file} names no project.", "Give it a [project] with a name."
        ) from error
    return discovery.normalise(str(name))
