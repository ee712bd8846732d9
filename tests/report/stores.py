"""Stores with predictions whose accuracy is known, made through the real store."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from avplug.bench.store import Store, cell_id
from avplug.builtin_metrics.accuracy import TopOne
from avplug.builtin_metrics.average_precision import MeanAveragePrecision
from avplug.core.metric import Predictions
from avplug.report.metrics import NamedMetric

TOP1 = NamedMetric("top1", "top-1 accuracy (%)", "single-label", TopOne())
MAP = NamedMetric("map", "mAP (%)", "multi-label", MeanAveragePrecision())


def predictions(hits, *, ids=None, classes=3):
    """Predictions of which those marked are right."""
    hits = np.asarray(hits, bool)
    labels = np.arange(len(hits)) % classes
    said = np.where(hits, labels, (labels + 1) % classes)
    names = [f"clip-{i}" for i in range(len(hits))] if ids is None else ids
    eye = np.eye(classes)
    return Predictions(
        np.asarray(names, np.str_), eye[said].astype(np.float32), eye[labels] > 0
    )


@dataclass
class StoreMaker:
    """Puts cells in a store and keeps its plan."""

    store: Store
    run: dict[str, Any] = field(
        default_factory=lambda: {"metrics": ["top1"], "cells": [], "skipped": []}
    )
    dataset: str = "events"
    multi_label: bool = False

    def identity(
        self,
        corruption=None,
        severity=0,
        *,
        tta="source",
        model="cav-mae",
        seed=0,
        **changes,
    ):
        return {
            "schema": 1,
            "dataset": {
                "name": self.dataset,
                "split": "test",
                "fingerprint": "f00d",
                "clips": 20,
                "classes": 3,
                "multi_label": self.multi_label,
                "options": {},
            },
            "model": model
            if isinstance(model, dict)
            else {"name": model, "variant": "tiny", "weights": "abc"},
            "adaptation": {"name": tta, "options": {}, "predicts": "pre"},
            "corruption": corruption
            and {"name": corruption, "category": "digital", "profile": "paper"},
            "severity": severity,
            "seed": seed,
            "dtype": "float32",
            "at": "model-input",
            "versions": {"avplug": "0.1"},
            **changes,
        }

    def plan(self, identity):
        self.run["cells"].append({"id": cell_id(identity), "cell": identity})
        self.store.write_run(self.run)

    def add(
        self,
        given,
        corruption=None,
        severity=0,
        *,
        failures=(),
        noted=None,
        **changes,
    ):
        identity = self.identity(corruption, severity, **changes)
        return self.put(given, identity, failures, noted)

    def put(self, given, identity, failures=(), noted=None):
        self.plan(identity)
        record = {
            "seconds": {"total": 1.5},
            "clips": {"evaluated": len(given), "failed": len(failures)},
            "failures": [{"id": i, "reason": r} for i, r in failures],
            "diagnostics": {},
            "environment": {"python": "3.11", "device": "cpu"},
            "finished": "2026-01-01T00:00:00+00:00",
            **(noted or {}),
        }
        return self.store.put(identity, given, record)


def right(count, of=20):
    """The first ``count`` clips are right."""
    return predictions(np.arange(of) < count)
