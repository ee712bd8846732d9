"""``avplug list``: the components that are there, without importing any."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from avplug.cli import console
from avplug.core.components import KINDS, CorruptionSpec, DatasetSpec, ModelSpec
from avplug.core.senses import ONLY

if TYPE_CHECKING:
    from avplug.core.registry import Entry, Registry


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("list")(list_components)


def components(
    registry: Registry, kinds: Iterable[str] = (), provider: str | None = None
) -> list[dict[str, Any]]:
    """Return what is known of each component of these kinds; of all by default.

    Args:
        registry: Where they are.
        kinds: Only of these; all if empty.
        provider: Only of this distribution.

    Raises:
        UnknownNameError: No distribution of that name provides anything.
    """
    from avplug.core.discovery import normalise
    from avplug.core.errors import UnknownNameError, closest

    known = sorted({e.provider for kind in KINDS for e in registry.entries(kind)})
    if provider is not None and normalise(provider) not in known:
        raise UnknownNameError(
            f"No plugin {provider!r} provides a component.{closest(provider, known)}",
            f"Plugins that do: {', '.join(known)}; all: avplug plugins",
        )
    return [
        describe(entry)
        for kind in kinds or KINDS
        for entry in registry.entries(kind)
        if provider is None or entry.provider == normalise(provider)
    ]


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
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """List the components that are there."""
    from avplug.cli.kinds import parse_kind
    from avplug.core.registry import get_registry

    kinds = list(dict.fromkeys(parse_kind(word) for word in kind or ()))
    rows = components(get_registry(), kinds, provider)
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
