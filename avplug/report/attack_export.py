"""Attacked cells, curves and checks as plain data."""

from __future__ import annotations

from typing import Any

from avplug.bench.threats import describe
from avplug.report.attack_checks import checks
from avplug.report.attack_figures import curves
from avplug.report.attacked import AttackedCell, AttackPanel
from avplug.report.statistics import estimate


def attacks_json(panel: AttackPanel) -> dict[str, Any]:
    """Return cells, curves and checks of attacks; undefined is None or NaN."""
    return {
        "dataset": panel.dataset,
        "metric": panel.metric.name,
        "base": panel.base,
        "cells": [_attacked(cell) for cell in panel.cells],
        "curves": [
            {
                "title": title,
                "epsilons": list(names),
                "lines": {
                    senses: {str(step): found.value for step, found in points.items()}
                    for senses, points in lines.items()
                },
            }
            for title, (names, lines) in curves(panel).items()
        ],
        "checks": [check.as_dict() for check in checks(panel)],
    }


def _attacked(cell: AttackedCell) -> dict[str, Any]:
    found = estimate(cell.value)
    success = cell.success()
    return {
        "id": cell.stored.id,
        "model": cell.method.model,
        "adaptation": cell.method.adaptation,
        "attack": cell.attack,
        "knowledge": cell.knowledge,
        "protocol": cell.protocol or None,
        "reading": cell.reading,
        "senses": cell.senses,
        "budget": describe(cell.threat.only(cell.senses)),
        "corruption": cell.corruption.label if cell.corruption else None,
        "severity": int(cell.stored.cell["severity"]),
        "seed": cell.seed,
        "value": {"value": found.value, "low": found.low, "high": found.high},
        "unattacked": None if cell.clean_value is None else float(cell.clean_value[0]),
        "success": success and {"fooled": success[0], "of_right": success[1]},
        "clips": cell.stored.record["clips"]["evaluated"],
        "identity": cell.stored.cell,
        "record": cell.stored.record,
    }
