"""The methods that change the joint attention."""

import pytest
import torch

from avplug.builtin_tta.abpem import ABPEM
from avplug.builtin_tta.av2c import AV2C
from avplug.builtin_tta.balance import balance_of
from avplug.builtin_tta.joint import JointAdapter
from avplug.builtin_tta.pta import PTA
from avplug.builtin_tta.read import READ
from avplug.core.errors import UsageError
from avplug.core.model import JointAttention
from tests.builtin_tta.tinyav import TinyAV, stream

KEY_BIAS = "blocks_u.0.attn.k.bias"


class Counting(TinyAV):
    """Notes which half ran, and whether with gradients."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[str, bool]] = []

    def _note(self, half: str) -> None:
        self.calls.append((half, torch.is_grad_enabled()))

    def encode(self, batch: object) -> torch.Tensor:
        self._note("encode")
        return super().encode(batch)

    def fuse(self, tokens: torch.Tensor) -> torch.Tensor:
        self._note("fuse")
        return super().fuse(tokens)

    def joint_attention(self, tokens: torch.Tensor) -> JointAttention:
        self._note("look")
        return super().joint_attention(tokens)


@pytest.mark.parametrize(
    ("kind", "half"), [(READ, "fuse"), (PTA, "look"), (ABPEM, "look")]
)
def test_the_encoders_run_once_and_without_gradients(
    kind: type[JointAdapter], half: str
) -> None:
    model = Counting()
    kind(model).step(stream()[0])
    assert model.calls == [("encode", False), (half, True), ("fuse", False)]
    model.calls.clear()
    kind(model, predicts="pre").step(stream()[0])
    assert model.calls == [("encode", False), (half, True)]


@pytest.mark.parametrize("kind", [READ, PTA, AV2C])
def test_the_keys_bias_stays_where_softmax_does_not_see_it(
    kind: type[JointAdapter],
) -> None:
    adapter = kind(TinyAV(), lr=1e-2)
    before = {n: p.clone() for n, p in adapter.parameters.items()}
    for batch in stream():
        adapter.step(batch)
    moved = {n for n, p in adapter.parameters.items() if not torch.equal(p, before[n])}
    assert before.keys() - moved == {KEY_BIAS}


def test_the_keys_bias_moves_where_scores_are_read() -> None:
    adapter = ABPEM(TinyAV(), lr=1e-2)
    before = adapter.parameters[KEY_BIAS].clone()
    adapter.step(stream()[0])
    assert (adapter.parameters[KEY_BIAS] - before).abs().min() > 1e-4


def test_gamma_is_where_confidence_turns() -> None:
    # Every answer is surer than 1/12, and none is as sure as 0.9999.
    entropies = []
    for gamma in (1e-6, 0.9999):
        read = READ(TinyAV(), lr=1e-3, gamma=gamma, balance="fixed")
        read.adapt(read.inputs(stream()[3]))
        with torch.no_grad():
            adapted = read.model.classify(stream()[3]).softmax(-1)
        entropies.append(adapted.amax(-1).mean())
    assert entropies[0] > entropies[1]


def test_diagnostics_are_means_of_the_loss_terms() -> None:
    read = READ(TinyAV())
    assert read.diagnostics()["balance"] is None
    balances = []
    for batch in stream()[:3]:
        read.step(batch)
        balances.append(balance_of(read.latest.softmax(-1), "double").item())
        mean = sum(balances) / len(balances)
        assert read.diagnostics()["balance"] == pytest.approx(mean, rel=1e-5)
    abpem = ABPEM(TinyAV())
    abpem.step(stream()[0])
    assert abpem.diagnostics()["attention_divergence"] > 0


def test_pta_learns_nothing_where_all_answers_are_equally_common() -> None:
    pta = PTA(TinyAV(), lr=1e-2)
    source = TinyAV().state_dict()
    pta.step(stream()[0].rows(torch.tensor([0])))
    pta.step(stream()[5])
    counts = pta.diagnostics()
    assert (counts["updates"], counts["unpartitioned_batches"]) == (0, 2)
    assert all(torch.equal(t, source[n]) for n, t in pta.model.state_dict().items())


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        (READ, {"gamma": 0}, "Option gamma is 0"),
        (READ, {"balance": "doble"}, "Did you mean 'double'"),
        (PTA, {"biased_weight": -1}, "Option biased_weight is -1"),
        (ABPEM, {"principal": 0}, "Option principal is 0: a whole number from 1 on"),
        (ABPEM, {"attention_weight": -1}, "Option attention_weight is -1"),
    ],
)
def test_options_out_of_range_are_refused(
    kind: type[JointAdapter], options: dict[str, object], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        kind(TinyAV(), **options)
