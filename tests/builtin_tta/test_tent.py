import pytest
import torch

from avplug.builtin_tta.tent import Tent
from avplug.core.clip import InputSpec
from avplug.core.errors import CapabilityError, UsageError
from avplug.core.model import Model
from tests.builtin_tta.tinyav import TinyAV, batch_of, stream


def state_of(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {k: v.clone() for k, v in model.state_dict().items()}


def changed(model: torch.nn.Module, before: dict[str, torch.Tensor]) -> set[str]:
    return {k for k, v in model.state_dict().items() if not torch.equal(v, before[k])}


def test_only_the_norms_change() -> None:
    model = TinyAV()
    before = state_of(model)
    tent = Tent(model)
    tent.step(stream()[0])
    names = changed(model, before)
    assert names <= tent.parameters.keys()
    assert {"norm.weight", "mlp_head.0.bias", "blocks_u.0.norm2.weight"} <= names


def test_it_answers_from_before_the_update_and_then_lowers_the_entropy() -> None:
    model = TinyAV()
    batch = stream()[0]
    with torch.no_grad():
        source = model.classify(batch)
    tent = Tent(model, lr=1e-3)
    assert torch.equal(tent.step(batch), source)
    with torch.no_grad():
        adapted = model.classify(batch)
    entropies = [
        torch.distributions.Categorical(logits=x).entropy() for x in (source, adapted)
    ]
    assert entropies[1].mean() < entropies[0].mean()


def test_the_batch_is_left_alone() -> None:
    batch = stream()[0]
    before = [t.clone() for t in (batch.frames, batch.waveform, batch.lengths)]
    Tent(TinyAV(), lr=1e-2).step(batch)
    after = (batch.frames, batch.waveform, batch.lengths)
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


def test_a_caller_without_gradients_changes_nothing() -> None:
    adapted = []
    for context in (torch.no_grad, torch.enable_grad):
        model = TinyAV()
        with context():
            Tent(model).step(stream()[0])
        adapted.append(model)
    assert not changed(adapted[0], state_of(adapted[1]))


@pytest.mark.parametrize("size", [1, 3])
def test_small_batches_adapt(size: int) -> None:
    model = TinyAV()
    before = state_of(model)
    x = stream()[0].waveform[:size].view(size, 16, 20)
    assert Tent(model).step(batch_of(x)).shape == (size, 12)
    assert changed(model, before)


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_reset_restores_weights_optimiser_and_counts(optimizer: str) -> None:
    model = TinyAV()
    before = state_of(model)
    tent = Tent(model, lr=1e-2, optimizer=optimizer)
    passes = []
    for _ in range(2):
        passes.append([tent.step(batch) for batch in stream()])
        assert tent.diagnostics() == {
            "batches": 8,
            "forwards": 8,
            "backwards": 8,
            "updates": 8,
            "nonfinite": 0,
        }
        tent.reset()
        assert not changed(model, before)
        assert set(tent.diagnostics().values()) == {0}
    assert all(torch.equal(a, b) for a, b in zip(*passes, strict=True))


def test_episodic_starts_each_batch_from_the_source() -> None:
    tent = Tent(TinyAV(), lr=1e-2, episodic=True)
    first, second = stream()[:2]
    with torch.no_grad():
        source = TinyAV().eval().classify(second)
    tent.step(first)
    assert torch.equal(tent.step(second), source)
    assert tent.diagnostics()["updates"] == 2


def test_several_steps_update_as_often() -> None:
    batch = stream()[0]
    repeated, at_once = Tent(TinyAV(), lr=1e-3), Tent(TinyAV(), lr=1e-3, steps=3)
    for _ in range(3):
        last = repeated.step(batch)
    assert torch.equal(at_once.step(batch), last)
    assert not changed(at_once.model, state_of(repeated.model))
    assert at_once.diagnostics()["forwards"] == 3


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_broken_clip_is_counted_and_never_reaches_the_weights(bad: float) -> None:
    batches = stream()
    healthy, broken = Tent(TinyAV(), lr=1e-2), Tent(TinyAV(), lr=1e-2)
    spoilt = batches[1].waveform.clone()
    spoilt[3, 5] = bad
    logits = None
    for position, batch in enumerate(batches[:4]):
        if position == 1:
            logits = broken.step(batch_of(spoilt.view(16, 16, 20)))
        else:
            broken.step(batch)
            healthy.step(batch)
    assert logits[3].isnan().all()
    assert logits[torch.arange(16) != 3].isfinite().all()
    assert not changed(broken.model, state_of(healthy.model))
    counts = broken.diagnostics()
    assert (counts["batches"], counts["updates"], counts["nonfinite"]) == (4, 3, 1)


class Bare(Model):
    input = InputSpec()

    def parameters_for(self, surface: str) -> dict[str, torch.nn.Parameter]:
        return {}


def test_a_model_without_norms_is_refused() -> None:
    with pytest.raises(CapabilityError, match="Bare offers no parameters on 'norm'"):
        Tent(Bare(("a",)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lr": 0}, "Option lr is 0: a number above 0 is needed"),
        ({"lr": "fast"}, "Option lr is 'fast'"),
        ({"lr": float("nan")}, "Option lr is nan"),
        ({"lr": True}, "Option lr is True"),
        ({"optimizer": "adm"}, "Unknown optimizer 'adm'. Did you mean 'adam'?"),
        ({"momentum": 1.0}, "Option momentum is 1.0: a number at least 0 and below 1"),
        ({"steps": 0}, "Option steps is 0"),
        ({"steps": 1.5}, "Option steps is 1.5"),
    ],
)
def test_options_out_of_range_are_refused(
    options: dict[str, object], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        Tent(TinyAV(), **options)
