"""Names that several distributions claim: reachable by their qualified names only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from avplug.core.components import ComponentSpec
from avplug.core.errors import PluginError
from avplug.core.records import PluginRecord

Claims = dict[tuple[str, str], list[PluginRecord]]


def claims(records: Iterable[PluginRecord]) -> Claims:
    """Return who provides each (kind, name or alias), in load order."""
    found: Claims = defaultdict(list)
    for record in records:
        for spec in record.components:
            for name in dict.fromkeys((spec.name, *spec.aliases)):
                found[spec.kind, name].append(record)
    return found


def describe_clash(name: str, providers: Iterable[PluginRecord]) -> tuple[str, str]:
    """Return what clashes, and what to write instead."""
    providers = list(providers)
    who = " and ".join(record.provider for record in providers)
    choices = " or ".join(f"{record.distribution}/{name}" for record in providers)
    return f"'{name}' is claimed by {who}.", f"Write {choices}."


def mark_clashes(records: Iterable[PluginRecord]) -> None:
    """Set the state of plugins whose names others claim, too; the first is told."""
    records = list(records)
    clashing = {
        key: providers for key, providers in claims(records).items() if providers[1:]
    }
    for record in records:
        own = [key for key, providers in clashing.items() if record in providers]
        if own and record.state == "ok":
            kind, name = own[0]
            what, remedy = describe_clash(name, clashing[own[0]])
            more = f" (and {len(own) - 1} more names)" if own[1:] else ""
            record.state = "conflict"
            record.problem = f"shares a name: {kind} {what[:-1]}{more}."
            record.remedy = remedy


def refuse_second_claim(
    record: PluginRecord,
    specs: Iterable[ComponentSpec],
    records: Iterable[PluginRecord],
) -> None:
    """Make sure that a distribution provides no name twice: nothing tells them apart.

    Args:
        record: Of the plugin that is being loaded.
        specs: What it provides.
        records: All plugins so far.

    Raises:
        PluginError: Another plugin of the distribution has one of the names.
    """
    others = [r for r in records if r.distribution == record.distribution]
    taken = claims(other for other in others if other is not record)
    for spec in specs:
        for name in (spec.name, *spec.aliases):
            for first in taken.get((spec.kind, name), ()):
                raise PluginError(
                    f"provides {spec.kind} '{name}', as '{first.entry_point}' of"
                    f" {record.distribution} does.",
                    "Give one of them another name.",
                )
