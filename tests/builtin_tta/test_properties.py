"""What holds for every method, found by its descriptor."""

from dataclasses import fields
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings, strategies as st

from avplug.builtin_tta.hooks import avplug_adaptations
from avplug.core.adaptation import Adapter, Stream
from avplug.core.batch import Batch
from avplug.core.errors import CapabilityError, UnknownNameError, UsageError
from avplug.core.model import Model
from avplug.core.targets import load_target
from tests.builtin_tta.tinyav import TinyAV, batch_of, clean, stream, what_comes

#: Fine-tuning learns from labels, and has tests of its own.
SPECS = {s.name: s for s in avplug_adaptations() if s.name != "fine-tune"}
#: So that the eight batches are enough to see something move, and to be reset.
OPTIONS: dict[str, dict[str, Any]] = {
    "source": {},
    "sar": {"lr": 1e-2, "recover": 0.7},
    "rdumb": {"lr": 1e-2, "every": 3},
    "asr": {"lr": 1e-1},
    "asr of read": {"lr": 1e-1, "method": "read"},
    "rdumb of sar": {"lr": 1e-2, "method": "sar", "every": 2},
}
NAMES = [*SPECS, "asr of read", "rdumb of sar"]
ADAPTING = [name for name in NAMES if name != "source"]


def tiny(name: str) -> TinyAV:
    # ASR takes a model for collapsed whose mean answer is surer than ln(C / 2).
    return TinyAV(head_gain=0.1) if name.startswith("asr") else TinyAV()


def make(name: str, model: Model | None = None, **options: Any) -> Adapter:
    kind = load_target(SPECS[name.partition(" ")[0]], "avplug")
    options = {**OPTIONS.get(name, {"lr": 1e-2}), **options}
    adapter: Adapter = kind(model or tiny(name), **options)
    adapter.reset()
    adapter.begin(what_comes())
    return adapter


def calm(name: str) -> dict[str, Any]:
    """Options with which SAR takes nothing for a collapse."""
    return {"recover": 0.0} if "sar" in name else {}


def state_of(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {k: v.clone() for k, v in model.state_dict().items()}


def changed(model: torch.nn.Module, before: dict[str, torch.Tensor]) -> set[str]:
    return {k for k, v in model.state_dict().items() if not torch.equal(v, before[k])}


@pytest.mark.parametrize("name", NAMES)
def test_reset_restores_everything_bit_for_bit(name: str) -> None:
    model = tiny(name)
    before = state_of(model)
    adapter = make(name, model)
    passes, counts = [], []
    for _ in range(2):
        passes.append([adapter.step(batch) for batch in stream()])
        counts.append(adapter.diagnostics())
        adapter.reset()
        assert not changed(model, before)
        assert not any(p.grad is not None for p in model.parameters())
        assert {v for v in adapter.diagnostics().values() if v is not None} <= {0}
    assert all(torch.equal(a, b) for a, b in zip(*passes, strict=True))
    assert counts[0] == counts[1]


@pytest.mark.parametrize("name", ADAPTING)
def test_declared_parameters_change_and_no_others(name: str) -> None:
    model = tiny(name)
    before = state_of(model)
    adapter = make(name, model, **calm(name))
    for batch in stream()[:2]:
        adapter.step(batch)
    assert changed(model, before)
    assert changed(model, before) <= adapter.parameters.keys()
    trained = {n for n, p in model.named_parameters() if p.requires_grad}
    assert trained == adapter.parameters.keys()


@pytest.mark.parametrize("name", NAMES)
def test_a_stream_is_not_influenced_by_one_before(name: str) -> None:
    model = tiny(name)
    first = make(name, model)
    for batch in stream()[:4]:
        first.step(batch)
    first.reset()
    second, fresh = make(name, model), make(name)
    for batch in stream()[4:7]:
        assert torch.equal(second.step(batch), fresh.step(batch))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_broken_clip_is_reported_and_not_spread(name: str, bad: float) -> None:
    healthy, broken = make(name), make(name)
    spoilt = stream()[1].waveform.clone()
    spoilt[3, 5] = bad
    healthy.step(stream()[0])
    broken.step(stream()[0])
    before = state_of(healthy.model)
    logits = broken.step(batch_of(spoilt.view(16, 16, 20)))
    assert not changed(broken.model, before)
    assert logits[3].isnan().all()
    assert logits[torch.arange(16) != 3].isfinite().all()
    assert name == "source" or broken.diagnostics()["nonfinite"] == 1
    after = broken.step(stream()[2])
    assert after.isfinite().all()
    assert all(t.isfinite().all() for t in broken.model.state_dict().values())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [1, 3])
def test_small_batches_are_served(name: str, size: int) -> None:
    adapter = make(name)
    for batch in stream():
        logits = adapter.step(batch.rows(torch.arange(size)))
        assert logits.shape == (size, 12)
        assert logits.isfinite().all()
    assert all(t.isfinite().all() for t in adapter.model.state_dict().values())
    # PTA compares answers of a batch.
    still = name == "source" or (name == "pta" and size == 1)
    assert (adapter.diagnostics().get("updates", 0) == 0) == still


@pytest.mark.parametrize("name", NAMES)
def test_the_model_stays_in_eval_mode_and_the_batch_as_it_was(name: str) -> None:
    adapter = make(name, tiny(name).train())
    batch = stream()[0]
    before = [getattr(batch, f.name).clone() for f in fields(batch)]
    adapter.step(batch)
    assert not any(module.training for module in adapter.model.modules())
    after = [getattr(batch, f.name) for f in fields(batch)]
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


def test_labels_cannot_be_seen() -> None:
    # All that a method is ever given: batches, and numbers about the stream.
    assert {f.name for f in fields(Batch)} == {"frames", "waveform", "lengths"}
    told = {f.name for f in fields(Stream)}
    assert told == {"batches", "clips", "seed", "source", "source_key"}
    assert all(isinstance(batch, Batch) for batch in clean())


@pytest.mark.parametrize("name", ADAPTING)
def test_a_caller_without_gradients_changes_nothing(name: str) -> None:
    ways = []
    for context in (torch.no_grad, torch.enable_grad):
        adapter = make(name)
        with context():
            ways.append([adapter.step(batch) for batch in stream()[:3]])
    assert all(torch.equal(a, b) for a, b in zip(*ways, strict=True))
    assert not any(logits.requires_grad for logits in ways[0])


@pytest.mark.parametrize("name", [n for n in ADAPTING if not n.startswith("asr")])
def test_answers_are_of_before_or_after_the_update(name: str) -> None:
    batch = stream()[0]
    with torch.no_grad():
        source = TinyAV().eval().classify(batch)
    before = make(name, predicts="pre", **calm(name))
    assert (before.predicts, before.stateful) == ("pre", True)
    torch.testing.assert_close(before.step(batch), source)
    after = make(name, predicts="post", **calm(name))
    logits = after.step(batch)
    assert not changed(after.model, state_of(before.model))
    with torch.no_grad():
        assert torch.equal(logits, after.model.classify(batch))
    assert not torch.equal(logits, source)


@pytest.mark.parametrize("name", ADAPTING)
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lr": 0}, "Option lr is 0: a number above 0 is needed"),
        ({"optimizer": "adm"}, "Unknown optimizer 'adm'. Did you mean 'adam'?"),
        ({"predicts": "now"}, "Option predicts is 'now'"),
    ],
)
def test_options_out_of_range_are_refused(
    name: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        make(name, **options)


@pytest.mark.parametrize("name", NAMES)
def test_settings_are_complete_and_unknown_ones_are_refused(name: str) -> None:
    kind = load_target(SPECS[name.partition(" ")[0]], "avplug")
    given = OPTIONS.get(name, {"lr": 1e-2})
    assert given.items() <= kind.settings(given).items()
    assert kind(TinyAV(), **kind.settings(given)).predicts == kind.settings(given).get(
        "predicts", kind.predicts
    )
    with pytest.raises(UnknownNameError, match="has no option 'lrr'"):
        kind.settings({**given, "lrr": 1})


class Bare(Model):
    """A model that offers nothing."""

    def encode(self, batch: Batch) -> torch.Tensor:
        return batch.waveform

    def fuse(self, tokens: torch.Tensor) -> torch.Tensor:
        return tokens


class WithoutFusion(Model):
    """A model of one piece."""

    def parameters_for(self, surface: str) -> dict[str, torch.nn.Parameter]:
        return {"x": torch.nn.Parameter(torch.ones(1))}


@pytest.mark.parametrize("name", ADAPTING)
def test_a_model_without_the_surface_is_refused(name: str) -> None:
    with pytest.raises(CapabilityError, match="Bare"):
        make(name, Bare(("a", "b")))


@pytest.mark.parametrize(
    ("name", "lack"),
    [
        ("read", "no encode and fuse"),
        ("av2c", "no encode and fuse"),
        ("pta", "no joint_attention"),
        ("abpem", "no joint_attention"),
        ("sumi", "no unimodal and features"),
        ("asr of read", "no encode and fuse"),
    ],
)
def test_a_model_that_cannot_be_taken_apart_is_refused(name: str, lack: str) -> None:
    with pytest.raises(CapabilityError, match=f"WithoutFusion .* {lack}"):
        make(name, WithoutFusion(("a", "b")))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    name=st.sampled_from(ADAPTING),
    order=st.lists(st.integers(0, 7), min_size=1, max_size=5),
    sizes=st.lists(st.integers(1, 16), min_size=5, max_size=5),
)
def test_any_stream_ends_in_finite_weights_and_a_true_reset(
    name: str, order: list[int], sizes: list[int]
) -> None:
    model = tiny(name)
    before = state_of(model)
    adapter = make(name, model)
    for place, size in zip(order, sizes, strict=False):
        logits = adapter.step(stream()[place].rows(torch.arange(size)))
        assert logits.shape == (size, 12)
        assert logits.isfinite().all()
    counts = adapter.diagnostics()
    assert counts["batches"] == len(order)
    assert counts["nonfinite"] == 0
    adapter.reset()
    assert not changed(model, before)
