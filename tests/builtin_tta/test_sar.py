import math

import pytest
import torch
from torch import nn

from avplug.builtin_tta.entropy import entropy
from avplug.builtin_tta.sar import SAR
from avplug.core.errors import UsageError
from tests.builtin_tta.tinyav import TinyAV, stream


class Counting(TinyAV):
    """Notes how many clips each prediction was of."""

    def classify(self, batch: object) -> torch.Tensor:
        self.sizes = [*getattr(self, "sizes", []), len(batch)]
        return super().classify(batch)


class BatchNormed(Counting):
    """Answers to a clip depend on its batch mates, even in eval mode."""

    def __init__(self) -> None:
        super().__init__()
        self.mixing = nn.BatchNorm1d(12, affine=False, track_running_stats=False)

    def classify(self, batch: object) -> torch.Tensor:
        return 3 * self.mixing(super().classify(batch))


def test_the_second_pass_sees_reliable_clips_only() -> None:
    model = Counting()
    sar = SAR(model)
    sar.step(stream()[0])
    assert model.sizes == [16, sar.diagnostics()["reliable"]]
    assert 0 < model.sizes[1] < 16


def test_where_batch_mates_matter_it_sees_them_all() -> None:
    model = BatchNormed()
    sar = SAR(model)
    sar.step(stream()[0])
    assert 0 < sar.diagnostics()["reliable"] < 16
    assert model.sizes == [16, 16]


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_without_a_reliable_clip_only_momentum_moves_the_weights(
    optimizer: str,
) -> None:
    batch = stream()[0]
    with torch.no_grad():
        entropies = entropy(TinyAV().eval().classify(batch))
    sure, unsure = (batch.rows(entropies.argsort()[i : i + 1]) for i in (0, 15))
    limit = (entropies.min() + entropies.max()).item() / 2 / math.log(12)
    sar = SAR(TinyAV(), lr=1e-3, optimizer=optimizer, e0_factor=limit, recover=0.0)
    moved = []
    for clip in (unsure, sure, unsure):
        before = [p.clone() for p in sar.parameters.values()]
        sar.step(clip)
        after = sar.parameters.values()
        moved.append(
            not all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
        )
    # From rest nothing moves; but what has gained momentum goes on.
    assert moved == [False, True, True]
    counts = sar.diagnostics()
    assert (counts["updates"], counts["reliable"]) == (3, 1)


def test_without_a_climb_it_is_a_plain_step() -> None:
    # All clips are reliable, and nothing is looked for around them.
    sar, batch = SAR(TinyAV(), lr=1e-2, rho=0.0, e0_factor=1.1), stream()[0]
    sar.step(batch)
    model = TinyAV().eval()
    parameters = model.parameters_for("norm_early")
    probabilities = model.classify(batch).softmax(-1)
    loss = -(probabilities * probabilities.log()).sum(-1).mean()
    gradients = torch.autograd.grad(loss, list(parameters.values()))
    for parameter, gradient in zip(parameters.values(), gradients, strict=True):
        parameter.grad = gradient
    torch.optim.Adam(parameters.values(), lr=1e-2).step()
    for name, parameter in parameters.items():
        # Adam turns rounding noise around a gradient of zero into steps.
        torch.testing.assert_close(
            sar.parameters[name], parameter, atol=1e-4, rtol=1e-4
        )


def test_a_recovery_is_of_weights_optimiser_and_level() -> None:
    sar = SAR(TinyAV(), lr=1e-2, recover=10.0)
    batch = stream()[0]
    first = sar.step(batch)
    for _ in range(2):
        assert torch.equal(sar.step(batch), first)
    counts = sar.diagnostics()
    assert (counts["recoveries"], counts["loss_level"]) == (3, None)


def test_the_released_recovery_never_ends_by_itself() -> None:
    batch = stream()[0]
    fixed, released = (
        SAR(TinyAV(), lr=1e-2, recover=0.75, reset=kind)
        for kind in ("m-fixed", "released")
    )
    for _ in range(3):
        fixed.step(batch)
        released.step(batch)
    assert fixed.diagnostics()["loss_level"] is None
    assert released.diagnostics()["loss_level"] is not None


def test_unknown_resets_are_refused() -> None:
    with pytest.raises(UsageError, match="Did you mean 'fixed'"):
        SAR(TinyAV(), reset="fix")
