"""What tables and figures are drawn from: one metric on one data set."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from avplug.bench.store import StoredCell
from avplug.report.metrics import NamedMetric
from avplug.report.statistics import Draws, Estimate, estimate

Quantity = Literal["value", "alpha", "rho"]


@dataclass(frozen=True, slots=True, eq=False)
class Point:
    """A cell or a mean of cells: draws of the metric (percent), alpha and rho."""

    value: Draws
    alpha: Draws
    rho: Draws

    def estimate(self, quantity: Quantity = "value") -> Estimate:
        """Return the number with its confidence interval."""
        draws: Draws = getattr(self, quantity)
        return estimate(draws)

    def gain_over(self, other: Point) -> Estimate:
        """Return the difference of the metric, paired by clip, in points."""
        return estimate(self.value - other.value)


def mean(points: Iterable[Point | None]) -> Point | None:
    """Average with equal weights what is there; NaN where a point is undefined."""
    there = [point for point in points if point is not None]
    if not there:
        return None
    return Point(
        np.mean([point.value for point in there], axis=0),
        np.mean([point.alpha for point in there], axis=0),
        np.mean([point.rho for point in there], axis=0),
    )


@dataclass(frozen=True, slots=True)
class Method:
    """A row of the report: a model under a treatment; ``source`` is no treatment."""

    model: str
    adaptation: str
    source: bool = False


@dataclass(frozen=True, slots=True)
class Condition:
    """A corruption as the report names it, with its category."""

    label: str
    category: str


@dataclass(frozen=True, slots=True, eq=False)
class ScoredCell:
    """A finished cell with its score; ``corruption`` is None for clean clips."""

    stored: StoredCell
    method: Method
    corruption: Condition | None
    severity: int
    seed: int
    point: Point

    @property
    def clips(self) -> int:
        """Clips that were evaluated: the denominator."""
        return int(self.stored.record["clips"]["evaluated"])

    @property
    def failed(self) -> int:
        """Clips that could not be read or evaluated; in no denominator."""
        return int(self.stored.record["clips"]["failed"])


@dataclass(frozen=True, eq=False)
class Panel:
    """One metric on one data set, with averages that are paired by clip.

    Args:
        dataset: Its label.
        metric: The metric.
        methods: Rows, in the order of the plan.
        corruptions: In the order of the plan.
        severities: Those above 0, ascending.
        cells: Finished cells.
    """

    dataset: str
    metric: NamedMetric
    methods: tuple[Method, ...]
    corruptions: tuple[Condition, ...]
    severities: tuple[int, ...]
    cells: tuple[ScoredCell, ...]

    @cached_property
    def _grid(self) -> dict[tuple[Method, Condition | None, int], Point | None]:
        groups = defaultdict(list)
        for cell in self.cells:
            groups[cell.method, cell.corruption, cell.severity].append(cell.point)
        return {key: mean(points) for key, points in groups.items()}

    def at(
        self, method: Method, corruption: Condition | None, severity: int
    ) -> Point | None:
        """Return the mean over seeds at one corruption and severity."""
        return self._grid.get((method, corruption, severity))

    def over_corruptions(self, method: Method, severity: int) -> Point | None:
        """Return the mean over the corruptions at one severity; 0 is clean."""
        if severity == 0:
            return self.at(method, None, 0)
        return mean(self.at(method, c, severity) for c in self.corruptions)

    def over_severities(self, method: Method, corruption: Condition) -> Point | None:
        """Return the mean over the severities of one corruption."""
        return mean(self.at(method, corruption, s) for s in self.severities)

    def overall(self, method: Method) -> Point | None:
        """Return the mean over the severities of the means over the corruptions."""
        return mean(self.over_corruptions(method, s) for s in self.severities)

    def source_of(self, method: Method) -> Method | None:
        """Return the untreated method of the same model."""
        same = (m for m in self.methods if m.model == method.model and m.source)
        return next(same, None)

    @property
    def models(self) -> tuple[str, ...]:
        """Labels of the models."""
        return tuple(dict.fromkeys(method.model for method in self.methods))

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds, ascending."""
        return tuple(sorted({cell.seed for cell in self.cells}))

    def name(self, method: Method) -> str:
        """Return the method's name, without the model where there is only one."""
        if len(self.models) == 1:
            return method.adaptation
        return f"{method.model} · {method.adaptation}"

    def unfinished(self, methods: Sequence[Method]) -> list[str]:
        """Say which means lack corruptions, such as ``"tent, severity 5: 3 of 4"``."""
        lines = []
        for method in methods:
            for severity in self.severities:
                there = [c for c in self.corruptions if self.at(method, c, severity)]
                if 0 < len(there) < len(self.corruptions):
                    lines.append(
                        f"{self.name(method)}, severity {severity}: {len(there)} of"
                        f" {len(self.corruptions)} corruptions"
                    )
        return lines
