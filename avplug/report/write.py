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
from avplug.report.published import beside, sound_sources
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
    return replace(scores, published=tuple(found), notes=(*scores.notes, *notes))


def write_scores(scores: Scores, out: Path) -> Path:
    """Write the page to ``out``; its tables as Markdown, CSV and JSON beside it.

    Raises:
        StorageError: One cannot be written.
    """
    files = {
        out: page(scores),
        out.with_name("tables.md"): markdown(scores),
        out.with_name("scores.csv"): scores_csv(scores),
        out.with_name("scores.json"): dump(scores_json(scores)),
    }
    for path, text in files.items():
        with storing(path.parent, path.name):
            write_atomic(path, _encode(text))
    return out


def write_report(
    folder: Path | str,
    *,
    out: Path | None = None,
    metrics: Sequence[str] = (),
    resamples: int = RESAMPLES,
    registry: Registry | None = None,
) -> Path:
    """Write the report of a run and return the path of its page.

    Args:
        folder: What ``avplug run --out`` wrote.
        out: The page; ``report.html`` in the folder if None.
        metrics: Names; those of the run if empty.
        resamples: Of the bootstrap; 0 for no intervals.
        registry: Where metrics are looked up; that of this process if None.

    Raises:
        UsageError: The folder holds no run, or a metric refuses its data.
    """
    scores = read_scores(
        folder, metrics=metrics, resamples=resamples, registry=registry
    )
    return write_scores(scores, out or Path(folder) / "report.html")


def _encode(text: str) -> bytes:
    # A file name that is no UTF-8 gives lone surrogates, which have no encoding.
    return text.encode("utf-8", "backslashreplace")
