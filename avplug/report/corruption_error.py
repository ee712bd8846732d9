"""Mean corruption error (Hendrycks and Dietterich, arXiv 1903.12261, section 4).

With E = 100 - A, of a method f and a baseline b::

    CE_c  = sum over severities of E_f / sum over severities of E_b
    mCE   = mean over corruptions of CE_c, in percent
    relative CE_c = sum of (E_f - E_f,clean) / sum of (E_b - E_b,clean)

The paper's baseline is AlexNet, which has no like here: it is a method of the run, and
it is named. Cells that either method lacks are left out of both.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from avplug.report.panel import Method, Panel
from avplug.report.statistics import Draws, estimate
from avplug.report.table import Column, Number, Table, Value


@dataclass(frozen=True, slots=True, eq=False)
class CorruptionError:
    """Errors of a method, each as draws that are paired by clip.

    Args:
        plain: Mean of E over corruptions, then severities.
        mean: mCE in percent.
        relative: Relative mCE in percent.
        corruptions: How many.
    """

    plain: Draws
    mean: Draws
    relative: Draws
    corruptions: int


def baseline_of(panel: Panel) -> Method:
    """Return the first source method of a panel, else its first method."""
    return next((m for m in panel.methods if m.source), panel.methods[0])


def corruption_error(
    panel: Panel, method: Method, baseline: Method
) -> CorruptionError | None:
    """Return a method's errors; None without a corruption that both have.

    A ratio is NaN where the baseline makes no error, or loses nothing.
    """
    clean = [panel.at(m, None, 0) for m in (method, baseline)]
    plain, ratios, relative = [], [], []
    for condition in panel.corruptions:
        pairs = [
            (mine.value, other.value)
            for severity in panel.severities
            if (mine := panel.at(method, condition, severity))
            and (other := panel.at(baseline, condition, severity))
        ]
        if not pairs:
            continue
        errors, references = (
            np.sum([100 - pair[side] for pair in pairs], axis=0) for side in (0, 1)
        )
        plain.append(errors / len(pairs))
        ratios.append(_ratio(errors, references))
        lost = [
            sums - len(pairs) * (100 - point.value)
            if point
            else np.full_like(sums, np.nan)
            for sums, point in zip((errors, references), clean, strict=True)
        ]
        relative.append(_ratio(*lost))
    if not plain:
        return None
    return CorruptionError(
        np.mean(plain, axis=0),
        100 * np.mean(ratios, axis=0),
        100 * np.mean(relative, axis=0),
        len(plain),
    )


def corruption_error_table(panel: Panel) -> Table | None:
    """Return the errors of every method; None if nothing is corrupted, or no error is.

    Only a percentage of which more is better has an error: what is left to 100.
    """
    if not panel.metric.keeps_share:
        return None
    baseline = baseline_of(panel)
    rows: list[tuple[Value, ...]] = []
    for method in panel.methods:
        found = corruption_error(panel, method, baseline)
        if found:
            draws = (found.plain, found.mean, found.relative)
            numbers = (Number(estimate(d)) for d in draws)
            rows.append((method.model, method.adaptation, *numbers, found.corruptions))
    if not rows:
        return None
    return Table(
        "corruption_error",
        f"Corruption error on {panel.dataset}, {panel.metric.noun}",
        (
            Column("model", "model", False),
            Column("adaptation", "adaptation", False),
            Column("error", "mean error"),
            Column("mce", "mCE %"),
            Column("relative_mce", "relative mCE %"),
            Column("corruptions", "corruptions"),
        ),
        tuple(rows),
        "Mean error: 100 − A, mean of severities, then corruptions. mCE: errors summed"
        " over severities, divided by those of"
        f" {baseline.model} {baseline.adaptation} under the same corruption, mean of"
        " corruptions; relative: of the errors added to the clean ones.",
    )


def _ratio(value: Draws, reference: Draws) -> Draws:
    result = np.full_like(value, np.nan)
    np.divide(value, reference, out=result, where=reference != 0)
    return result
