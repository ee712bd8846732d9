"""Which installed plugins the settings leave out, and what in them is unknown."""

from __future__ import annotations

from collections.abc import Iterable

from avplug.core.discovery import Candidate, normalise
from avplug.core.errors import closest
from avplug.core.records import PluginSettings


def left_out(candidate: Candidate, settings: PluginSettings) -> str | None:
    """Say why an installed plugin is not to be imported; None if it is.

    A distribution or an entry point may be named, in any spelling that pip takes.
    """
    own = {candidate.distribution, normalise(candidate.entry_point)}
    allowed = settings.load
    if allowed is not None and candidate.distribution not in _all(allowed):
        return "AVPLUG_LOAD_PLUGINS does not name it"
    if own & _all(settings.disable):
        return "AVPLUG_DISABLE_PLUGINS names it"
    if own & _all(settings.switched_off):
        return f"undo it with avplug plugins enable {candidate.distribution}"
    return None


def unknown_names(
    settings: PluginSettings, candidates: Iterable[Candidate]
) -> list[str]:
    """Return a sentence for each name in the environment that nothing installed has."""
    candidates = list(candidates)
    found = {candidate.distribution for candidate in candidates}
    either = found | {normalise(candidate.entry_point) for candidate in candidates}
    return [
        f"{variable} names {name!r}, which is not installed."
        f"{closest(name, sorted(known))}"
        for variable, names, known in (
            ("AVPLUG_LOAD_PLUGINS", settings.load or (), found),
            ("AVPLUG_DISABLE_PLUGINS", settings.disable, either),
        )
        for name in names
        if normalise(name) not in known
    ]


def _all(names: Iterable[str]) -> set[str]:
    return {normalise(name) for name in names}
