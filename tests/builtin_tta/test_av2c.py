import pytest
import torch

from avplug.builtin_tta.av2c import AV2C
from avplug.core.clip import InputSpec
from avplug.core.errors import CapabilityError, UsageError
from avplug.core.model import Model
from tests.builtin_tta.tinyav import TinyAV, batch_of, stream


def state_of(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {k: v.clone() for k, v in model.state_dict().items()}


def changed(model: torch.nn.Module, before: dict[str, torch.Tensor]) -> set[str]:
    return {k for k, v in model.state_dict().items() if not torch.equal(v, before[k])}


class Counting(TinyAV):
    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[str, bool]] = []

    def encode(self, batch: object) -> torch.Tensor:
        self.calls.append(("encode", torch.is_grad_enabled()))
        return super().encode(batch)

    def fuse(self, tokens: torch.Tensor) -> torch.Tensor:
        self.calls.append(("fuse", torch.is_grad_enabled()))
        return super().fuse(tokens)


def test_only_the_joint_attention_changes() -> None:
    model = TinyAV()
    before = state_of(model)
    av2c = AV2C(model)
    av2c.step(stream()[0])
    names = changed(model, before)
    assert "blocks_u.0.attn.q.weight" in names
    assert names <= av2c.parameters.keys()
    assert all(name.startswith("blocks_u.0.attn.") for name in names)


def test_the_encoders_run_once_and_without_gradients() -> None:
    model = Counting()
    AV2C(model).step(stream()[0])
    assert model.calls == [("encode", False), ("fuse", True)]


def test_it_answers_from_before_the_update() -> None:
    model = TinyAV().eval()
    batch = stream()[0]
    with torch.no_grad():
        source = model.classify(batch)
    av2c = AV2C(model, lr=1e-2)
    logits = av2c.step(batch)
    assert torch.equal(logits, source)
    assert not logits.requires_grad
    assert not torch.equal(av2c.step(batch), source)


def test_a_batch_of_which_nothing_is_selected_changes_nothing() -> None:
    model = TinyAV()
    before = state_of(model)
    av2c = AV2C(model, lr=1e-2, e0_factor=1e-6)
    for batch in stream()[:3]:
        av2c.step(batch)
    assert not changed(model, before)
    assert av2c.diagnostics() == {
        "batches": 3,
        "forwards": 3,
        "backwards": 0,
        "updates": 0,
        "nonfinite": 0,
        "reliable": 0,
        "selected": 0,
        "unselected_batches": 3,
    }


def test_the_margin_for_1000_classes_starves_few_and_auto_does_not() -> None:
    counts = {}
    for d in ("auto", 0.05):
        av2c = AV2C(TinyAV(), d=d)
        for batch in stream():
            av2c.step(batch)
        counts[d] = av2c.diagnostics()
    assert counts[0.05]["unselected_batches"] > counts["auto"]["unselected_batches"]
    assert counts[0.05]["selected"] < counts["auto"]["selected"]


def test_reset_restores_weights_optimiser_mean_and_counts() -> None:
    model = TinyAV()
    before = state_of(model)
    av2c = AV2C(model, lr=1e-2)
    passes = []
    for _ in range(2):
        passes.append([av2c.step(batch) for batch in stream()])
        assert av2c.diagnostics()["updates"] > 1
        av2c.reset()
        assert not changed(model, before)
        assert set(av2c.diagnostics().values()) == {0}
    assert all(torch.equal(a, b) for a, b in zip(*passes, strict=True))


@pytest.mark.parametrize("size", [1, 3])
def test_small_batches_adapt(size: int) -> None:
    model = TinyAV()
    before = state_of(model)
    x = stream()[0].waveform[:size].view(size, 16, 20)
    av2c = AV2C(model, e0_factor=1.0)
    assert av2c.step(batch_of(x)).shape == (size, 12)
    assert changed(model, before)
    assert av2c.diagnostics()["selected"] == size


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_broken_clip_is_counted_and_never_reaches_weights_or_mean(bad: float) -> None:
    batches = stream()
    healthy, broken = AV2C(TinyAV(), lr=1e-2), AV2C(TinyAV(), lr=1e-2)
    spoilt = batches[1].waveform.clone()
    spoilt[3, 5] = bad
    for position, batch in enumerate(batches[:5]):
        if position == 1:
            logits = broken.step(batch_of(spoilt.view(16, 16, 20)))
            assert logits[3].isnan().all()
        else:
            assert torch.equal(broken.step(batch), healthy.step(batch))
    assert not changed(broken.model, state_of(healthy.model))
    assert broken.diagnostics()["nonfinite"] == 1


class Whole(Model):
    input = InputSpec()

    def parameters_for(self, surface: str) -> dict[str, torch.nn.Parameter]:
        return {"x": torch.nn.Parameter(torch.ones(1))}


def test_a_model_that_cannot_run_its_joint_block_apart_is_refused() -> None:
    with pytest.raises(CapabilityError, match="Whole cannot run its joint block apart"):
        AV2C(Whole(("a",)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"d": "automatic"}, "Option d is 'automatic': a number above 0 is needed"),
        ({"d": 0}, "Option d is 0"),
        ({"e0_factor": -1.0}, "Option e0_factor is -1.0"),
        ({"lr": -1e-4}, "Option lr is -0.0001"),
    ],
)
def test_options_out_of_range_are_refused(
    options: dict[str, object], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        AV2C(TinyAV(), **options)
