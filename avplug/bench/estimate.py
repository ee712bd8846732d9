"""How long a plan will take: each method timed on one batch, then multiplied."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from avplug.bench.evaluate import evaluate
from avplug.bench.feed import Feed
from avplug.bench.plan import Cell, Plan
from avplug.bench.runner import default_folder
from avplug.bench.store import Store


def describe_plan(plan: Plan, *, estimate: bool = True) -> dict[str, Any]:
    """Return cells, skips and time of a plan as plain data.

    Args:
        plan: What would be run.
        estimate: Time one batch of each model and method, else ``seconds`` is None.
    """
    config = plan.config
    folder = Path(config.out) if config.out else default_folder(config)
    store = Store(folder)
    todo = [cell for cell in plan.cells if store.get(cell.id) is None]
    groups: dict[tuple[str, str, str], list[Cell]] = defaultdict(list)
    for cell in plan.cells:
        several = len(cell.segments) > 1
        condition = cell.protocol.name if several else cell.segments[0].name
        model = cell.model.entry.spec.name
        attack = f" + {cell.attack.method.spec.name}" if cell.attack else ""
        groups[model, f"{cell.method.spec.name}{attack}", condition].append(cell)
    seconds, untimed = _seconds(plan, todo) if estimate else (None, [])
    return {
        "folder": str(folder),
        "clips": len(plan.clips),
        "missing": len(plan.dataset.missing),
        "cells": len(plan.cells),
        "finished": len(plan.cells) - len(todo),
        "groups": [
            {
                "model": model,
                "tta": method,
                "condition": condition,
                "severities": sorted(
                    {c.severity for cell in cells for c in cell.segments}
                ),
                "seeds": sorted({cell.seed for cell in cells}),
                "cells": len(cells),
            }
            for (model, method, condition), cells in groups.items()
        ],
        "skipped": [asdict(skip) for skip in plan.skips],
        "device": config.device,
        "seconds": seconds,
        "untimed": untimed,
    }


def _seconds(plan: Plan, todo: list[Cell]) -> tuple[float, list[str]]:
    """Return the time of the cells, and what was raised by those without one."""
    sample = replace(plan, clips=plan.clips[: plan.config.batch_size])
    timed: dict[tuple[int, str, int, int], float] = {}
    problems = []
    total = 0.0
    for cell in todo:
        method, segments = cell.method.spec.name, len(cell.segments)
        key = (id(cell.model), method, segments, id(cell.attack))
        if key not in timed:
            try:
                timed[key] = _seconds_of_clip(cell, sample)
            except Exception as error:
                # The run would note it as this cell's failure; a plan tells it before.
                problems.append(f"{method} on {cell.segments[0].name}: {error}")
                timed[key] = 0.0
        total += timed[key] * plan.visits(cell)
    return total, problems


def _seconds_of_clip(cell: Cell, sample: Plan) -> float:
    feed, took = Feed(sample), 0.0
    # The first pass decodes and warms up; the second is what cells will cost.
    for _ in range(2):
        begin = time.perf_counter()
        evaluate(cell, sample, feed, lambda count: None)
        took = time.perf_counter() - begin
    return took / sample.visits(cell)
