"""Where plugins come from: built-in modules, installed distributions, files, modules.

The only module that reads the metadata of installed distributions.
"""

from __future__ import annotations

import re
import sys
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

import importlib_metadata

from avplug._version import __version__
from avplug.core.errors import UsageError

if TYPE_CHECKING:
    from importlib_metadata._meta import IDistribution

#: Entry-point group of avplug's plugins.
GROUP = "avplug"
#: Provider of everything built in.
BUILTIN = "avplug"

_EXPECTED = "Give a .py file, or the name of an importable module."
_REQUIREMENT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A plugin that was found but not yet imported.

    Args:
        distribution: Normalised name of its provider.
        version: Of the distribution, "" where it has none.
        entry_point: Entry-point name, module name or file.
        load: Imports the plugin.
        editable: Whether the distribution is installed editable; None if not known.
        hides: Other versions of the distribution, further down the path.
    """

    distribution: str
    version: str
    entry_point: str
    load: Callable[[], object]
    editable: bool | None = None
    hides: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Metadata:
    """What an installed distribution says of itself.

    Args:
        distribution: Its normalised name.
        version: Its version.
        summary: One line.
        license: SPDX expression, text or classifier; "" where it states none.
        requires: What it needs, as its metadata has it.
    """

    distribution: str
    version: str
    summary: str
    license: str
    requires: tuple[str, ...]


def metadata(name: str) -> Metadata:
    """Return the metadata of an installed distribution.

    Raises:
        importlib_metadata.PackageNotFoundError: It is not installed.
    """
    found = importlib_metadata.distribution(name)
    about = found.metadata
    licenses = [
        about.get("License-Expression"),
        about.get("License"),
        *(c for c in about.get_all("Classifier", []) if c.startswith("License ::")),
    ]
    return Metadata(
        normalise(name),
        found.version or "",
        about.get("Summary") or "",
        next(filter(None, licenses), ""),
        tuple(found.requires or ()),
    )


def normalise(name: str) -> str:
    """Return a distribution's name as all names of it are compared and shown."""
    return re.sub(r"[-_.]+", "-", name).lower()


def builtin(modules: Iterable[str]) -> list[Candidate]:
    """Return the built-in plugins, in the order given."""
    return [
        Candidate(BUILTIN, __version__, name, partial(import_module, name))
        for name in modules
    ]


def installed() -> list[Candidate]:
    """Return the plugins of installed distributions, sorted by name.

    A distribution that is on the path twice counts once, the earlier one. Each
    distribution is read by itself: damaged metadata costs no other plugin.
    """
    found: dict[str, list[Candidate]] = {}
    for distribution in importlib_metadata.distributions():
        candidates = _of_distribution(distribution)
        if candidates:
            name = candidates[0].distribution
            first = found.setdefault(name, candidates)
            found[name] = [_hiding(each, candidates[0].version) for each in first]
    return [candidate for name in sorted(found) for candidate in found[name]]


def _hiding(candidate: Candidate, version: str) -> Candidate:
    if version in ("", candidate.version, *candidate.hides):
        return candidate
    return replace(candidate, hides=(*candidate.hides, version))


def _of_distribution(distribution: IDistribution) -> list[Candidate]:
    try:
        # Parsing only the few that name the group keeps start-up light.
        text = distribution.read_text("entry_points.txt") or ""
        if f"[{GROUP}]" not in text:
            return []
        points = distribution.entry_points.select(group=GROUP)
        name, version = normalise(distribution.name), distribution.version
        editable = _is_editable(distribution)
    except (OSError, ValueError, KeyError, TypeError) as error:
        folder = Path(str(getattr(distribution, "_path", "unreadable")))
        name = normalise(folder.name.partition("-")[0])
        return [Candidate(name, "", str(folder), partial(_raise, error))]
    return [
        Candidate(name, version, point.name, point.load, editable)
        for point in sorted(points, key=lambda p: p.name)
    ]


def _is_editable(distribution: IDistribution) -> bool:
    info = getattr(distribution.origin, "dir_info", None)
    return bool(getattr(info, "editable", False))


def _raise(error: Exception) -> object:
    raise error


def explicit(argument: str) -> Candidate:
    """Return the plugin of one ``--plugin FILE.py|MODULE``.

    Raises:
        UsageError: There is no such file, or it can be the name of no module.
    """
    if not argument.endswith(".py"):
        _check_module(argument)
        provider = normalise(argument.partition(".")[0])
        return Candidate(provider, "", argument, partial(import_module, argument))
    path = Path(argument).resolve()
    if not path.is_file():
        raise UsageError(f"{argument!r}: there is no such file.", _EXPECTED)
    name = path.parent.name if path.stem == "__init__" else path.stem
    return Candidate(normalise(name), "", argument, partial(load_file, path))


def _check_module(argument: str) -> None:
    """Refuse what can be the name of no module, or was meant to be that of a file.

    Raises:
        UsageError: It is such.
    """
    file = Path(f"{argument}.py")
    possible = all(part.isidentifier() for part in argument.split("."))
    if possible and (find_spec(argument.partition(".")[0]) or not file.is_file()):
        return
    raise UsageError(
        f"{argument!r} is neither a .py file nor the name of a module.",
        f"There is a file {file}." if argument and file.is_file() else _EXPECTED,
    )


def load_file(path: Path) -> ModuleType:
    """Import a file under a private name, which its lazy targets can use."""
    stem = re.sub(r"\W", "_", path.stem)
    name = f"_avplug_file_{stem}_{zlib.crc32(str(path).encode()):08x}"
    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python module")
    module = module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def version_of(name: str) -> str | None:
    """Return the version of an installed distribution; None if it is not there."""
    try:
        return str(importlib_metadata.distribution(name).version)
    except importlib_metadata.PackageNotFoundError:
        return None


def editable_folder(name: str) -> str | None:
    """Return the folder of a distribution that is installed editable, else None.

    Raises:
        importlib_metadata.PackageNotFoundError: It is not installed.
    """
    distribution = importlib_metadata.distribution(name)
    if not _is_editable(distribution):
        return None
    return url2pathname(urlsplit(distribution.origin.url).path)


def is_installed(requirement: str) -> bool:
    """Return whether the distribution that a requirement names is installed."""
    match = _REQUIREMENT_NAME.match(requirement)
    if match is None:
        return False
    try:
        importlib_metadata.distribution(match.group())
    except importlib_metadata.PackageNotFoundError:
        return False
    return True
