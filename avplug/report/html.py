"""One self-contained page: no script, no request, everything from data escaped."""

from __future__ import annotations

from collections.abc import Iterator

from avplug._version import __version__
from avplug.report import problems, protocol, tables
from avplug.report.adaptation import adaptation_tables
from avplug.report.attack_checks import checks_table
from avplug.report.attack_figures import epsilon_curves
from avplug.report.attack_tables import attack_tables
from avplug.report.attack_verdict import verdict_of
from avplug.report.attacked import AttackPanel
from avplug.report.corruption_error import corruption_error_table
from avplug.report.document import document, html_table
from avplug.report.figures import corruption_curves, legend, severity_curves
from avplug.report.heatmap import heatmap, scale
from avplug.report.localisation import localisation_table, overlays
from avplug.report.markup import Child, Markup, tag
from avplug.report.over_time import time_figures
from avplug.report.panel import Panel
from avplug.report.published import Beside
from avplug.report.scores import Scores
from avplug.report.streams import streams
from avplug.report.table import Number
from avplug.report.verdict import Verdict

#: Rows of a table of problems that the page shows; scores.json has all.
SHOWN = 200


def page(scores: Scores) -> str:
    """Return the report as one HTML document."""
    return document(
        _title(scores), "avplug robustness report", _main(scores), _footer(scores)
    )


def _title(scores: Scores) -> str:
    names = [panel.dataset for panel in scores.panels]
    models = [model for panel in scores.panels for model in panel.models]
    about = " · ".join(dict.fromkeys([*names, *models]))
    return f"Robustness: {about}" if about else "Robustness: nothing finished yet"


def _main(scores: Scores) -> Iterator[Child]:
    if not scores.panels:
        yield tag("h1", "No cell is finished yet.")
    for number, panel in enumerate(scores.panels):
        words = verdict_of(scores, panel)
        yield from _summary(panel, words, "h1" if number == 0 else "h2")
        if number == 0:
            yield tag(
                "p",
                protocol.in_short(scores),
                " · ",
                tag("a", "protocol", href="#protocol"),
                class_="note",
            )
            yield from _warnings(scores)
        yield from _results(panel, f"panel-{number}")
    papers = scores.papers
    if papers:
        yield tag("h2", "In the paper's form")
        yield map(html_table, papers)
    if scores.published:
        yield tag("h2", "Beside published numbers")
        yield map(_published, scores.published)
    for number, attacks in enumerate(scores.attacks):
        yield from _attacks(attacks, f"attacks-{number}")
    yield from _problems(scores)
    yield from _protocol(scores)


def _summary(panel: Panel, words: Verdict, heading: str) -> Iterator[Child]:
    yield tag("p", f"{panel.dataset} · {panel.metric.noun}", class_="kicker")
    yield tag(heading, words.headline)
    yield tag("p", " ".join(words.details)) if words.details else None
    yield tag("dl", _tiles(panel), class_="tiles")


def _tiles(panel: Panel) -> Iterator[Child]:
    top = max(panel.severities, default=0)
    source = next((m for m in panel.methods if m.source), None)
    if source is None or not top:
        return
    clean = panel.at(source, None, 0)
    point = panel.over_corruptions(source, top)
    unit, digits = panel.metric.title, panel.metric.digits
    if clean:
        yield _tile(f"clean, {unit}", Number(clean.estimate(), digits))
    if point:
        yield _tile(f"severity {top}, {unit}", Number(point.estimate(), digits))
    if point and panel.metric.keeps_share:
        yield _tile(f"ρ at severity {top}", Number(point.estimate("rho"), 3))
        yield _tile(f"α at severity {top}", Number(point.estimate("alpha"), 3))
    clips = {cell.clips + cell.failed for cell in panel.cells}
    shown = f"{max(clips):,}".replace(",", " ")
    failed = max(cell.failed for cell in panel.cells)
    lost = f"at most {failed} failed in a cell" if failed else "none failed"
    yield tag("div", tag("dt", "clips"), tag("dd", shown, tag("small", lost)))


def _tile(term: str, number: Number) -> Markup:
    interval = tag("small", number.interval) if number.interval else None
    return tag("div", tag("dt", term), tag("dd", str(number), interval))


def _warnings(scores: Scores) -> Iterator[Child]:
    notes = list(scores.notes)
    finished = scores.finished
    if finished < scores.planned:
        notes.insert(0, f"Only {finished} of {scores.planned} cells are finished.")
    if notes:
        yield tag("div", [tag("p", note) for note in notes], class_="warn", role="note")


def _results(panel: Panel, name: str) -> Iterator[Child]:
    yield tag("h3", "Robustness by severity")
    yield html_table(tables.main_table(panel))
    errors = corruption_error_table(panel)
    if errors:
        yield tag(
            "details", tag("summary", errors.title), html_table(errors, caption=False)
        )
    if panel.severities:
        yield tag("h3", "Severity curves")
        yield legend(panel)
        yield tag("figure", severity_curves(panel, name), class_="curves")
        yield tag("p", "Bands: 95 % confidence intervals.", class_="note")
        if len(panel.corruptions) > 1:
            yield tag("div", _multiples(panel, name), class_="small")
        yield tag("h3", "Corruption × severity")
        maps = [
            tag("div", heatmap(panel, m), class_="scroll", tabindex=0)
            for m in panel.methods
        ]
        yield tag("div", maps, class_="maps")
        yield scale()
    comparison = tables.tta_table(panel)
    if comparison:
        yield tag("h3", "Test-time adaptation")
        yield html_table(comparison)
        yield from _adaptation(panel, name)
    for table in (tables.cell_table(panel), tables.diagnostics_table(panel)):
        if table:
            summary = tag("summary", f"{table.title} ({len(table.rows)})")
            yield tag("details", summary, html_table(table, caption=False))


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
    yield tag("h2", f"Under attack: {panel.dataset}, {panel.metric.noun}")
    summary, *details = attack_tables(panel)
    yield html_table(summary)
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
    for table in details:
        heading = tag("summary", f"{table.title} ({len(table.rows)})")
        yield tag("details", heading, html_table(table, caption=False))


def _multiples(panel: Panel, name: str) -> Iterator[Child]:
    for condition, chart in corruption_curves(panel, f"{name}-corruption"):
        yield tag("figure", tag("figcaption", condition.label), chart)


def _published(pair: Beside) -> Markup:
    heading = tag("summary", pair.protocol.title)
    differences = tag("details", heading, html_table(pair.protocol, caption=False))
    return tag("section", html_table(pair.numbers), differences)


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
    yield tag("h2", "Failures and omissions")
    if not found:
        yield tag("p", "No clip failed, no cell failed, and none was left out.")
    for table in found:
        yield tag("h3", table.title)
        yield html_table(table, SHOWN, caption=False)


def _protocol(scores: Scores) -> Iterator[Child]:
    yield tag("h2", "Protocol", id="protocol")
    yield tag("ul", [tag("li", line) for line in protocol.conventions(scores)])
    groups = [
        tag(
            "section",
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
