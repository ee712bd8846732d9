"""Metrics computed on cells; one that raises leaves its cells without a number."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from avplug.bench.store import StoredCell
from avplug.core.errors import PluginError
from avplug.core.metric import Predictions
from avplug.report.labels import describe
from avplug.report.metrics import NamedMetric
from avplug.report.statistics import Bootstrap, Draws

_log = logging.getLogger("avplug")


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """Draws of each metric on each cell.

    Args:
        draws: By the metric's name and the cell's id; NaN where the metric raised.
        faults: What it raised, by the same.
    """

    draws: dict[tuple[str, str], Draws] = field(default_factory=dict)
    faults: dict[tuple[str, str], str] = field(default_factory=dict)


def measure(
    cells: Sequence[StoredCell], metrics: Sequence[NamedMetric], bootstrap: Bootstrap
) -> Measured:
    """Compute each metric on each cell, whose predictions are read once."""
    found = Measured()
    for cell in cells:
        predictions = cell.predictions()
        for metric in metrics:
            key = metric.name, cell.id
            try:
                found.draws[key] = _draws(metric, predictions, bootstrap)
            except Exception as error:
                # A metric is a plugin: what it raises concerns its own numbers alone.
                _log.debug("%s failed on cell %s.", *key, exc_info=True)
                found.draws[key] = np.full(1 + bootstrap.resamples, np.nan)
                found.faults[key] = f"{type(error).__name__}: {error}"
    return found


def _draws(
    metric: NamedMetric, predictions: Predictions, bootstrap: Bootstrap
) -> Draws:
    draws = bootstrap.draws(metric.metric, predictions)
    if draws.shape != (1 + bootstrap.resamples,):
        raise PluginError("It does not return one number for each row of weights.")
    return draws


def fault_note(
    measured: Measured, metric: NamedMetric, cells: Sequence[StoredCell], dataset: str
) -> str:
    """Say on how many cells a metric raised, and what on the first; "" if on none."""
    broken = [c for c in cells if (metric.name, c.id) in measured.faults]
    if not broken:
        return ""
    first = broken[0]
    return (
        f"{metric.name} failed on {len(broken)} of {len(cells)} cells of {dataset},"
        f" which have no score. The first, {describe(first.cell)}:"
        f" {measured.faults[metric.name, first.id]}"
    )
