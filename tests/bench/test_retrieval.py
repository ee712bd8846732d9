"""``--retrieval``: which vectors a cell keeps, whatever it goes through."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from avplug.bench.evaluate import evaluate, evaluate_group
from avplug.bench.feed import Feed
from avplug.bench.planning import make_plan
from avplug.bench.shards import merge
from avplug.bench.store import Store
from avplug.core.errors import UsageError
from avplug.core.registry import get_registry
from avplug.report.write import read_scores
from tests.bench.toys import config


@pytest.fixture
def settings(tmp_path):
    def make(**changes):
        few = {"corruptions": ("gaussian",), "severities": (5,), "batch_size": 8}
        return config(tmp_path, **{**few, "retrieval": True, **changes})

    return make


def evaluated(plan, cell):
    return evaluate(cell, plan, Feed(plan), lambda count: None)


def test_a_cell_keeps_what_its_model_says_of_its_clips(settings, tmp_path):
    plan = make_plan(settings(), get_registry())
    cell = plan.cells[-1]
    outcome = evaluated(plan, cell)
    model, feed = cell.model.model, Feed(plan)
    expected = {}
    for group in feed.stream(cell):
        with torch.no_grad():
            vectors = model.embed(model.encode(group.batch))
        for (_, ref), *pair in zip(
            group.items, vectors.audio, vectors.video, strict=True
        ):
            expected[ref.id] = pair
    kept = outcome.predictions.embeddings
    for row, clip in enumerate(outcome.predictions.ids):
        audio, video = expected[str(clip)]
        np.testing.assert_allclose(kept.audio[row], audio, atol=1e-5)
        np.testing.assert_allclose(kept.video[row], video, atol=1e-5)
    stored = Store(tmp_path / "run").put(
        cell.identity, outcome.predictions, outcome.record
    )
    again = stored.predictions().embeddings
    np.testing.assert_array_equal(again.audio, kept.audio)
    np.testing.assert_array_equal(again.video, kept.video)


def test_the_predictions_are_those_of_a_run_without(settings):
    registry = get_registry()
    plans = [make_plan(settings(retrieval=k), registry) for k in (True, False)]
    with_them, without = (evaluated(plan, plan.cells[-1]) for plan in plans)
    assert without.predictions.embeddings is None
    np.testing.assert_array_equal(
        with_them.predictions.logits, without.predictions.logits
    )
    assert plans[0].cells[-1].identity["probes"] == {"retrieval": 1}
    assert "probes" not in plans[1].cells[-1].identity


def test_shards_together_keep_what_the_whole_keeps(settings):
    plan = make_plan(settings(), get_registry())
    cell = plan.cells[-1]
    whole = evaluated(plan, cell)
    half = len(plan.clips) // 2
    parts = [
        evaluate_group([cell], plan, Feed(plan), lambda count: None, clips=clips)
        for clips in (plan.clips[:half], plan.clips[half:])
    ]
    merged = merge([part[cell.id] for part in parts], 8).predictions
    np.testing.assert_allclose(
        merged.embeddings.audio, whole.predictions.embeddings.audio, atol=1e-5
    )
    assert merged.embeddings.video.shape == whole.predictions.embeddings.video.shape


def test_the_metrics_of_retrieval_are_shown_by_default(settings, tmp_path):
    plan = make_plan(settings(), get_registry())
    names = [entry.spec.name for entry in plan.metrics]
    assert names[0] == "top1"
    assert names[1:] == [f"{way}-r{k}" for way in ("a2v", "v2a") for k in (1, 5, 10)]
    store = Store(tmp_path / "run")
    rows = []
    for cell in plan.cells:
        outcome = evaluated(plan, cell)
        store.put(cell.identity, outcome.predictions, outcome.record)
        rows.append({"id": cell.id, "cell": dict(cell.identity)})
    store.write_run({"metrics": names, "cells": rows})
    scores = read_scores(tmp_path / "run", resamples=0)
    shown = {
        panel.metric.name: panel.cells[0].point.value[0] for panel in scores.panels
    }
    assert set(shown) == set(names)
    assert shown["a2v-r1"] <= shown["a2v-r5"] <= shown["a2v-r10"] <= 100


def test_a_metric_of_retrieval_needs_it(settings):
    with pytest.raises(UsageError, match="Keep them with --retrieval"):
        make_plan(settings(retrieval=False, metrics=("v2a-r5",)), get_registry())


def test_a_model_without_embeddings_is_named(settings):
    options = {"cav-mae": {"mode": "audioonly"}}
    plan = make_plan(settings(options=options), get_registry())
    (skip,) = [s for s in plan.skips if "retrieval" in s.what]
    assert skip.reason == "it has no embeddings"
    assert all("probes" not in cell.identity for cell in plan.cells)
