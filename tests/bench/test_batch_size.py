from dataclasses import replace

import numpy as np
import pytest
import torch

from avplug.bench import evaluate as evaluating
from avplug.bench.batch_size import automatic, paying
from avplug.bench.evaluate import evaluate, evaluate_group
from avplug.bench.feed import Feed
from avplug.bench.planning import make_plan
from avplug.core.registry import get_registry
from tests.bench.toys import config


@pytest.fixture
def plan(tmp_path):
    settings = config(
        tmp_path,
        corruptions=("gaussian",),
        severities=(3,),
        batch_size=4,
        tta=("source", "tent"),
        auto_batch_size=True,
    )
    return make_plan(settings, get_registry())


def cell_of(plan, method):
    (cell,) = (
        c for c in plan.cells if c.segments[0].steps and c.method.spec.name == method
    )
    return cell


def on_a_gpu(monkeypatch, size):
    """Let what is decided on CUDA alone be decided here."""
    monkeypatch.setattr(evaluating, "automatic", lambda plan, cells: True)
    monkeypatch.setattr(evaluating, "largest_paying", lambda plan, cells: size)


def test_a_size_doubles_while_that_brings_more_clips_a_second():
    assert paying(4, 1000, lambda size: 1.0 + size / 64) == 512
    assert paying(4, 1000, lambda size: float(size)) == 4
    assert paying(4, 1000, lambda size: max(1.0, size / 32)) == 32
    assert paying(4, 20, lambda size: 1.0) == 16
    assert paying(16, 10, lambda size: 1.0) == 16


def test_a_size_stays_within_the_memory():
    def seconds(size):
        if size > 16:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return 1.0

    assert paying(4, 1000, seconds) == 16
    assert paying(32, 1000, seconds) == 32


def test_what_adapts_and_what_runs_on_a_cpu_keeps_its_batch_size(plan, monkeypatch):
    source, tent = cell_of(plan, "source"), cell_of(plan, "tent")
    assert not automatic(plan, [source])

    class OnCuda:
        device = torch.device("cuda")

    monkeypatch.setattr(
        type(source.model.model), "parameters", lambda self: iter([OnCuda])
    )
    assert automatic(plan, [source])
    assert not automatic(plan, [tent])
    assert not automatic(plan, [source, tent])
    off = replace(plan, config=replace(plan.config, auto_batch_size=False))
    assert not automatic(off, [source])


def test_a_batch_that_does_not_fit_is_answered_in_halves(plan, monkeypatch):
    cell = cell_of(plan, "source")
    base = evaluate(cell, plan, Feed(plan), lambda count: None)
    assert "batch" not in base.record
    on_a_gpu(monkeypatch, 16)
    model, seen = cell.model.model, []
    classify = model.classify

    def small(batch):
        seen.append(len(batch))
        if len(batch) > 5:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return classify(batch)

    monkeypatch.setattr(model, "classify", small)
    found = evaluate(cell, plan, Feed(plan), lambda count: None)
    assert seen == [16, 8, 4, 4, 4, 4, 4, 4]
    assert found.record["batch"] == {"size": 4, "halved": 2}
    assert np.array_equal(found.predictions.ids, base.predictions.ids)
    np.testing.assert_allclose(
        found.predictions.logits, base.predictions.logits, atol=1e-5
    )


@pytest.mark.parametrize("free", [True, False])
def test_without_room_for_one_clip_or_a_free_size_a_cell_fails(plan, monkeypatch, free):
    cell = cell_of(plan, "source")
    if free:
        on_a_gpu(monkeypatch, 8)

    def full(batch):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(cell.model.model, "classify", full)
    outcome = evaluate_group([cell], plan, Feed(plan), lambda count: None)[cell.id]
    assert isinstance(outcome, torch.OutOfMemoryError)
