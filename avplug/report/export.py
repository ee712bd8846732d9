"""Scores as data: one CSV row per cell, and JSON with averages and protocol."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from avplug.report.attack_export import attacks_json
from avplug.report.panel import Method, Panel, Point
from avplug.report.scores import Scores
from avplug.report.statistics import LEVEL, Estimate
from avplug.report.table import Table, text

SCHEMA = 1

_QUANTITIES = ("value", "alpha", "rho")
_ENDS = ("", "_low", "_high")


def scores_csv(scores: Scores) -> str:
    """Return a row for each cell and metric; undefined numbers are empty."""
    output = io.StringIO()
    writer = csv.writer(output, lineterminator="\n")
    numbers = [f"{name}{end}" for name in _QUANTITIES for end in _ENDS]
    keys = ("dataset", "metric", "model", "adaptation", "corruption", "category")
    writer.writerow(
        [*keys, "severity", "seed", *numbers, "clips", "failed", "seconds", "cell"]
    )
    for panel in scores.panels:
        for cell in panel.cells:
            condition = cell.corruption
            writer.writerow(
                [
                    panel.dataset,
                    panel.metric.name,
                    cell.method.model,
                    cell.method.adaptation,
                    condition.label if condition else "clean",
                    condition.category if condition else "",
                    cell.severity,
                    cell.seed,
                    *_flat(cell.point),
                    cell.clips,
                    cell.failed,
                    cell.stored.record["seconds"]["total"],
                    cell.stored.id,
                ]
            )
    return output.getvalue()


def scores_json(scores: Scores) -> dict[str, Any]:
    """Return panels with their cells and averages as plain data; undefined is None."""
    return {
        "schema": SCHEMA,
        "interval": {
            "method": "percentile bootstrap over clips",
            "level": LEVEL,
            "resamples": scores.resamples,
        },
        "cells": {"planned": scores.planned, "finished": scores.finished},
        "notes": list(scores.notes),
        "panels": [_panel(panel) for panel in scores.panels],
        "attacks": [attacks_json(panel) for panel in scores.attacks],
        "paper_tables": [table_json(table) for table in scores.papers],
        "published": [
            {
                "paper": each.source.name,
                "dataset": each.dataset,
                "numbers": table_json(each.numbers),
                "protocol": table_json(each.protocol),
            }
            for each in scores.published
        ],
        "skipped": list(scores.run.get("skipped", [])),
        "failed": dict(scores.run.get("failed", {})),
        "config": scores.run.get("config"),
    }


def dump(data: Any) -> str:
    """Return JSON text in which null stands for what is not finite, as JSON has it."""
    return json.dumps(_finite(data), indent=1, ensure_ascii=False) + "\n"


def _finite(data: Any) -> Any:
    if isinstance(data, Mapping):
        return {key: _finite(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_finite(value) for value in data]
    return None if isinstance(data, float) and not math.isfinite(data) else data


def table_json(table: Table) -> dict[str, Any]:
    """Return a table as plain data, its numbers as they are printed."""
    keys = [column.key for column in table.columns]
    rows = [dict(zip(keys, map(text, row), strict=True)) for row in table.rows]
    return {"name": table.name, "title": table.title, "rows": rows, "note": table.note}


def _panel(panel: Panel) -> dict[str, Any]:
    return {
        "dataset": panel.dataset,
        "metric": panel.metric.name,
        "title": panel.metric.title,
        "severities": list(panel.severities),
        "seeds": list(panel.seeds),
        "methods": [_method(panel, method) for method in panel.methods],
        "cells": [
            {
                "id": cell.stored.id,
                "model": cell.method.model,
                "adaptation": cell.method.adaptation,
                "corruption": cell.corruption.label if cell.corruption else None,
                "category": cell.corruption.category if cell.corruption else None,
                "severity": cell.severity,
                "seed": cell.seed,
                **_nested(cell.point),
                "clips": cell.clips,
                "failed": cell.failed,
                "identity": cell.stored.cell,
                "record": cell.stored.record,
            }
            for cell in panel.cells
        ],
    }


def _method(panel: Panel, method: Method) -> dict[str, Any]:
    by_severity = {
        str(s): _nested(panel.over_corruptions(method, s))
        for s in (0, *panel.severities)
    }
    by_corruption = {
        c.label: _nested(panel.over_severities(method, c)) for c in panel.corruptions
    }
    return {
        "model": method.model,
        "adaptation": method.adaptation,
        "source": method.source,
        "mean": _nested(panel.overall(method)),
        "by_severity": by_severity,
        "by_corruption": by_corruption,
    }


def _nested(point: Point | None) -> dict[str, Any]:
    if point is None:
        return dict.fromkeys(_QUANTITIES)
    values = _flat(point)
    return {
        name: dict(
            zip(("value", "low", "high"), values[3 * i : 3 * i + 3], strict=True)
        )
        for i, name in enumerate(_QUANTITIES)
    }


def _flat(point: Point) -> list[float | None]:
    estimates = point.estimate("value"), point.estimate("alpha"), point.estimate("rho")
    return [number for estimate in estimates for number in _numbers(estimate)]


def _numbers(estimate: Estimate) -> Iterator[float | None]:
    for number in (estimate.value, estimate.low, estimate.high):
        yield number if math.isfinite(number) else None
