"""Results as a folder that a model card on the Hugging Face hub can carry.

``README.md`` is the card: its front matter holds a ``model-index``, the form in which
the hub reads results, and its text the tables with their captions. Beside it are the
page, the tables and the numbers, and the runs themselves if asked for.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from avplug._version import __version__
from avplug.core.errors import UsageError
from avplug.core.files import storing
from avplug.report.attack_verdict import verdict_of
from avplug.report.attacked import AttackPanel, averaged
from avplug.report.front_matter import front_matter
from avplug.report.markdown import markdown_table, plain_markdown
from avplug.report.metrics import NamedMetric
from avplug.report.panel import Method, Panel, Point
from avplug.report.scores import Scores
from avplug.report.table_choice import available
from avplug.report.write import write_scores, write_text

#: What the hub calls the task; it has no name for recognition by eye and ear.
_TASK = {"type": "video-classification", "name": "Audio-visual classification"}

#: What the hub calls a metric, where it has it.
_TYPES = {"top1": "accuracy", "top5": "top_5_accuracy", "auc": "roc_auc"}

_TABLES = ("main", "per-corruption", "tta", "seeds", "attacks")

#: Parts of a run that a copy needs to be read again.
_PARTS = ("run.json", "cells", "environments", "clips")


def export_hub(
    scores: Scores,
    out: Path,
    *,
    runs: Sequence[Path] = (),
    source: str = "",
) -> Path:
    """Write the folder and return its card.

    Args:
        scores: What it tells.
        out: A new or an empty folder.
        runs: Folders whose cells, with all predictions, are copied into it.
        source: Address that the card names as the origin of its numbers; "" for none.

    Raises:
        UsageError: The folder holds something, or there is no result.
        StorageError: It cannot be written.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(
            f"{out} is there and not empty.", "Give a new folder: nothing is replaced."
        )
    index = model_index(scores, source)
    if not index:
        raise UsageError("No cell is finished: there is no result to export.")
    write_scores(scores, out / "report.html")
    for name, run in _named(runs):
        with storing(out, f"run {name}"):
            _copy(run, out / "runs" / name)
    write_text(out / "README.md", card(scores, index))
    return out / "README.md"


def model_index(scores: Scores, source: str = "") -> list[dict[str, Any]]:
    """Return results by model, as the hub reads them.

    A result is a data set under a condition (clean, a severity, the mean, an attack);
    its metrics are of each adaptation. Numbers that are not defined are left out.
    """
    results: dict[str, list[dict[str, Any]]] = {}
    for panel in scores.panels:
        for model in panel.models:
            results.setdefault(model, []).extend(_results(panel, model))
    for attacks in scores.attacks:
        for model, result in _attacked(attacks):
            results.setdefault(model, []).append(result)
    if source:
        origin = {"name": f"avplug {__version__}", "url": source}
        for result in (r for found in results.values() for r in found):
            result["source"] = origin
    return [{"name": k, "results": found} for k, found in results.items() if found]


def card(scores: Scores, index: Sequence[dict[str, Any]]) -> str:
    """Return the model card: front matter, verdicts, tables, and how it was made."""
    data = {
        "library_name": "avplug",
        "pipeline_tag": _TASK["type"],
        "tags": ["audio-visual", "robustness", "corruptions", "avplug"],
        "metrics": sorted(
            {
                m["type"]
                for model in index
                for r in model["results"]
                for m in r["metrics"]
            }
        ),
        "model-index": index,
    }
    names = ", ".join(model["name"] for model in index)
    parts = [f"# Robustness of {plain_markdown(names)}"]
    for panel in scores.panels:
        words = verdict_of(scores, panel)
        parts.append(plain_markdown(" ".join((words.headline, *words.details))))
    tables = (p for name in _TABLES for p in available(scores, name))
    parts += [markdown_table(p.table, p.caption) for p in tables]
    parts += [f"> {plain_markdown(note)}" for note in scores.notes]
    if scores.finished < scores.planned:
        parts.append(f"> {scores.finished} of {scores.planned} cells are finished.")
    command = " ".join(str(scores.run.get("command", "")).split())
    parts += ["## How it was made", f"    {command}"] if command else []
    parts.append(
        f"Computed by avplug {__version__} from stored predictions. `scores.json` and"
        " `scores.csv` have every cell with its settings, `report.html` is to be read."
    )
    return front_matter(data) + "\n" + "\n\n".join(parts) + "\n"


def _results(panel: Panel, model: str) -> Iterator[dict[str, Any]]:
    methods = [method for method in panel.methods if method.model == model]
    conditions: dict[str, list[tuple[Method, Point | None]]] = {
        "clean": [(m, panel.at(m, None, 0)) for m in methods],
        **{
            f"severity {s}": [(m, panel.over_corruptions(m, s)) for m in methods]
            for s in panel.severities
        },
        "mean of corruptions and severities": [(m, panel.overall(m)) for m in methods],
    }
    data = panel.cells[0].stored.cell["dataset"]
    for name, pairs in conditions.items():
        metrics = [
            metric
            for method, point in pairs
            if point is not None
            for metric in _metrics(panel.metric, method, point)
        ]
        if metrics:
            yield _result(panel.dataset, data, name, metrics)


def _metrics(
    metric: NamedMetric, method: Method, point: Point
) -> Iterator[dict[str, Any]]:
    rows = [(_TYPES.get(metric.name, metric.name), metric.title, point.value)]
    if metric.keeps_share:
        rows += [
            ("relative_robustness", "relative robustness ρ", point.rho),
            ("absolute_robustness", "absolute robustness α", point.alpha),
        ]
    for kind, title, draws in rows:
        value = float(draws[0])
        if math.isfinite(value):
            yield _metric(kind, f"{title}, {method.adaptation}", value)


def _attacked(panel: AttackPanel) -> Iterator[tuple[str, dict[str, Any]]]:
    metric = panel.metric
    for group in panel.groups.values():
        by_senses: dict[str, list[Any]] = {}
        for cell in group:
            by_senses.setdefault(cell.senses, []).append(cell)
        for cells in by_senses.values():
            one = cells[0]
            found = averaged(cell.value for cell in cells)
            if found is None or not math.isfinite(found.value):
                continue
            kind = _TYPES.get(metric.name, metric.name)
            title = f"{metric.title}, {one.method.adaptation}, {one.reading}"
            where = f"{one.corruption.label}, " if one.corruption else ""
            name = f"{where}attack {one.attack} ({one.knowledge}), {one.budget}"
            yield (
                one.method.model,
                _result(
                    panel.dataset,
                    one.stored.cell["dataset"],
                    name,
                    [_metric(kind, title, found.value)],
                ),
            )


def _result(
    label: str, data: dict[str, Any], condition: str, metrics: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "task": _TASK,
        "dataset": {
            "type": str(data["name"]),
            "name": f"{label}, {condition}",
            "config": condition,
            "split": str(data["split"]),
            "args": {"clips": data["clips"], "fingerprint": str(data["fingerprint"])},
        },
        "metrics": metrics,
    }


def _metric(kind: str, name: str, value: float) -> dict[str, Any]:
    return {"type": kind, "name": name, "value": round(value, 4)}


def _named(runs: Sequence[Path]) -> Iterator[tuple[str, Path]]:
    """Yield runs by the names of their folders, numbered where two have one."""
    taken: set[str] = set()
    for run in runs:
        stem = run.resolve().name or "run"
        name, number = stem, 1
        while name in taken:
            number += 1
            name = f"{stem}-{number}"
        taken.add(name)
        yield name, run


def _copy(run: Path, target: Path) -> None:
    target.mkdir(parents=True)
    for part in _PARTS:
        source = run / part
        if source.is_dir():
            # Cells that are being written have a name with a dot.
            ignored = shutil.ignore_patterns(".*")
            shutil.copytree(source, target / part, ignore=ignored)
        elif source.exists():
            shutil.copyfile(source, target / part)
