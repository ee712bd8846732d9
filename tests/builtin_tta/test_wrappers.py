import math
from typing import Any

import pytest
import torch

from avplug.builtin_tta.asr import ASR
from avplug.builtin_tta.eata import ETA
from avplug.builtin_tta.rdumb import RDumb
from avplug.builtin_tta.source import Source
from avplug.builtin_tta.tent import Tent
from avplug.builtin_tta.wrapper import Wrapper
from avplug.core.adaptation import Adapter
from avplug.core.errors import CapabilityError, UnknownNameError, UsageError
from tests.builtin_tta.tinyav import TinyAV, stream, what_comes


def run(adapter: Adapter, times: int = 1) -> list[torch.Tensor]:
    adapter.begin(what_comes())
    return [adapter.step(batch) for batch in times * stream()]


def same(first: list[torch.Tensor], second: list[torch.Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_rdumb_is_eta_that_starts_again() -> None:
    rdumb = RDumb(TinyAV(), every=8, lr=1e-2)
    eta = run(ETA(TinyAV(), lr=1e-2))
    assert isinstance(rdumb.inner, ETA)
    assert same(run(rdumb, times=2), eta + eta)
    counts = rdumb.diagnostics()
    assert (counts["resets"], counts["batches"]) == (1, 16)


def test_a_short_stream_is_the_inner_methods_own() -> None:
    assert same(run(RDumb(TinyAV(), lr=1e-2)), run(ETA(TinyAV(), lr=1e-2)))


def test_options_go_to_whom_they_belong() -> None:
    rdumb = RDumb(TinyAV(), method="tent", every=3, lr=0.5, steps=2, predicts="post")
    assert isinstance(rdumb.inner, Tent)
    assert rdumb.predicts == rdumb.inner.predicts == "post"
    settings = RDumb.settings({"method": "tent", "steps": 2})
    assert settings["every"] == 1000
    assert (settings["method"], settings["steps"], settings["lr"]) == ("tent", 2, 1e-4)


def test_inner_methods_say_after_or_before_for_the_wrapper() -> None:
    assert RDumb(TinyAV(), method="read").predicts == "post"
    assert RDumb(TinyAV(), method="tent").predicts == "pre"
    for options in ({"method": "read"}, {"method": "sumi"}, {"every": 3}):
        assert RDumb.answers(options) == RDumb(TinyAV(), **options).predicts
    assert RDumb.answers({"method": "read", "predicts": "pre"}) == "pre"


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"method": "tnet"}, UnknownNameError, "Did you mean 'tent'"),
        ({"method": "tent", "stps": 1}, UnknownNameError, "Did you mean 'steps'"),
        ({"every": 0}, UsageError, "Option every is 0"),
    ],
)
def test_what_is_unknown_is_refused(
    options: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        RDumb(TinyAV(), **options)


def test_any_method_can_be_wrapped_for_fixed_intervals_only() -> None:
    assert isinstance(RDumb(TinyAV(), method="source").inner, Source)
    with pytest.raises(CapabilityError, match="'source' is no GradientAdapter"):
        ASR(TinyAV(), method="source")


def open_minded() -> TinyAV:
    """A model whose mean answer is less sure than where ASR begins."""
    return TinyAV(head_gain=0.1)


def test_a_method_that_does_not_collapse_is_left_alone() -> None:
    asr = ASR(open_minded(), lr=1e-4)
    assert same(run(asr), run(Tent(open_minded(), lr=1e-4)))
    assert asr.diagnostics()["resets"] == 0
    assert math.log(6) < asr.diagnostics()["collapse_level"] <= math.log(12)


def test_a_collapse_is_undone_and_pulled_at_from_then_on() -> None:
    asr, tent = (make(open_minded(), lr=3e-2, optimizer="sgd") for make in (ASR, Tent))
    wrapped, alone = run(asr, times=6), run(tent, times=6)
    assert asr.diagnostics()["resets"] > 0
    assert asr._anchor is not None
    assert not same(wrapped, alone)
    spread = [
        logits[-1].softmax(-1).mean(0).amax().item() for logits in (wrapped, alone)
    ]
    assert spread[0] < spread[1]


def test_of_a_reset_the_first_tensors_are_kept() -> None:
    asr = ASR(open_minded(), lr=1e-2)
    asr.step(stream()[0])
    moved = {n: p.clone() for n, p in asr.parameters.items()}
    asr._reset_in_part(0.4)
    names = list(asr.parameters)
    source = open_minded().state_dict()
    for place, name in enumerate(names):
        kept = moved if place < int(0.4 * len(names)) else source
        assert torch.equal(asr.parameters[name], kept[name]), name


def test_levels_follow_the_published_rule() -> None:
    asr = ASR(open_minded())
    asr._judge(2.0, 1.0, 12)
    # All answers changed: nothing is learnt of the level.
    assert asr._level == pytest.approx(math.log(6))
    asr._judge(2.0, 0.0, 12)
    assert asr._level == pytest.approx(0.85 * math.log(6) + 0.15 * 2.0)
    asr._judge(1.0, 0.0, 12)
    assert (asr._level, asr._resets) == (None, 1)


def test_the_source_answers_beside_the_method_change_nothing() -> None:
    tent = Tent(TinyAV(), lr=1e-2)
    tent.step(stream()[0])
    before = {n: p.clone() for n, p in tent.parameters.items()}
    with tent.as_source(), torch.no_grad():
        logits = tent.model.classify(stream()[1])
    with torch.no_grad():
        assert torch.equal(logits, TinyAV().eval().classify(stream()[1]))
    assert all(torch.equal(p, before[n]) for n, p in tent.parameters.items())


@pytest.mark.parametrize(
    ("kind", "options"), [(RDumb, {"every": 3}), (ASR, {"method": "tent"})]
)
def test_forgetting_starts_the_method_anew_and_keeps_its_counts(
    kind: type[Wrapper], options: dict[str, Any]
) -> None:
    batches = stream()
    adapter = kind(TinyAV(), **options)
    adapter.reset()
    first = [adapter.step(batch) for batch in batches[:2]]
    adapter.forget()
    again = [adapter.step(batch) for batch in batches[:2]]
    for one, other in zip(first, again, strict=True):
        assert torch.equal(one, other)
    assert adapter.diagnostics()["batches"] == 4
