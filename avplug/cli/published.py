"""``avplug published``: the numbers that papers print, with where they stand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from avplug.cli import console

if TYPE_CHECKING:
    from avplug.core.published import PublishedNumber
    from avplug.report.published_sources import Source

_COLUMNS = (
    *("PAPER", "DATASET", "MODEL", "METHOD", "CORRUPTION", "SEVERITY", "METRIC"),
    *("VALUE", "PLACE", "NOTE"),
)


def register(app: typer.Typer) -> None:
    """Add the verb to the application."""
    app.command(name="published")(_published)


def find_papers(papers: Sequence[str] = ()) -> list[Source]:
    """Return the papers of these names; by default all that can be read.

    Raises:
        UnknownNameError: There is no such paper.
        PluginError: The numbers of a named one cannot be read.
    """
    from avplug.core.registry import get_registry
    from avplug.report.published_sources import find_sources, sound_sources

    if papers:
        return find_sources(get_registry(), papers)
    found, notes = sound_sources(get_registry())
    for note in notes:
        console.message(f"avplug: {note}")
    return found


def numbers(
    papers: Sequence[str] = (), **wanted: str | None
) -> list[tuple[Source, PublishedNumber]]:
    """Return published numbers with their sources.

    Args:
        papers: Names; all if empty.
        **wanted: ``dataset``, ``model``, ``method``, ``corruption`` or ``metric``,
            compared without case and punctuation; None takes all.

    Raises:
        UnknownNameError: There is no such paper.
        PluginError: The numbers of a named one cannot be read.
    """
    from avplug.report.published_match import plain_name

    asked = {key: plain_name(value) for key, value in wanted.items() if value}
    return [
        (source, number)
        for source in find_papers(papers)
        for number in source.results.numbers
        if all(plain_name(getattr(number, key)) == v for key, v in asked.items())
    ]


def _published(
    paper: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PAPER]...", help="Of: avplug list published."),
    ] = None,
    dataset: Annotated[str | None, typer.Option(help="Such as VGGSound-2C.")] = None,
    model: Annotated[str | None, typer.Option(help="Such as cav-mae.")] = None,
    method: Annotated[
        str | None, typer.Option(help="Such as tent; source and none are without.")
    ] = None,
    corruption: Annotated[
        str | None, typer.Option(help="Such as mean15, clean or gaussian.")
    ] = None,
    metric: Annotated[str | None, typer.Option(help="Such as top1_acc.")] = None,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """List the numbers that papers print, each with its place."""
    found = numbers(
        tuple(paper or ()),
        dataset=dataset,
        model=model,
        method=method,
        corruption=corruption,
        metric=metric,
    )
    if json:
        from dataclasses import asdict

        rows = [{"paper": source.name, **asdict(number)} for source, number in found]
        console.print_json(rows)
        return
    console.print_table(
        _COLUMNS,
        [
            (
                *(source.name, n.dataset, n.model, n.method, n.corruption, n.severity),
                *(n.metric, f"{n.value:g}", n.place, n.note),
            )
            for source, n in found
        ],
    )
