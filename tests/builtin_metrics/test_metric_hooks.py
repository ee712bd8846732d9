"""The built-in metrics as descriptors."""

from __future__ import annotations

from importlib import import_module

from avplug.builtin_metrics.hooks import avplug_metrics
from avplug.core.metric import Metric


def test_every_target_is_a_metric():
    for spec in avplug_metrics():
        module, name = spec.target.split(":")
        kind = getattr(import_module(module), name)
        assert issubclass(kind, Metric)
        assert not kind.__abstractmethods__
        assert spec.summary
        if spec.unit == "%":
            assert spec.title.endswith("(%)")


def test_names_and_tasks():
    by_task = {}
    for spec in avplug_metrics():
        by_task.setdefault(spec.task, []).append(spec.name)
    assert by_task == {
        "single-label": ["top1", "top5", "class-mean", "top1-by-batch", "ece", "nll"],
        "multi-label": ["map", "auc", "dprime"],
        "multi-task": [
            *("verb-top1", "noun-top1", "action-top1"),
            *("verb-top5", "noun-top5", "action-top5"),
        ],
        "any": ["a2v-r1", "a2v-r5", "a2v-r10", "v2a-r1", "v2a-r5", "v2a-r10"],
    }


def test_what_is_no_percentage_says_so():
    units = {s.name: s.unit for s in avplug_metrics() if s.unit != "%"}
    assert units == {"nll": "nats", "dprime": ""}
