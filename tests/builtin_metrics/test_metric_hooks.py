"""The built-in metrics as descriptors."""

from __future__ import annotations

from importlib import import_module

from avplug.builtin_metrics.hooks import avplug_metrics
from avplug.core.metric import Metric


def test_every_target_is_a_metric():
    for spec in avplug_metrics():
        module, name = spec.target.split(":")
        assert issubclass(getattr(import_module(module), name), Metric)
        assert spec.summary
        assert spec.title.endswith("(%)")


def test_names_and_tasks():
    assert {spec.name: spec.task for spec in avplug_metrics()} == {
        "top1": "single-label",
        "map": "multi-label",
    }
