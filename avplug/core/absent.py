"""Plugins that are there but not loaded: a name that nobody knows may be theirs."""

from __future__ import annotations

from avplug.core import discovery
from avplug.core.manager import PluginManager

#: So many are named.
_SHOWN = 3


def absent(manager: PluginManager) -> str:
    """Return a sentence on the plugins that are not loaded, and why; "" if all are."""
    found: dict[str, str] = {}
    for record in manager.records:
        # What was loaded under another name already has brought what it has.
        if record.state == "disabled" and not record.module_file:
            why = record.problem.removeprefix("is ").rstrip(".")
            found.setdefault(record.distribution, why)
        elif record.state in ("failed", "incompatible"):
            found.setdefault(record.distribution, record.state)
    if manager.settings.no_plugins:
        for candidate in discovery.installed():
            found.setdefault(candidate.distribution, "plugins are switched off")
    if not found:
        return ""
    told = [f"{name} ({why})" for name, why in list(found.items())[:_SHOWN]]
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return (
        f"A plugin that is not loaded may bring it: {', '.join(told)}{more}. "
        "See avplug plugins"
    )
