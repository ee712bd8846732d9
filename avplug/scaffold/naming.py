"""Names that a new plugin can have."""

from __future__ import annotations

import builtins
import keyword
import re
import sys
import unicodedata
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from avplug.core.discovery import version_of
from avplug.core.errors import UsageError
from avplug.core.manager import PluginManager
from avplug.core.records import PluginSettings
from avplug.scaffold.kinds import SCAFFOLDS

_NAME = re.compile(r"[a-z][a-z0-9]*(?:[-_.][a-z0-9]+)*\Z")
#: Characters of a name; with more, what is generated would have to be wrapped.
_LONGEST = 40
#: Classes that templates import from elsewhere than avplug.
_IMPORTED = {"ClassVar", "Generator", "Path", "Sequence"}


@dataclass(frozen=True, slots=True)
class Names:
    """All names of one plugin.

    Args:
        name: Of the component, such as ``sea-fog``.
    """

    name: str

    @property
    def module(self) -> str:
        """Of the module with the class: ``sea_fog``."""
        return re.sub(r"[-.]", "_", self.name)

    @property
    def cls(self) -> str:
        """Of the class: ``SeaFog``."""
        return "".join(part.capitalize() for part in self.module.split("_"))

    @property
    def dist(self) -> str:
        """Of the distribution: ``avplug-sea-fog``."""
        return "avplug-" + re.sub(r"[_.]", "-", self.name)

    @property
    def package(self) -> str:
        """Of the package: ``avplug_sea_fog``."""
        return f"avplug_{self.module}"


def names_for(kind: str, word: str, *, single_file: bool = False) -> Names:
    """Return the names of a new component.

    Args:
        kind: Of the component.
        word: As the user wrote it, with or without ``avplug-`` in front.
        single_file: Whether it shall be one file, which Python finds by its bare name
            wherever it is started beside it.

    Raises:
        UsageError: The name cannot work; the message suggests one that can.
    """
    name = _bare(word)
    problem = _problem(kind, name, single_file)
    if problem:
        other = _other(kind, name, single_file)
        more = " --single-file" if single_file else ""
        raise UsageError(problem, f"Try: avplug new {kind} {other}{more}")
    return Names(name)


def _bare(word: str) -> str:
    """Return a word without the distribution's or the package's prefix."""
    return re.sub(r"\A(avplug[-_.])+", "", word)


def _problem(kind: str, name: str, single_file: bool) -> str:
    """Return why a name cannot work, "" if it can."""
    if not _NAME.match(name):
        return (
            f"{name!r} is no name for a {kind}: use lower-case letters, digits and "
            "single '-', '_' or '.' between them, beginning with a letter."
        )
    if len(name) > _LONGEST:
        return f"{name[:20] + '...'!r} is too long: use {_LONGEST} characters at most."
    names = Names(name)
    if keyword.iskeyword(names.module) or keyword.issoftkeyword(names.module):
        return f"{name!r} is a word of Python's own, which no module can be called."
    if names.module in sys.stdlib_module_names:
        return f"{name!r} is a module of Python's own, which a file would hide."
    if names.cls in _taken(kind):
        return f"{name!r} makes a class {names.cls}, which hides one that it needs."
    if name in _builtin(kind):
        return f"avplug itself has a {kind} '{name}'."
    if names.module == "avplug" or (single_file and find_spec(names.module)):
        return f"A module {names.module} is installed, which a file would hide."
    version = version_of(names.dist)
    if version:
        return f"{names.dist} {version} is installed already."
    if find_spec(names.package) is not None:
        return f"A module {names.package} is installed already."
    return ""


def _taken(kind: str) -> set[str]:
    """Return what a class cannot be called beside what its module uses."""
    about = SCAFFOLDS[kind]
    return {*about.names, about.spec, *_IMPORTED, *dir(builtins)}


def _builtin(kind: str) -> set[str]:
    manager = PluginManager(PluginSettings(no_plugins=True))
    return {
        name
        for record in manager.records
        for spec in record.components
        if spec.kind == kind
        for name in (spec.name, *spec.aliases)
    }


def _other(kind: str, name: str, single_file: bool) -> str:
    """Return a name like this one that works."""
    bare = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    words = "-".join(re.findall(r"[a-z0-9]+", bare.lower()))
    plain = _bare(words)[: _LONGEST // 2].rstrip("-") or kind
    candidates = [plain, f"my-{plain}", *(f"my-{plain}-{i}" for i in range(2, 100))]
    return next(each for each in candidates if not _problem(kind, each, single_file))


def free(path: Path) -> None:
    """Make sure that a file or folder can be made.

    Raises:
        UsageError: There is one.
    """
    if path.exists():
        raise UsageError(
            f"{path} is there already; nothing was written.",
            "Choose another folder with --out, or another name.",
        )
