"""The report of a run's folder, written beside its cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from avplug.bench.store import Store
from avplug.core.files import storing, write_atomic
from avplug.core.registry import Registry, get_registry
from avplug.report.export import dump, scores_csv, scores_json
from avplug.report.html import page
from avplug.report.markdown import markdown
from avplug.report.metrics import find_metrics
from avplug.report.published import beside
from avplug.report.published_attack_tables import beside_attacks
from avplug.report.published_sources import sound_sources
from avplug.report.runs import Runs
from avplug.report.scores import Scores, score
from avplug.report.statistics import RESAMPLES


def read_scores(
    folder: Path | str,
    *more: Path | str,
    metrics: Sequence[str] = (),
    resamples: int = RESAMPLES,
    base: str | None = None,
    registry: Registry | None = None,
) -> Scores:
    """Compute the scores of the finished cells of a run, or of several together.

    Args:
        folder: What ``avplug run --out`` wrote.
        more: Folders of other runs.
        metrics: Names; those of the runs if empty.
        resamples: Of the bootstrap; 0 for no intervals.
        base: Label of the model that improvements under attack are relative to; the
            first of the run if None.
        registry: Where metrics are looked up; that of this process if None.

    Raises:
        UsageError: A folder holds no run, or a metric refuses its data.
        UnknownNameError: There is no such metric.
    """
    # A folder that is given twice is one run.
    folders = {Path(each).resolve(): Path(each) for each in (*reversed(more), folder)}
    runs = Runs([Store(each) for each in reversed(folders.values())])
    names = metrics or runs.run.get("metrics", ())
    registry = registry or get_registry()
    scores = score(runs, find_metrics(registry, names), resamples, base)
    sources, notes = sound_sources(registry)
    found = beside(scores.panels, scores.run, sources)
    found += beside_attacks(scores.attacks, scores.run, sources)
    return replace(scores, published=tuple(found), notes=(*scores.notes, *notes))


def write_scores(
    scores: Scores,
    out: Path,
    previews: int | None = 0,
    registry: Registry | None = None,
) -> Path:
    """Write the page to ``out``; its tables as Markdown, CSV and JSON beside it.

    Args:
        scores: What to tell.
        out: The page.
        previews: Clips that can be played on it; see :func:`avplug.report.html.page`.
        registry: Where their data set and corruptions are looked up; that of this
            process if None.

    Raises:
        StorageError: One cannot be written.
    """
    files = {
        out: page(scores, previews, registry),
        out.with_name("tables.md"): markdown(scores),
        out.with_name("scores.csv"): scores_csv(scores),
        out.with_name("scores.json"): dump(scores_json(scores)),
    }
    for path, text in files.items():
        write_text(path, text)
    return out


def write_report(
    folder: Path | str,
    *more: Path | str,
    out: Path | None = None,
    metrics: Sequence[str] = (),
    resamples: int = RESAMPLES,
    registry: Registry | None = None,
) -> Path:
    """Write the report of a run, or of several together; return the page's path.

    Args:
        folder: What ``avplug run --out`` wrote.
        more: Folders of other runs.
        out: The page; :func:`page_of` if None.
        metrics: Names; those of the runs if empty.
        resamples: Of the bootstrap; 0 for no intervals.
        registry: Where metrics are looked up; that of this process if None.

    Raises:
        UsageError: A folder holds no run, or a metric refuses its data.
    """
    scores = read_scores(
        folder, *more, metrics=metrics, resamples=resamples, registry=registry
    )
    return write_scores(scores, out or page_of(folder, *more))


def page_of(folder: Path | str, *more: Path | str) -> Path:
    """Return where the page of runs is written to.

    ``report.html`` in a run's folder, of several in ``combined`` in that of the first.
    """
    return Path(folder) / ("combined" if more else "") / "report.html"


def write_text(path: Path, text: str) -> None:
    """Write a file of text, with or without what UTF-8 cannot encode.

    Raises:
        StorageError: It cannot be written.
    """
    with storing(path.parent, path.name):
        # A file name that is no UTF-8 gives lone surrogates, which have no encoding.
        write_atomic(path, text.encode("utf-8", "backslashreplace"))
