"""Names that a new plugin can have."""

from __future__ import annotations

import keyword
import re
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from avplug.core.errors import UsageError
from avplug.core.manager import PluginManager
from avplug.core.records import PluginSettings

_NAME = re.compile(r"[a-z][a-z0-9]*(?:[-_.][a-z0-9]+)*\Z")


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


def names_for(kind: str, word: str) -> Names:
    """Return the names of a new component.

    Args:
        kind: Of the component.
        word: As the user wrote it, with or without ``avplug-`` in front.

    Raises:
        UsageError: The name cannot work; the message suggests one that can.
    """
    name = word.removeprefix("avplug-")
    problem = _problem(kind, name)
    if problem:
        raise UsageError(problem, f"Try: avplug new {kind} {_other(kind, name)}")
    return Names(name)


def _problem(kind: str, name: str) -> str:
    """Return why a name cannot work, "" if it can."""
    if not _NAME.match(name):
        return (
            f"{name!r} is no name for a {kind}: use lower-case letters, digits and "
            "single '-', '_' or '.' between them, beginning with a letter."
        )
    module = Names(name).module
    if keyword.iskeyword(module) or keyword.issoftkeyword(module):
        return f"{name!r} is a word of Python's own, which no module can be called."
    if module in sys.stdlib_module_names:
        return f"{name!r} is a module of Python's own, which a file would hide."
    if name in _builtin(kind):
        return f"avplug itself has a {kind} '{name}'."
    package = Names(name).package
    if find_spec(package) is not None:
        return f"A module {package} is installed already."
    return ""


def _builtin(kind: str) -> set[str]:
    manager = PluginManager(PluginSettings(no_plugins=True))
    return {
        name
        for record in manager.records
        for spec in record.components
        if spec.kind == kind
        for name in (spec.name, *spec.aliases)
    }


def _other(kind: str, name: str) -> str:
    """Return a name like this one that works."""
    words = re.findall(r"[a-z0-9]+", name.lower())
    plain = "-".join(words).lstrip("0123456789-") or kind
    candidates = [plain, f"my-{plain}", *(f"my-{plain}-{i}" for i in range(2, 100))]
    return next(each for each in candidates if not _problem(kind, each))


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
