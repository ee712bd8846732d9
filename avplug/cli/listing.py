"""``avplug list``: the components that are there, without importing any."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from avplug.cli import console
from avplug.core.components import KINDS, CorruptionSpec, DatasetSpec, ModelSpec
from avplug.core.senses import ONLY

if TYPE_CHECKING:
    from avplug.core.errors import UnknownNameError
    from avplug.core.registry import Entry, Registry


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("list")(list_components)


def components(
    registry: Registry,
    kinds: Iterable[str] = (),
    provider: str | None = None,
    patterns: Sequence[str] = (),
) -> list[dict[str, Any]]:
    """Return what is known of each component of these kinds; of all by default.

    Args:
        registry: Where they are.
        kinds: Only of these; all if empty.
        provider: Only of this distribution.
        patterns: Only what fits one of them: names, globs, ``category/*``.

    Raises:
        UnknownNameError: The provider gives nothing, or nothing fits a pattern.
    """
    from avplug.core.discovery import normalise
    from avplug.core.registry import fits

    entries = [entry for kind in kinds or KINDS for entry in registry.entries(kind)]
    if provider is not None:
        _require(provider, registry)
        entries = [each for each in entries if each.provider == normalise(provider)]
    for pattern in patterns:
        if not any(fits(entry, pattern) for entry in entries):
            raise _misfit(pattern, entries, registry)
    return [
        describe(entry)
        for entry in entries
        if not patterns or any(fits(entry, pattern) for pattern in patterns)
    ]


def _require(provider: str, registry: Registry) -> None:
    from avplug.core.discovery import normalise
    from avplug.core.errors import UnknownNameError, closest

    records = registry.manager.records
    own = [each for each in records if each.distribution == normalise(provider)]
    known = sorted({each.distribution for each in records if each.components})
    if normalise(provider) in known:
        return
    if own:
        raise UnknownNameError(
            f"{provider!r} provides no component.",
            " ".join(each.describe() for each in own if each.problem),
        )
    raise UnknownNameError(
        f"No plugin {provider!r} provides a component.{closest(provider, known)}",
        f"Plugins that do: {', '.join(known)}; all: avplug plugins",
    )


def _misfit(
    pattern: str, entries: Iterable[Entry], registry: Registry
) -> UnknownNameError:
    from avplug.core.absent import absent
    from avplug.core.errors import UnknownNameError, closest

    return UnknownNameError(
        f"No component fits {pattern!r}.{closest(pattern, (e.name for e in entries))}",
        absent(registry.manager),
    )


def describe(entry: Entry) -> dict[str, Any]:
    """Return the short description of a component; the keys are stable."""
    spec = entry.spec
    about: dict[str, Any] = {
        "kind": spec.kind,
        "name": entry.qualified if entry.conflict else entry.name,
        "qualified": entry.qualified,
        "summary": spec.summary,
        "provider": entry.provider,
        "version": entry.version,
        "conflict": entry.conflict,
        "aliases": list(spec.aliases),
    }
    if isinstance(spec, CorruptionSpec):
        about["category"] = spec.category
    if isinstance(spec, ModelSpec):
        about |= {"variants": list(spec.variants), "modalities": spec.modalities}
    if isinstance(spec, DatasetSpec):
        about["classes"] = spec.classes
    return about


def _details(about: dict[str, Any]) -> str:
    if "classes" in about:
        return f"{about['classes']} classes" if about["classes"] else ""
    only = ONLY.get(about.get("modalities", ""), "")
    variants = ", ".join(about.get("variants", ()))
    return str(about.get("category", "")) or "; ".join(filter(None, (variants, only)))


def list_components(
    kind: Annotated[
        list[str] | None,
        typer.Argument(metavar="[KIND]...", help=f"Of: {', '.join(KINDS)}."),
    ] = None,
    provider: Annotated[
        str | None, typer.Option(metavar="DIST", help="Only what it provides.")
    ] = None,
    match: Annotated[
        list[str] | None,
        typer.Option(
            "--match",
            metavar="PATTERN",
            help="Only what fits: a name, a glob such as 'v*', 'digital/*', 'DIST/*'; "
            "repeatable.",
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """List the components that are there."""
    from avplug.cli.kinds import parse_kind
    from avplug.core.registry import get_registry

    kinds = list(dict.fromkeys(parse_kind(word) for word in kind or ()))
    rows = components(get_registry(), kinds, provider, match or ())
    if json:
        console.print_json(rows)
        return
    console.print_table(
        ("KIND", "NAME", "DETAILS", "SUMMARY", "PROVIDER"),
        [
            (
                row["kind"],
                row["name"],
                _details(row),
                row["summary"],
                f"{row['provider']} {row['version']}".rstrip(),
            )
            for row in rows
        ],
    )
