"""Options that nothing would read: why, and what to do instead."""

from __future__ import annotations

from collections.abc import Iterable

from avplug.core.components import KINDS
from avplug.core.errors import UsageError, closest
from avplug.core.registry import Registry

#: Kinds whose components take no options, and what stands in for them.
_WITHOUT = {
    "corruption": (
        "a name and a severity mean the same everywhere",
        "Choose by --severity and --profile; a variant is a corruption of its own: "
        "avplug new corruption NAME",
    ),
    "metric": (
        "a name means the same everywhere",
        "A variant is a metric of its own: avplug new metric NAME",
    ),
}
#: Kinds of which one is at work, whose options are given under the name of the kind.
_BY_KIND = ("dataset", "executor")


def refuse_idle(
    names: Iterable[str], used: Iterable[str], what: str, registry: Registry
) -> None:
    """Refuse options that are given for what does not read them.

    Args:
        names: What options are given for.
        used: Those of which options are read.
        what: Reads them: ``"run"``.
        registry: Tells what else a name means.

    Raises:
        UsageError: One is not among ``used``.
    """
    known = sorted(set(used))
    for name in names:
        if name not in known:
            raise _refusal(name, known, what, registry)


def _refusal(name: str, known: list[str], what: str, registry: Registry) -> UsageError:
    kinds = _kinds(name, registry)
    if kinds and set(kinds) <= set(_WITHOUT):
        why, instead = _WITHOUT[kinds[0]]
        return UsageError(
            f"Options are given for the {kinds[0]} {name!r}, and a {kinds[0]} takes "
            f"none: {why}.",
            instead,
        )
    for kind in _BY_KIND:
        if kind in kinds and kind in known:
            return UsageError(
                f"Options are given for the {kind} by its name, {name!r}.",
                f"Write them as -o {kind}.key=value.",
            )
    mistyped = "" if kinds else closest(name, known)
    return UsageError(
        f"Options are given for {name!r}, which this {what} does not use.{mistyped}",
        f"Used here: {', '.join(known)}.",
    )


def _kinds(name: str, registry: Registry) -> list[str]:
    """Return the kinds of component that a name means."""
    bare = name.rpartition("/")[2]
    return [
        kind
        for kind in KINDS
        if any(
            bare in (entry.name, *entry.spec.aliases)
            for entry in registry.entries(kind)
        )
    ]
