"""Streams as they are run: state, labels, borders, frozen answers, what is watched."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from avplug.bench.evaluate import evaluate
from avplug.bench.feed import Feed
from avplug.bench.planning import make_plan
from avplug.bench.runner import run
from avplug.bench.splits import Split
from avplug.bench.store import Store
from avplug.builtin_datasets.events.dataset import Events
from avplug.builtin_tta.tent import Tent
from avplug.core.batch import collate
from avplug.core.errors import MediaError
from avplug.core.registry import get_registry
from tests.bench.toys import config

_CLIPS = {}
_LOAD = Events.load

SOME = {"tta": ("tent",), "severities": (5,), "batch_size": 5}
ONLINE = ("reset", "continual", "mixed", "episodic")


@pytest.fixture(autouse=True)
def eager(monkeypatch):
    """Let TENT learn fast enough to be seen in a few batches."""
    monkeypatch.setitem(Tent.__init__.__kwdefaults__, "lr", 3e-2)


@pytest.fixture(autouse=True)
def kept(monkeypatch):
    """Render a clip once for all tests, and by its true label: events draws by that."""

    def load(self, ref, spec):
        if (ref.id, spec) not in _CLIPS:
            (true,) = (r for r in self.clips if r.id == ref.id)
            _CLIPS[ref.id, spec] = _LOAD(self, true, spec)
        return _CLIPS[ref.id, spec]

    monkeypatch.setattr(Events, "load", load)


def plan_of(tmp_path, **changes):
    return make_plan(config(tmp_path, **{**SOME, **changes}), get_registry())


def outcome(plan, cell):
    return evaluate(cell, plan, Feed(plan), lambda count: None)


def hardest(plan):
    """The last cell: several segments where the protocol makes such."""
    return max(plan.cells, key=lambda cell: (len(cell.segments), not cell.clean))


def by_hand(plan, cell, before_batch=None):
    """The logits of TENT on the stretches of a cell, the obvious way."""
    model = cell.model.model
    adapter = Tent(model)
    found = {}
    stretches = cell.protocol.stretches(len(cell.segments), plan.clips, cell.seed)
    for stretch in stretches:
        for start in range(0, len(stretch), plan.config.batch_size):
            items = stretch[start : start + plan.config.batch_size]
            clips = [
                cell.segments[s].apply(plan.dataset.load(r, model.input), cell.seed)
                for s, r in items
            ]
            if before_batch:
                before_batch(adapter)
            rows = adapter.step(collate(clips, model.input)).numpy()
            found |= {(s, r.id): row for (s, r), row in zip(items, rows, strict=True)}
    adapter.reset()
    return found


def stored(result):
    ids, logits = result.predictions.ids, result.predictions.logits
    keys = zip(result.places.segments.tolist(), ids.tolist(), strict=True)
    return dict(zip(keys, logits, strict=True))


@pytest.mark.parametrize("protocol", ONLINE)
def test_a_stream_is_what_one_does_by_hand(tmp_path, protocol):
    plan = plan_of(tmp_path, protocol=protocol)
    cell = hardest(plan)
    before = Tent.forget if protocol == "episodic" else None
    expected = by_hand(plan, cell, before_batch=before)
    got = stored(outcome(plan, cell))
    assert got.keys() == expected.keys()
    for key, row in expected.items():
        assert np.array_equal(got[key], row), key


def test_state_carries_over_within_a_stream_and_not_beyond(tmp_path):
    reset, continual = plan_of(tmp_path), plan_of(tmp_path, protocol="continual")
    streams = [c for c in continual.cells if len(c.segments) > 1]
    whole = stored(outcome(continual, streams[0]))
    parts = [stored(outcome(reset, cell)) for cell in reset.cells if not cell.clean]
    first = {i: row for (s, i), row in whole.items() if s == 0}
    second = {i: row for (s, i), row in whole.items() if s == 1}
    assert all(np.array_equal(row, first[i]) for (_, i), row in parts[0].items())
    assert not all(np.array_equal(row, second[i]) for (_, i), row in parts[1].items())
    again = stored(outcome(continual, streams[0]))
    assert all(np.array_equal(again[key], whole[key]) for key in whole)


@pytest.mark.parametrize("protocol", [*ONLINE, "gradual", "offline"])
def test_poisoned_labels_change_no_logit(tmp_path, protocol):
    severities = (1, 5) if protocol == "gradual" else (5,)
    plan = plan_of(tmp_path, protocol=protocol, severities=severities)
    wrong = tuple(
        replace(ref, labels=plan.clips[i - 7].labels)
        for i, ref in enumerate(plan.clips)
    )
    cell = hardest(plan)
    true = outcome(plan, cell)
    poisoned_plan = replace(plan, clips=wrong)
    poisoned = outcome(poisoned_plan, cell)
    assert not np.array_equal(true.predictions.targets, poisoned.predictions.targets)
    assert np.array_equal(true.predictions.logits, poisoned.predictions.logits)
    assert np.array_equal(true.places.positions, poisoned.places.positions)


def test_unlabelled_methods_do_not_see_the_labels_of_the_shots(tmp_path):
    def logits(method, poison):
        plan = plan_of(tmp_path, tta=(method,), protocol="few-shot")
        cell = hardest(plan)
        refs = cell.treatment.shots[0]
        if poison:
            turned = tuple(
                replace(ref, labels=((ref.labels[0] + 1) % 12,)) for ref in refs
            )
            treatment = replace(cell.treatment, shots={0: turned})
            cell = replace(cell, treatment=treatment)
        return outcome(plan, cell).predictions.logits

    assert np.array_equal(logits("tent", False), logits("tent", True))
    assert not np.array_equal(logits("fine-tune", False), logits("fine-tune", True))


@pytest.mark.parametrize("protocol", ["offline", "few-shot"])
def test_frozen_answers_do_not_depend_on_their_order(tmp_path, protocol):
    plan = plan_of(tmp_path, protocol=protocol, batch_size=5)
    cell = hardest(plan)
    got = outcome(plan, cell)
    assert len(got.record["passes"]) == 5
    shown = 60 if protocol == "few-shot" else 24
    assert got.record["clips"] == {"evaluated": 24, "failed": 0}
    assert got.record["adapted"] == 5 * shown
    assert got.record["diagnostics"]["updates"] == 5 * -(-shown // 5)
    if protocol == "few-shot":
        other = replace(plan, clips=plan.clips[::-1])
        turned = outcome(other, cell).predictions
        assert np.array_equal(turned.logits[::-1], got.predictions.logits)


def test_fine_tuning_learns_its_shots(tmp_path):
    plan = plan_of(
        tmp_path,
        tta=("fine-tune",),
        protocol="few-shot",
        options={
            "protocol": {"passes": 12, "shots": 1},
            "fine-tune": {"lr": 0.03, "surface": "classifier"},
        },
    )
    passes = outcome(plan, hardest(plan)).record["passes"]
    assert passes[-1] > passes[0] + 10


@pytest.mark.parametrize("protocol", ["continual", "mixed", "offline", "few-shot"])
def test_the_model_is_as_before_whatever_the_protocol(tmp_path, protocol):
    plan = plan_of(tmp_path, protocol=protocol, forgetting=4)
    cell = hardest(plan)
    model = cell.model.model
    before = {k: v.clone() for k, v in model.state_dict().items()}
    outcome(plan, cell)
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())


def test_what_is_watched_changes_no_prediction(tmp_path):
    plain = plan_of(tmp_path, protocol="continual")
    watched = plan_of(tmp_path, protocol="continual", forgetting=6, attention_every=2)
    one, other = outcome(plain, hardest(plain)), outcome(watched, hardest(watched))
    assert np.array_equal(one.predictions.logits, other.predictions.logits)
    assert "forgetting" not in one.record
    assert "attention" not in one.record
    facts = other.record["forgetting"]
    assert facts["clips"] == 6
    assert 0 <= facts["after"] <= 100
    looks = other.record["attention"]["at"]
    assert [look["batch"] for look in looks] == [0, 2, 4, 6, 8]
    for look in looks:
        assert np.allclose(np.sum(look["masses"], axis=1), 1, atol=1e-5)
    assert other.record["seconds"]["adapter"] > 0
    assert other.record["collapse"]["distinct"] >= 1


def test_a_clip_that_fails_fails_in_each_segment(tmp_path, monkeypatch):
    plan = plan_of(tmp_path, protocol="continual")
    bad = plan.clips[3].id
    load = Events.load

    def broken(self, ref, spec):
        if ref.id == bad:
            raise MediaError("It is torn.")
        return load(self, ref, spec)

    monkeypatch.setattr(Events, "load", broken)
    got = outcome(plan, hardest(plan))
    assert got.record["clips"]["failed"] == 2
    for part in got.record["segments"]:
        assert part["clips"] == {"evaluated": 23, "failed": 1}
        assert part["failures"] == [{"id": bad, "reason": "It is torn."}]
    assert sorted(got.places.positions.tolist()) == list(range(46))


def test_a_stored_stream_falls_into_its_segments(tmp_path):
    settings = config(tmp_path, **SOME, protocol="continual")
    plan = make_plan(settings, get_registry())
    store = Store(run(settings, get_registry()).folder)
    cells = store.cells()
    (stream,) = (cell for cell in cells if "stream" in cell.cell)
    parts = stream.segments()
    assert [p.id for p in parts] == [f"{stream.id}.0", f"{stream.id}.1"]
    assert [p.cell["corruption"]["name"] for p in parts] == ["gaussian", "compression"]
    for number, part in enumerate(parts):
        assert "stream" not in part.cell
        assert part.cell["severity"] == 5
        assert part.record["clips"] == {"evaluated": 24, "failed": 0}
        assert part.record["adapted"] == 24
        assert list(part.predictions().ids) == [ref.id for ref in plan.clips]
        places = part.places()
        assert set(places.positions) == set(range(24 * number, 24 * number + 24))
    total = sum(part.record["seconds"]["total"] for part in parts)
    assert total == pytest.approx(stream.record["seconds"]["total"])
    (clean,) = (cell for cell in cells if "stream" not in cell.cell)
    assert clean.segments() == [clean]


def test_a_stream_that_was_killed_begins_anew_and_ends_the_same(tmp_path, monkeypatch):
    step = Tent.step

    class KilledError(KeyboardInterrupt):
        pass

    def attempt(folder, after):
        seen = []

        def counted(self, batch):
            seen.append(len(batch))
            if after and len(seen) > after:
                raise KilledError
            return step(self, batch)

        monkeypatch.setattr(Tent, "step", counted)
        settings = config(tmp_path, **SOME, protocol="continual", out=str(folder))
        return run(settings, get_registry())

    attempt(tmp_path / "whole", None)
    with pytest.raises(KilledError):
        attempt(tmp_path / "torn", 8)
    assert len(Store(tmp_path / "torn").cells()) == 1, "the clean stream was done"
    assert attempt(tmp_path / "torn", None).reused == 1
    whole, torn = (Store(tmp_path / name).cells() for name in ("whole", "torn"))
    for one, other in zip(whole, torn, strict=True):
        assert one.id == other.id
        data = [cell.folder / "predictions.npz" for cell in (one, other)]
        assert data[0].read_bytes() == data[1].read_bytes()


def test_a_method_is_told_of_its_stream_and_can_see_source_data(tmp_path, monkeypatch):
    told = []
    monkeypatch.setattr(Tent, "begin", lambda self, stream: told.append(stream))
    spec = get_registry().get("adaptation", "tent").spec
    monkeypatch.setitem(vars(spec), "needs", ("norm", "source-data"))
    plan = plan_of(tmp_path, protocol="continual", seeds=(3,))
    cell = hardest(plan)
    feed = Feed(plan)
    evaluate(cell, plan, feed, lambda count: None)
    (stream,) = told
    # 24 clips in fives, twice: no batch spans two corruptions.
    assert (stream.batches, stream.clips, stream.seed) == (2 * 5, 2 * 24, 3)
    assert cell.identity["adaptation"]["source_data"]["split"] == "train"
    one, other = (next(iter(stream.source())) for _ in range(2))
    assert len(one) == 5
    assert torch.equal(one.frames, other.frames), "the same clips at each call"
    assert not torch.equal(one.frames, next(feed.stream(cell)).batch.frames)


def test_without_a_training_split_what_needs_source_data_is_skipped(
    tmp_path, monkeypatch
):
    def no_training(registry, settings, name):
        return Split(name, None, problem=f"There is no split '{name}'.")

    monkeypatch.setattr("avplug.bench.methods.open_split", no_training)
    spec = get_registry().get("adaptation", "tent").spec
    monkeypatch.setitem(vars(spec), "needs", ("norm", "source-data"))
    plan = plan_of(tmp_path, tta=("source", "tent"))
    assert {cell.method.spec.name for cell in plan.cells} == {"source"}
    assert plan.skips[0].reason == (
        "tent needs the split 'train' of the data set: There is no split 'train'"
    )


def test_offline_tells_the_length_of_all_its_passes(tmp_path, monkeypatch):
    told = []
    monkeypatch.setattr(Tent, "begin", lambda self, stream: told.append(stream))
    plan = plan_of(tmp_path, protocol="offline", options={"protocol": {"passes": 3}})
    outcome(plan, hardest(plan))
    assert (told[0].batches, told[0].clips) == (3 * 5, 3 * 24)
    assert told[0].source is None
