"""The parts of the page that look at classes and clips one by one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from avplug.bench.store import Store
from avplug.core.registry import Registry, get_registry
from avplug.report.classes import WORST, class_scores, class_table
from avplug.report.document import folded, html_table
from avplug.report.dumbbell import dumbbell_key, dumbbells
from avplug.report.flips import flipped_clips, flips_by_corruption, flips_table
from avplug.report.gallery import players
from avplug.report.markup import Child, tag
from avplug.report.outcomes import ClassNames, Outcomes, read_outcomes
from avplug.report.panel import Panel
from avplug.report.previews import Previews, make_previews, usual_count

#: Rows of a table of classes that the page shows.
_CLASSES = 1000


@dataclass(frozen=True, slots=True, eq=False)
class ClipView:
    """What is shown of a panel clip by clip.

    Args:
        panel: Of which.
        names: Of its classes.
        models: The outcomes of each model's methods, the untreated one first.
        previews: Of clips that the first of all loses.
    """

    panel: Panel
    names: ClassNames
    models: tuple[tuple[Outcomes, ...], ...]
    previews: Previews


def clip_view(
    panel: Panel, previews: int | None = 0, registry: Registry | None = None
) -> ClipView | None:
    """Look at a panel clip by clip; None where nothing is clean and corrupted.

    Args:
        panel: Its metric is a share of the clips.
        previews: Clips to play; None for as many as cost little, see
            :func:`avplug.report.previews.usual_count`.
        registry: Where data set and corruptions are looked up; that of this process if
            None.
    """
    found = read_outcomes(panel)
    models = []
    for model in panel.models:
        mine = [one for one in found if one.method.model == model]
        mine.sort(key=lambda one: not one.method.source)
        models += [tuple(mine)] if mine else []
    if not models:
        return None
    run = _run_of(panel)
    names = ClassNames(run.get("labels") or ())
    films = Previews()
    if previews != 0:
        registry = registry or get_registry()
        count = usual_count(run, registry) if previews is None else previews
        films = make_previews(models[0][0], names, run, registry, count)
    return ClipView(panel, names, tuple(models), films)


def _run_of(panel: Panel) -> dict[str, Any]:
    """Return ``run.json`` of the run that the panel's first cell is of."""
    return Store(panel.cells[0].stored.folder.parents[1]).run


def classes_section(view: ClipView, name: str) -> Iterator[Child]:
    """Yield the classes of each model, those that lose most first.

    Args:
        view: What is shown.
        name: Unique on the page; prefixes ids.
    """
    for number, methods in enumerate(view.models):
        rows = class_scores(methods, view.names)
        if len(view.models) > 1:
            yield tag("h3", methods[0].method.model)
        table = class_table(methods, rows)
        yield tag(
            "figure",
            tag("figcaption", table.title),
            dumbbells(rows[:WORST], f"{name}-{number}"),
            dumbbell_key(),
            class_="curves",
        )
        if len(rows) > WORST:
            yield tag("p", f"The {WORST} that lose most, of {len(rows)} classes:")
            yield html_table(table, WORST, caption=False, rest="in the list of all")
            yield folded(table, _CLASSES, "not on this page")
        else:
            yield html_table(table, caption=False)


def flips_section(view: ClipView) -> Iterator[Child]:
    """Yield how many clips flipped, which flipped most often, and films of some."""
    everything = [one for methods in view.models for one in methods]
    yield html_table(flips_table(everything), caption=False)
    yield folded(flips_by_corruption(everything))
    yield from _films(view.previews)
    for one in (methods[0] for methods in view.models):
        for table in (
            flipped_clips(one, view.names),
            flipped_clips(one, view.names, gained=True),
        ):
            if table.rows:
                yield folded(table)


def _films(previews: Previews) -> Iterator[Child]:
    if previews.shelves:
        yield tag("h3", "Some of them, clean and corrupted")
    films = [
        tag(
            "div",
            tag("h4", shelf.title),
            tag("p", shelf.about),
            players(shelf),
        )
        for shelf in previews.shelves
    ]
    yield tag("div", films, class_="films") if films else None
    if previews.note:
        yield tag("p", previews.note, class_="note")


def views(
    panels: Sequence[Panel], previews: int | None, registry: Registry | None
) -> list[ClipView]:
    """Return the view of each panel that has one; only the first has previews."""
    found: list[ClipView] = []
    for panel in panels:
        view = clip_view(panel, 0 if found else previews, registry)
        found += [view] if view else []
    return found
