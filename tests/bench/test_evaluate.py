import time

import numpy as np
import pytest
import torch

from avplug.bench.evaluate import NoClipError, evaluate, evaluate_group
from avplug.bench.feed import Feed
from avplug.bench.planning import make_plan
from avplug.builtin_datasets.events.dataset import Events
from avplug.builtin_models.cavmae import CAVMAE
from avplug.core.errors import MediaError
from avplug.core.registry import get_registry
from avplug.core.weights import save_checkpoint
from tests.bench.toys import LABELS, SIZES, config


def other_checkpoint(folder, seed):
    torch.manual_seed(seed)
    path = folder / f"toy-{seed}.safetensors"
    model = CAVMAE(LABELS, **SIZES)
    save_checkpoint(path, model, {"model": "cav-mae", "dataset": "events"})
    return str(path)


@pytest.fixture
def plan(tmp_path):
    weights = tuple(other_checkpoint(tmp_path, seed) for seed in (1, 2, 3))
    models = ("cav-mae:tiny",) * 3
    settings = config(
        tmp_path,
        models=models,
        weights=weights,
        corruptions=("gaussian",),
        severities=(3,),
        batch_size=8,
    )
    return make_plan(settings, get_registry())


def corrupted(plan):
    return [cell for cell in plan.cells if cell.segments[0].steps]


def group_of(plan, cells=None, **options):
    done = []
    cells = corrupted(plan) if cells is None else cells
    return evaluate_group(cells, plan, Feed(plan), done.append, **options), sum(done)


def same(one, other):
    return (
        np.array_equal(one.predictions.ids, other.predictions.ids)
        and np.array_equal(one.predictions.logits, other.predictions.logits)
        and np.array_equal(one.predictions.targets, other.predictions.targets)
    )


def counting(monkeypatch, bad=()):
    loads, load = [], Events.load

    def counted(self, ref, spec):
        loads.append(ref.id)
        if ref.id in bad:
            raise MediaError(f"{ref.id}.mp4 is truncated.")
        return load(self, ref, spec)

    monkeypatch.setattr(Events, "load", counted)
    return loads


def test_a_group_answers_as_its_cells_alone_and_loads_each_clip_once(plan, monkeypatch):
    cells = corrupted(plan)
    alone = {c.id: evaluate(c, plan, Feed(plan), lambda count: None) for c in cells}
    loads = counting(monkeypatch)
    corruptions = []
    corruption = type(cells[0].segments[0].steps[0].component)
    video = corruption.video
    monkeypatch.setattr(
        corruption,
        "video",
        lambda *args: corruptions.append(1) or video(*args),
    )
    together, ticks = group_of(plan)
    assert len(loads) == len(set(loads)) == len(corruptions) == len(plan.clips)
    assert ticks == len(cells) * len(plan.clips)
    assert together.keys() == alone.keys()
    assert len({tuple(o.predictions.logits[0]) for o in together.values()}) == 3
    for name, outcome in together.items():
        assert same(outcome, alone[name])


def test_the_seconds_of_a_group_are_shared_out(plan, monkeypatch):
    # A clock that stands while the process does not run.
    monkeypatch.setattr(time, "perf_counter", time.process_time)
    begin = time.perf_counter()
    together, _ = group_of(plan)
    spent = time.perf_counter() - begin
    assert 0.5 * spent < sum(o.record["seconds"]["total"] for o in together.values())
    for outcome in together.values():
        seconds = outcome.record["seconds"]
        assert outcome.record["sharers"] == 3
        assert 0 < seconds["waiting_for_clips"] < spent / 3
        assert seconds["total"] < spent
        assert seconds["total"] > seconds["waiting_for_clips"] + seconds["adapter"]
    (alone,) = group_of(plan, corrupted(plan)[:1])[0].values()
    assert "sharers" not in alone.record


@pytest.mark.parametrize("when", ["classify", "begin"])
def test_a_model_that_raises_leaves_the_others_alone(plan, monkeypatch, when):
    base, _ = group_of(plan)
    bad = corrupted(plan)[1]

    def broken(*args):
        raise RuntimeError("no memory")

    if when == "classify":
        monkeypatch.setattr(bad.model.model, "classify", broken)
    else:
        from avplug.builtin_tta.source import Source

        begin = Source.begin
        monkeypatch.setattr(
            Source,
            "begin",
            lambda self, stream: (
                broken() if self.model is bad.model.model else begin(self, stream)
            ),
        )
    together, _ = group_of(plan)
    error = together.pop(bad.id)
    assert isinstance(error, RuntimeError)
    assert len(together) == 2
    assert all(same(outcome, base[name]) for name, outcome in together.items())


def test_a_model_that_writes_to_its_input_spoils_no_other(plan, monkeypatch):
    base, _ = group_of(plan)
    first, *others = corrupted(plan)
    classify = first.model.model.classify

    def rude(batch):
        logits = classify(batch)
        batch.frames.zero_()
        return logits

    monkeypatch.setattr(first.model.model, "classify", rude)
    together, _ = group_of(plan)
    assert all(same(together[cell.id], base[cell.id]) for cell in others)


@pytest.mark.parametrize("bad", [(), (1, 9, 10)])
def test_parts_give_the_predictions_of_the_whole(plan, monkeypatch, bad):
    counting(monkeypatch, {plan.clips[i].id for i in bad})
    whole, _ = group_of(plan)
    parts = [
        group_of(plan, clips=plan.clips[begin : begin + 8])[0] for begin in (0, 8, 16)
    ]
    for name, outcome in whole.items():
        pieces = [part[name].predictions for part in parts]
        logits = np.concatenate([piece.logits for piece in pieces])
        ids = np.concatenate([piece.ids for piece in pieces])
        assert np.array_equal(logits, outcome.predictions.logits)
        assert np.array_equal(ids, outcome.predictions.ids)


def test_without_one_clip_the_whole_raises_and_a_part_is_empty(plan, monkeypatch):
    counting(monkeypatch, {ref.id for ref in plan.clips})
    whole, _ = group_of(plan)
    assert all(isinstance(error, NoClipError) for error in whole.values())
    part, _ = group_of(plan, clips=plan.clips[:8])
    for outcome in part.values():
        assert outcome.predictions.logits.shape == (0, len(LABELS))
        assert outcome.record["clips"] == {"evaluated": 0, "failed": 8}
