"""How something of the plugin API goes: with a warning, a successor and a date.

Every deprecation is an entry of :data:`DEPRECATIONS`, so that all of them are seen in
one place. Deprecated for two minor releases at least, refused at the next major one;
``docs/explanation/compatibility.md`` is the policy.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass


class PluginDeprecationWarning(FutureWarning):
    """A plugin uses what will go. Shown by default: its users can tell its author."""


@dataclass(frozen=True, slots=True)
class Deprecation:
    """Something that will go.

    Args:
        what: A hook (``avplug_old``), an argument of one (``avplug_hook(old)``) or a
            public name (``avplug.Old``).
        instead: What to use.
        since: Release that began to warn.
        removed: Release that no longer has it.
        moved_to: ``"module:Name"`` of a public name that has another home now.
    """

    what: str
    instead: str
    since: str
    removed: str
    moved_to: str = ""

    def message(self, user: str) -> str:
        """Return the warning about a user, such as ``avplug-fog 1.0``."""
        return (
            f"{user} uses {self.what}, deprecated since avplug {self.since} and "
            f"removed in {self.removed}. Use {self.instead}."
        )


#: All that is on its way out, by what it is called; nothing yet.
DEPRECATIONS: dict[str, Deprecation] = {}

_told: set[tuple[str, str]] = set()


def warn(
    what: str,
    user: str,
    table: Mapping[str, Deprecation] | None = None,
    *,
    stacklevel: int = 3,
) -> bool:
    """Warn once that a user has something deprecated; return whether it is.

    Args:
        what: As in :class:`Deprecation`.
        user: Who uses it: distribution and version of a plugin.
        table: Where to look; :data:`DEPRECATIONS` by default.
        stacklevel: Of the line that the warning shows.
    """
    found = (DEPRECATIONS if table is None else table).get(what)
    if found is None:
        return False
    if (what, user) not in _told:
        _told.add((what, user))
        warnings.warn(
            found.message(user), PluginDeprecationWarning, stacklevel=stacklevel
        )
    return True


def moved(name: str, table: Mapping[str, Deprecation] | None = None) -> str:
    """Return the new home of a public name, with a warning; "" if it has none."""
    found = (DEPRECATIONS if table is None else table).get(f"avplug.{name}")
    if found is None or not found.moved_to:
        return ""
    warn(found.what, "This module", table, stacklevel=4)
    return found.moved_to
