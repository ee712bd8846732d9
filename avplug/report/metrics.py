"""The metrics that a report shows, looked up by name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from avplug.core.components import MetricSpec
from avplug.core.errors import PluginError
from avplug.core.metric import Metric
from avplug.core.registry import Entry, Registry


@dataclass(frozen=True, slots=True)
class NamedMetric:
    """A metric with what its descriptor says of it.

    Args:
        name: As users type it.
        title: As tables print it, with the unit.
        task: ``"single-label"``, ``"multi-label"``, ``"multi-task"`` or ``"any"``.
        metric: Computes it.
        unit: ``"%"``, another, or "" for none.
    """

    name: str
    title: str
    task: str
    metric: Metric
    unit: str = "%"

    @property
    def noun(self) -> str:
        """The title without its unit, for sentences."""
        return self.title.removesuffix(f" ({self.unit})")

    @property
    def head(self) -> str:
        """The name with its unit, for rows and columns."""
        return f"{self.name} {self.unit}".rstrip()

    @property
    def digits(self) -> int:
        """How many tables print after the point."""
        return 1 if self.unit == "%" else 3

    @property
    def better(self) -> int:
        """1 if more of it is better, -1 if less is."""
        return 1 if self.metric.higher_is_better else -1

    @property
    def keeps_share(self) -> bool:
        """Whether alpha and rho mean something: shares of what more is better of."""
        return self.unit == "%" and self.metric.higher_is_better

    def suits(self, task: str) -> bool:
        """Whether it is defined for data of this kind."""
        return self.task in ("any", task)


def find_metrics(registry: Registry, names: Iterable[str]) -> tuple[NamedMetric, ...]:
    """Look metrics of stored predictions up, each once.

    A bare name that avplug and a plugin claim is avplug's, as when the run stored it.

    Raises:
        UnknownNameError: There is no such metric.
        AmbiguousNameError: Several plugins provide it, and avplug does not.
        PluginError: One cannot be imported, or raises when it is made.
    """
    found = []
    for entry in dict.fromkeys(registry.recall("metric", name) for name in names):
        spec = entry.spec
        title, task, unit = "", "any", "%"
        if isinstance(spec, MetricSpec):
            title, task, unit = spec.title, spec.task, spec.unit
        made = _made(entry)
        found.append(NamedMetric(spec.name, title or spec.name, task, made, unit))
    return tuple(found)


def _made(entry: Entry) -> Metric:
    kind = entry.load()
    try:
        metric: Metric = kind()
    except Exception as error:
        raise PluginError(
            f"Metric '{entry.qualified}' of {entry.provider} cannot be made: "
            f"{type(error).__name__}: {error}"
        ) from error
    return metric
