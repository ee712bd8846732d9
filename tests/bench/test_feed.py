import threading

import numpy as np
import pytest
import torch

from avplug.bench import feed as feeding
from avplug.bench.clip_cache import ClipMemory
from avplug.bench.evaluate import evaluate
from avplug.bench.feed import Feed
from avplug.bench.planning import make_plan
from avplug.bench.transfer import Sender, Sent
from avplug.builtin_datasets.events.dataset import Events
from avplug.core.batch import collate
from avplug.core.clip import ClipRef
from avplug.core.registry import get_registry
from tests.bench.toys import config
from tests.waiting import LONG, until


def plan_of(tmp_path, **changes):
    settings = config(
        tmp_path,
        **{
            "corruptions": ("gaussian",),
            "severities": (3,),
            "batch_size": 8,
            **changes,
        },
    )
    return make_plan(settings, get_registry())


def counted(monkeypatch):
    loads, load = [], Events.load
    monkeypatch.setattr(
        Events,
        "load",
        lambda self, ref, spec: loads.append(ref.id) or load(self, ref, spec),
    )
    return loads


def test_with_a_clip_cache_no_run_decodes_a_clip_twice(tmp_path, monkeypatch):
    loads = counted(monkeypatch)
    folder = str(tmp_path / "clips")
    found = []
    for cache in (None, folder, folder):
        plan = plan_of(tmp_path, clip_cache=cache)
        feed = Feed(plan)
        found.append([evaluate(c, plan, feed, lambda n: None) for c in plan.cells])
    assert len(loads) == 2 * len(plan.clips)
    for cells in zip(*found, strict=True):
        for other in cells[1:]:
            logits = other.predictions.logits
            assert np.array_equal(cells[0].predictions.logits, logits)


def test_a_damaged_clip_is_named_and_nothing_else_is_decoded(
    tmp_path, monkeypatch, caplog
):
    plan = plan_of(tmp_path, clip_cache=str(tmp_path / "clips"))
    cell = plan.cells[0]
    base = evaluate(cell, plan, Feed(plan), lambda n: None)
    path = min((tmp_path / "clips").glob("*/*.clip"))
    data = bytearray(path.read_bytes())
    data[-1000] ^= 4
    path.write_bytes(data)
    loads = counted(monkeypatch)
    again = evaluate(cell, plan, Feed(plan), lambda n: None)
    assert np.array_equal(base.predictions.logits, again.predictions.logits)
    assert len(loads) == 1
    assert str(path) in caplog.text
    evaluate(cell, plan, Feed(plan), lambda n: None)
    assert len(loads) == 1


@pytest.mark.parametrize("cache", [None, "off"])
def test_without_a_clip_cache_nothing_is_written(tmp_path, monkeypatch, cache):
    monkeypatch.chdir(tmp_path)
    plan = plan_of(tmp_path, clip_cache=cache)
    evaluate(plan.cells[0], plan, Feed(plan), lambda n: None)
    assert not list(tmp_path.rglob("*.clip"))
    assert not (tmp_path / "off").exists()


def test_clips_beyond_the_memory_come_from_the_disk(tmp_path, monkeypatch):
    loads = counted(monkeypatch)
    plan = plan_of(tmp_path, clip_cache=str(tmp_path / "clips"))
    monkeypatch.setattr(feeding, "ClipMemory", lambda: ClipMemory(max_bytes=1))
    feed = Feed(plan)
    for cell in plan.cells:
        evaluate(cell, plan, feed, lambda n: None)
    assert len(loads) == len(plan.clips)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_clip_that_hangs_is_a_failure_and_the_run_goes_on(
    tmp_path, monkeypatch, workers
):
    gone, load = threading.Event(), Events.load
    plan = plan_of(tmp_path, clip_timeout=2, workers=workers)
    bad = plan.clips[3].id

    def hanging(self, ref, spec):
        if ref.id == bad:
            gone.wait(LONG)
        return load(self, ref, spec)

    monkeypatch.setattr(Events, "load", hanging)
    feed = Feed(plan)
    for cell in plan.cells:
        record = evaluate(cell, plan, feed, lambda n: None).record
        assert record["clips"] == {"evaluated": 23, "failed": 1}
        (failure,) = record["failures"]
        assert failure["id"] == bad
        assert "not decoded within 2 s" in failure["reason"]
    gone.set()


def test_while_the_model_works_the_next_clips_are_corrupted(tmp_path):
    plan = plan_of(tmp_path, workers=2)
    corrupted = threading.Event()
    condition = plan.cells[-1].segments[0]
    component = condition.steps[0].component
    count, video = [], component.video

    def counting(*args):
        count.append(1)
        if len(count) == 16:
            corrupted.set()
        return video(*args)

    component.video = counting
    groups = Feed(plan).stream(plan.cells[-1])
    first = next(groups)
    assert len(first.items) == 8
    # The reader asks for nothing more: it is at work on the first batch.
    assert corrupted.wait(LONG)
    groups.close()


def corrupting(plan, told):
    """Note the clips that each cell's corruption is asked for."""
    for cell in plan.cells:
        for step in cell.segments[0].steps:
            component, scene = step.component, step.component.scene

            def noting(info, severity, rng, name=cell.id, scene=scene):
                told.append((name, info.id))
                return scene(info, severity, rng)

            component.scene = noting


def test_while_the_last_batch_is_answered_clips_of_the_next_cell_are_corrupted(
    tmp_path,
):
    plan = plan_of(tmp_path, workers=2, corruptions=("gaussian", "rain"))
    _, one, other = plan.cells
    base = evaluate(other, plan, Feed(plan), lambda n: None)
    told = []
    corrupting(plan, told)
    feed = Feed(plan)
    groups = list(feed.stream(one, following=lambda: feed.part(other)))
    assert [len(group.items) for group in groups] == [8, 8, 8]
    # No more than two batches wait; the last clip that was read counts as one.
    until(lambda: len(told) >= 24 + 15)
    assert [name for name, _ in told].count(other.id) == 15
    found = evaluate(other, plan, feed, lambda n: None)
    assert np.array_equal(found.predictions.logits, base.predictions.logits)
    assert len(told) == len(set(told)) == 48


class FakeSender:
    """As on CUDA: a batch is there when its event is."""

    asynchronous = True

    def __init__(self, log):
        self.log = log

    def send(self, clips, spec):
        self.log.append(("send", threading.current_thread().name))
        return Sent(collate(clips, spec), "event")

    def receive(self, sent):
        assert sent.ready == "event"
        self.log.append(("receive", threading.current_thread().name))
        return sent.batch


@pytest.mark.parametrize("workers", [0, 2])
def test_batches_are_sent_ahead_and_received_where_they_are_used(
    tmp_path, monkeypatch, workers
):
    plan = plan_of(tmp_path, workers=workers)
    cell = plan.cells[-1]
    base = evaluate(cell, plan, Feed(plan), lambda n: None)
    log = []
    monkeypatch.setattr(feeding, "Sender", lambda device: FakeSender(log))
    sent = evaluate(cell, plan, Feed(plan), lambda n: None)
    assert np.array_equal(base.predictions.logits, sent.predictions.logits)
    here = threading.current_thread().name
    there = "avplug-batch" if workers else here
    assert log.count(("send", there)) == 3
    assert log.count(("receive", here)) == 3


class FakeCuda:
    """A stream, an event and a current stream that note what is asked of them."""

    def __init__(self, told):
        self.told = told

    def record_event(self):
        self.told.append("event recorded")
        return "event"

    def wait_event(self, event):
        self.told.append(f"waits for {event}")


def test_on_cuda_a_batch_is_copied_on_a_stream_of_its_own(tmp_path, monkeypatch):
    from contextlib import nullcontext

    from avplug.bench import transfer

    told = []
    monkeypatch.setattr(torch.cuda, "Stream", lambda device: FakeCuda(told))
    monkeypatch.setattr(torch.cuda, "stream", lambda stream: nullcontext())
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: FakeCuda(told))
    monkeypatch.setattr(
        torch.Tensor, "record_stream", lambda self, stream: told.append("kept")
    )
    monkeypatch.setattr(
        transfer, "collate", lambda clips, spec, device: collate(clips, spec)
    )
    plan = plan_of(tmp_path)
    spec = plan.cells[0].model.model.input
    clips = [plan.dataset.load(ref, spec) for ref in plan.clips[:2]]
    sender = Sender(torch.device("cuda"))
    assert sender.asynchronous
    sent = sender.send(clips, spec)
    assert told == ["event recorded"]
    assert len(sender.receive(sent)) == 2
    assert told[1:] == ["waits for event", "kept", "kept", "kept"]
    assert not Sender(torch.device("cpu")).asynchronous


def test_right_is_the_best_class_of_every_task():
    refs = [ClipRef("a", (1, 4)), ClipRef("b", (0, 3)), ClipRef("c", (2, 4))]
    logits = torch.tensor([[0.0, 9, 0, 0, 5], [0.0, 9, 0, 5, 0], [0.0, 0, 1, 0, 0.5]])
    # Of one task the best of all columns counts; of two each has its own best.
    assert feeding.right(logits, refs, {}) == 2
    assert feeding.right(logits, refs, {"verb": 3, "noun": 2}) == 2
    assert feeding.right(logits[:, [0, 1, 2, 4, 3]], refs, {"verb": 3, "noun": 2}) == 0
