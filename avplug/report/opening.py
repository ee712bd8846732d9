"""The top of the page: the verdict in words, the headline numbers, warnings."""

from __future__ import annotations

from collections.abc import Iterator

from avplug.report import protocol
from avplug.report.attack_verdict import verdict_of
from avplug.report.markup import Child, Markup, tag
from avplug.report.panel import Panel
from avplug.report.scores import Scores
from avplug.report.table import Number


def title_of(scores: Scores) -> str:
    """Return the title of the window."""
    names = [panel.dataset for panel in scores.panels]
    models = [model for panel in scores.panels for model in panel.models]
    about = " · ".join(dict.fromkeys([*names, *models]))
    return f"Robustness: {about}" if about else "Robustness: nothing finished yet"


def opening(scores: Scores) -> Iterator[Child]:
    """Yield what a reader must know before anything else."""
    if not scores.panels:
        yield tag("h1", "No cell is finished yet.")
        return
    yield from summary(scores, scores.panels[0], "h1")
    yield tag(
        "p",
        protocol.in_short(scores),
        " · ",
        tag("a", "protocol", href="#protocol"),
        class_="note",
    )
    yield from _warnings(scores)


def summary(scores: Scores, panel: Panel, heading: str) -> Iterator[Child]:
    """Yield the verdict on a panel, and its numbers as tiles.

    Args:
        scores: Of which.
        panel: What it is about.
        heading: The element that the headline stands in.
    """
    words = verdict_of(scores, panel)
    yield tag("p", f"{panel.dataset} · {panel.metric.noun}", class_="kicker")
    yield tag(heading, words.headline)
    yield tag("p", " ".join(words.details)) if words.details else None
    tiles = list(_tiles(panel))
    yield tag("dl", tiles, class_="tiles") if tiles else None


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
