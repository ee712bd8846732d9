"""The papers whose numbers a run can be set beside: found by name, read, or refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from avplug.core.components import PublishedSpec
from avplug.core.errors import AvplugError, PluginError
from avplug.core.published import PublishedResults
from avplug.core.registry import Entry, Registry


@dataclass(frozen=True, slots=True)
class Source:
    """A paper and what it prints.

    Args:
        name: As users type it.
        title: In words.
        paper: arXiv id or address; "" if there is none.
        results: Its numbers.
    """

    name: str
    title: str
    paper: str
    results: PublishedResults

    @property
    def words(self) -> str:
        """The title with where to find it."""
        return f"{self.title} ({self.paper})" if self.paper else self.title


def find_sources(registry: Registry, names: Sequence[str] = ()) -> list[Source]:
    """Return the papers of these names; all by default.

    Raises:
        UnknownNameError: There is none of a name.
        PluginError: Its numbers cannot be read.
    """
    if names:
        return [_source(registry.get("published", name)) for name in names]
    return [_source(entry) for entry in registry.entries("published")]


def sound_sources(registry: Registry) -> tuple[list[Source], list[str]]:
    """Return the papers that can be read, and a note for each that cannot."""
    found, notes = [], []
    for entry in registry.entries("published"):
        try:
            found.append(_source(entry))
        except AvplugError as error:
            notes.append(str(error))
    return found, notes


def _source(entry: Entry) -> Source:
    spec = entry.spec
    try:
        results = entry.load()()
    except AvplugError:
        raise
    except (Exception, SystemExit) as error:
        raise PluginError(
            f"The published numbers '{entry.qualified}' cannot be read: "
            f"{type(error).__name__}: {error}"
        ) from error
    if not isinstance(results, PublishedResults):
        raise PluginError(
            f"'{spec.target}' of {entry.provider} returned a {type(results).__name__},"
            " no PublishedResults."
        )
    title = spec.title if isinstance(spec, PublishedSpec) else ""
    return Source(spec.name, title or spec.name, spec.paper, results)
