"""The spread of a panel over seeds, which a bootstrap over clips knows nothing of.

A seed draws the noise of the corruptions and the order of a stream. The interval is
Student's: mean +- t(0.975, n - 1) s / sqrt(n), of the n means over the corruptions.
With two or three seeds it is wide, as it should be.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy import stats

from avplug.report.panel import Method, Panel, mean
from avplug.report.statistics import LEVEL, Estimate
from avplug.report.table import Column, Number, Table, Value, plain


def seeds(panel: Panel) -> Table | None:
    """Return mean, deviation and interval over seeds; None of one seed.

    At the highest severity, and of the mean of all severities.
    """
    top = max(panel.severities, default=0)
    if not top or len(panel.seeds) < 2:
        return None
    rows: list[tuple[Value, ...]] = []
    for method in panel.methods:
        values = _by_seed(panel, method, (top,)), _by_seed(panel, method)
        counts = [len(found) for found in values]
        if max(counts) > 1:
            numbers = [number for found in values for number in _numbers(panel, found)]
            rows.append((panel.name(method), max(counts), *numbers))
    if not rows:
        return None
    return Table(
        "seeds",
        f"Spread over seeds, {panel.metric.title} on {panel.dataset}",
        (
            Column("method", "method", False),
            Column("seeds", "seeds"),
            Column("top", f"s{top}"),
            Column("top_std", "std"),
            Column("top_worst", "worst"),
            Column("mean", "mean"),
            Column("mean_std", "std"),
            Column("mean_worst", "worst"),
        ),
        tuple(rows),
        f"s{top}: of the means over the corruptions, one for each seed; mean: of the"
        " severities. Seeds draw noise and the order of a stream; one"
        " that lacks cells which others have is left out. std: of a sample,"
        f" n − 1. Intervals in this table: {100 * LEVEL:.0f} %, Student's t over the"
        " seeds, not over clips; they say nothing on other clips.",
    )


def over_seeds(values: Sequence[float], level: float = LEVEL) -> Estimate:
    """Return the mean with Student's interval; NaN ends of fewer than two values."""
    average = float(np.mean(values)) if len(values) else math.nan
    if len(values) < 2:
        return Estimate(average, math.nan, math.nan)
    error = float(np.std(values, ddof=1)) / math.sqrt(len(values))
    reach = float(stats.t.ppf((1 + level) / 2, len(values) - 1)) * error
    return Estimate(average, average - reach, average + reach)


def _numbers(panel: Panel, values: Sequence[float]) -> tuple[Value, ...]:
    if not values:
        return None, None, None
    digits = panel.metric.digits
    worst = min(values) if panel.metric.metric.higher_is_better else max(values)
    spread = float(np.std(values, ddof=1)) if len(values) > 1 else math.nan
    return (
        Number(over_seeds(values), digits),
        plain(spread, digits + 1),
        plain(worst, digits),
    )


def _by_seed(
    panel: Panel, method: Method, severities: Sequence[int] = ()
) -> list[float]:
    """Return the metric of each seed: mean over corruptions, then over severities."""
    mine = [cell for cell in panel.cells if cell.method == method]
    wanted = severities or panel.severities
    points = {
        seed: {(c.corruption, c.severity): c.point for c in mine if c.seed == seed}
        for seed in panel.seeds
    }
    sizes = {
        seed: sum(severity in wanted for _, severity in there)
        for seed, there in points.items()
    }
    found = []
    for seed, there in points.items():
        point = mean(
            mean(there.get((condition, severity)) for condition in panel.corruptions)
            for severity in wanted
        )
        whole = sizes[seed] == max(sizes.values())
        if whole and point is not None and math.isfinite(point.value[0]):
            found.append(float(point.value[0]))
    return found
