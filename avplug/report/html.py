"""One self-contained page: a script that sorts tables, no request, all data escaped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from avplug._version import __version__
from avplug.core.registry import Registry
from avplug.report import problems, protocol, tables
from avplug.report.adaptation import adaptation_tables
from avplug.report.attack_checks import checks_table
from avplug.report.attack_figures import epsilon_curves
from avplug.report.attack_tables import attack_tables
from avplug.report.attacked import AttackPanel
from avplug.report.clip_view import classes_section, flips_section, views
from avplug.report.corruption_error import corruption_error_table
from avplug.report.document import document, folded, html_table, scrolled
from avplug.report.figures import corruption_curves, legend, severity_curves
from avplug.report.heatmap import heatmap, scale
from avplug.report.localisation import localisation_table, overlays
from avplug.report.markup import Child, Markup, tag
from avplug.report.opening import opening, summary, title_of
from avplug.report.outcomes import viewed
from avplug.report.over_time import time_figures
from avplug.report.panel import Panel
from avplug.report.published_sides import Beside
from avplug.report.scores import Scores
from avplug.report.spread import seeds
from avplug.report.streams import streams

#: Rows of a table of problems that the page shows; scores.json has all.
SHOWN = 200


@dataclass(frozen=True, slots=True)
class _Section:
    """A part of the page under a heading of its own, which the contents link to."""

    id: str
    title: str
    body: Child


def page(
    scores: Scores, previews: int | None = 0, registry: Registry | None = None
) -> str:
    """Return the report as one HTML document.

    Args:
        scores: What it tells.
        previews: Clips that flipped to be played, clean and corrupted, made again from
            the run's settings; None for :data:`avplug.report.previews.USUAL` where the
            data need not be read from disk, else none.
        registry: Where their data set and corruptions are looked up; that of this
            process if None.
    """
    sections = list(_sections(scores, previews, registry))
    links = [tag("li", tag("a", part.title, href=f"#{part.id}")) for part in sections]
    main = [
        tag("section", opening(scores), aria_label="Summary"),
        tag("nav", tag("ul", links, class_="index"), aria_label="Contents"),
        map(_shown, sections),
    ]
    return document(title_of(scores), "avplug robustness report", main, _footer(scores))


def _shown(part: _Section) -> Markup:
    heading = tag("h2", part.title, id=part.id)
    return tag("section", heading, part.body, aria_labelledby=part.id)


def _sections(
    scores: Scores, previews: int | None, registry: Registry | None
) -> Iterator[_Section]:
    for number, panel in enumerate(scores.panels):
        name = f"panel-{number}"
        title = f"{panel.dataset}: {panel.metric.noun}"
        first = summary(scores, panel, "h3") if number else None
        yield _Section(name, title, [first, _results(panel, name)])
    shown = views(viewed(scores.panels), previews, registry)
    for number, view in enumerate(shown):
        of = f" of {view.panel.dataset}" if len(shown) > 1 else ""
        name = f"classes-{number}"
        yield _Section(name, f"Classes{of}", classes_section(view, f"{name}-figure"))
        yield _Section(
            f"flips-{number}", f"Clips{of} that flipped", flips_section(view)
        )
    if scores.papers:
        yield _Section("papers", "In the paper's form", map(html_table, scores.papers))
    if scores.published:
        yield _Section(
            "published", "Beside published numbers", map(_published, scores.published)
        )
    for number, attacks in enumerate(scores.attacks):
        title = f"Under attack: {attacks.dataset}, {attacks.metric.noun}"
        name = f"attacks-{number}"
        yield _Section(name, title, _attacks(attacks, f"{name}-figure"))
    yield _Section("problems", "Failures and omissions", _problems(scores))
    yield _Section("protocol", "Protocol", _protocol(scores))


def _results(panel: Panel, name: str) -> Iterator[Child]:
    yield tag("h3", "Robustness by severity")
    yield html_table(tables.main_table(panel), blocks=True)
    errors = corruption_error_table(panel)
    if errors:
        yield folded(errors)
    if panel.severities:
        yield tag("h3", "Severity curves")
        yield legend(panel)
        yield tag("figure", severity_curves(panel, name), class_="curves")
        yield tag("p", "Bands: 95 % confidence intervals.", class_="note")
        if len(panel.corruptions) > 1:
            yield tag("div", _multiples(panel, name), class_="small")
        yield tag("h3", "Corruption × severity")
        maps = [scrolled(heatmap(panel, m), panel.name(m)) for m in panel.methods]
        yield tag("div", maps, class_="maps")
        yield scale()
    comparison = tables.tta_table(panel)
    if comparison:
        yield tag("h3", "Test-time adaptation")
        yield html_table(comparison)
        yield from _adaptation(panel, name)
    elif spread := seeds(panel):
        yield tag("h3", spread.title)
        yield html_table(spread, caption=False)
    for table in (tables.cell_table(panel), tables.diagnostics_table(panel)):
        if table:
            yield folded(table)


def _adaptation(panel: Panel, name: str) -> Iterator[Child]:
    found = streams(panel)
    figures = list(time_figures(panel, found, name))
    if figures:
        yield tag("h3", "Adaptation over time")
        yield legend(panel)
        yield figures
    for table in adaptation_tables(panel, found):
        yield tag("h4", table.title)
        yield html_table(table, caption=False)


def _attacks(panel: AttackPanel, name: str) -> Iterator[Child]:
    first, *details = attack_tables(panel)
    yield html_table(first)
    figures = list(epsilon_curves(panel, name))
    if figures:
        yield tag("h3", f"{panel.metric.noun} over epsilon".capitalize())
        yield figures
        yield tag("p", "Bands: 95 % confidence intervals.", class_="note")
    localised = localisation_table(panel)
    if localised:
        yield tag("h3", "Localisation")
        yield html_table(localised)
        yield tag("details", tag("summary", "Maps over pictures"), overlays(panel))
    yield html_table(checks_table(panel))
    yield map(folded, details)


def _multiples(panel: Panel, name: str) -> Iterator[Child]:
    for condition, chart in corruption_curves(panel, f"{name}-corruption"):
        yield tag("figure", tag("figcaption", condition.label), chart)


def _published(pair: Beside) -> Markup:
    return tag("div", html_table(pair.numbers), folded(pair.protocol))


def _problems(scores: Scores) -> Iterator[Child]:
    found = [
        table
        for table in (
            problems.failed_cells(scores),
            problems.skipped_cells(scores),
            problems.failed_clips(scores),
        )
        if table
    ]
    if not found:
        yield tag("p", "No clip failed, no cell failed, and none was left out.")
    for table in found:
        yield tag("h3", table.title)
        yield html_table(table, SHOWN, caption=False)


def _protocol(scores: Scores) -> Iterator[Child]:
    yield tag("ul", [tag("li", line) for line in protocol.conventions(scores)])
    groups = [
        tag(
            "div",
            tag("h3", facts.heading),
            tag("dl", [[tag("dt", k), tag("dd", v)] for k, v in facts.values]),
        )
        for facts in protocol.protocol(scores)
    ]
    yield tag(
        "details",
        tag("summary", "Every setting, version and machine"),
        tag("div", groups, class_="facts"),
    )


def _footer(scores: Scores) -> Markup:
    return tag(
        "p",
        f"Made by avplug {__version__} from stored predictions. The numbers are beside"
        " this page in scores.csv and scores.json, the tables in tables.md.",
    )
