"""The registry: from a name to a descriptor, and from there to the component."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

from avplug.core.clashes import claims, describe_clash
from avplug.core.components import KINDS, ComponentSpec, CorruptionSpec
from avplug.core.discovery import BUILTIN, normalise
from avplug.core.errors import AmbiguousNameError, UnknownNameError, closest
from avplug.core.manager import PluginManager, get_plugin_manager
from avplug.core.targets import load_target

#: Other words for categories of corruptions.
CATEGORY_ALIASES = {"adversarial": "human-related"}


@dataclass(frozen=True, slots=True)
class Entry:
    """A component that some plugin provides.

    Args:
        spec: Its descriptor.
        provider: Distribution, ``"avplug"`` for built-ins.
        version: Of the distribution.
        conflict: Whether another provider claims its name, so that only the qualified
            name reaches it.
    """

    spec: ComponentSpec
    provider: str
    version: str
    conflict: bool = False

    @property
    def name(self) -> str:
        """The bare name."""
        return self.spec.name

    @property
    def qualified(self) -> str:
        """The name that stays unique: ``distribution/name``."""
        return f"{self.provider}/{self.spec.name}"

    @property
    def lasting(self) -> str:
        """The name that results keep: bare unless another provider's is meant by it.

        What avplug brings keeps its bare name, and so its cells, whoever claims it
        later.
        """
        return self.qualified if self.conflict and not self.builtin else self.name

    @property
    def builtin(self) -> bool:
        """Whether avplug itself provides it."""
        return self.provider == BUILTIN

    def load(self) -> Any:
        """Import and return the class or callable.

        Raises:
            MissingExtraError: A distribution in ``requires`` is not installed.
            PluginError: The target cannot be imported, or breaks the contract.
        """
        return load_target(self.spec, f"{self.provider} {self.version}".rstrip())


class Registry:
    """The components of all plugins of a manager, by kind and name.

    Args:
        manager: Where the plugins are loaded.
    """

    def __init__(self, manager: PluginManager) -> None:
        self.manager = manager
        self._claims = claims(manager.records)
        self._entries: dict[str, list[Entry]] = {kind: [] for kind in KINDS}
        for record in manager.records:
            for spec in record.components:
                entry = Entry(spec, record.distribution, record.version)
                entry = replace(entry, conflict=self._clashes(spec.kind, spec.name))
                self._entries[spec.kind].append(entry)

    def _clashes(self, kind: str, name: str) -> bool:
        return len(self._claims.get((kind, name), ())) > 1

    def entries(self, kind: str) -> list[Entry]:
        """Return all components of a kind, in the order of their providers.

        Raises:
            UnknownNameError: There is no such kind.
        """
        if kind not in self._entries:
            raise UnknownNameError(
                f"Unknown kind {kind!r}.{closest(kind, KINDS)}",
                f"Kinds: {', '.join(KINDS)}.",
            )
        return list(self._entries[kind])

    def get(self, kind: str, name: str) -> Entry:
        """Return the component of a name, an alias or a ``distribution/name``.

        A corruption answers to ``category/name``, too.

        Raises:
            UnknownNameError: There is none.
            AmbiguousNameError: Several distributions provide it.
        """
        group, slash, bare = name.rpartition("/")
        matches = [
            entry
            for entry in self.entries(kind)
            if _answers_to(entry, bare) and (not slash or _belongs_to(entry, group))
        ]
        if not matches:
            raise self._unknown(kind, name)
        if len(matches) > 1:
            what, hint = describe_clash(bare, self._claims[kind, bare])
            raise AmbiguousNameError(f"{kind.capitalize()} {what}", hint)
        return matches[0]

    def recall(self, kind: str, name: str) -> Entry:
        """Return the component that a bare name meant when a run stored it.

        What avplug brings was there first: a plugin that claims its name since then
        makes no old run unreadable.

        Raises:
            UnknownNameError: There is none.
            AmbiguousNameError: Several distributions provide it, avplug not among them.
        """
        own = [
            entry
            for entry in self.entries(kind)
            if entry.builtin and _answers_to(entry, name)
        ]
        return own[0] if own else self.get(kind, name)

    def select(self, kind: str, patterns: Iterable[str]) -> list[Entry]:
        """Return the components that match any pattern, in its order, each once.

        Args:
            kind: The kind of component.
            patterns: Names, qualified names, globs (``s*``) and, for corruptions,
                ``category/name`` or ``category/*``.

        Raises:
            UnknownNameError: A pattern matches nothing.
            AmbiguousNameError: A name without a glob has several providers.
        """
        found: dict[str, Entry] = {}
        for pattern in patterns:
            for entry in self._matches(kind, pattern):
                found.setdefault(entry.qualified, entry)
        return list(found.values())

    def _matches(self, kind: str, pattern: str) -> list[Entry]:
        if not any(mark in pattern.rpartition("/")[2] for mark in "*?["):
            return [self.get(kind, pattern)]
        matches = [entry for entry in self.entries(kind) if fits(entry, pattern)]
        if not matches:
            raise self._unknown(kind, pattern)
        return matches

    def _unknown(self, kind: str, name: str) -> UnknownNameError:
        # Not at the top: start-up pays for each module.
        from avplug.core.absent import absent

        entries = self.entries(kind)
        names = [n for e in entries for n in (e.name, *e.spec.aliases, e.qualified)]
        for entry in entries:
            if _category(entry):
                names += [f"{_category(entry)}/*", f"{_category(entry)}/{entry.name}"]
        hint = f"Show all {len(entries)}: avplug list {kind}\n{absent(self.manager)}"
        return UnknownNameError(
            f"Unknown {kind} {name!r}.{closest(name, set(names) - {name})}",
            hint.rstrip(),
        )


def fits(entry: Entry, pattern: str) -> bool:
    """Return whether a name, an alias or a glob, perhaps of a group, means an entry.

    Args:
        entry: Of any kind.
        pattern: As :meth:`Registry.select` takes it.
    """
    group, slash, bare = pattern.rpartition("/")
    if slash and not _belongs_to(entry, group):
        return False
    return _answers_to(entry, bare) or fnmatchcase(entry.name, bare)


def _answers_to(entry: Entry, name: str) -> bool:
    return name == entry.name or name in entry.spec.aliases


def _category(entry: Entry) -> str:
    return entry.spec.category if isinstance(entry.spec, CorruptionSpec) else ""


def _belongs_to(entry: Entry, group: str) -> bool:
    category = CATEGORY_ALIASES.get(group, group)
    return entry.provider == normalise(group) or _category(entry) == category


def get_registry() -> Registry:
    """Return the registry of this process's plugins."""
    return _registry_of(get_plugin_manager())


@lru_cache(maxsize=1)
def _registry_of(manager: PluginManager) -> Registry:
    return Registry(manager)
