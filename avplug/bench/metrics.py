"""The metrics of a run: those asked for or those of its task, and what they say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from avplug.bench.config import RunConfig
from avplug.core.components import MetricSpec
from avplug.core.dataset import Dataset
from avplug.core.errors import UsageError
from avplug.core.metric import Predictions, task_of
from avplug.core.registry import Entry, Registry

_DEFAULT_METRICS = {
    "single-label": ("top1",),
    "multi-label": ("map",),
    "multi-task": ("verb-top1", "noun-top1", "action-top1"),
}


def choose_metrics(
    registry: Registry, config: RunConfig, dataset: Dataset
) -> tuple[Entry, ...]:
    """Return the metrics that a run asks for, or those of the data set's task.

    Raises:
        UnknownNameError: There is none of a name.
        UsageError: One is not defined for the task, or needs embeddings that the run
            does not keep.
    """
    task = task_of(dataset.multi_label, dataset.tasks)
    # Those that nobody asked for by name are avplug's own.
    look = registry.get if config.metrics else registry.recall
    names = config.metrics or _DEFAULT_METRICS[task]
    entries = tuple(look("metric", name) for name in names)
    retrieving = [e for e in registry.entries("metric") if _embeddings_for(e)]
    if config.retrieval and not config.metrics:
        entries += tuple(entry for entry in retrieving if not entry.conflict)
    for entry in entries:
        if entry.spec.task not in ("any", task):  # type: ignore[attr-defined]
            raise UsageError(
                f"Metric '{entry.spec.name}' is not defined for {task} data."
            )
        if entry in retrieving and not config.retrieval:
            raise UsageError(
                f"Metric '{entry.spec.name}' needs the embeddings of both senses.",
                "Keep them with --retrieval.",
            )
        entry.load()
    return entries


def scores(metrics: Sequence[Entry], predictions: Predictions) -> dict[str, float]:
    """Return each metric of stored predictions, in percent."""
    ones = np.ones((1, len(predictions)))
    return {
        entry.spec.name: float(entry.load()().compute(predictions, ones)[0])
        for entry in metrics
    }


def _embeddings_for(metric: Entry) -> bool:
    return isinstance(metric.spec, MetricSpec) and "embeddings" in metric.spec.needs
