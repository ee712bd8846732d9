"""The trajectories of the reference implementations, through the public contract."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from avplug.builtin_models.cavmae import CAVMAE
from avplug.builtin_tta.av2c import AV2C
from avplug.builtin_tta.source import Source
from avplug.builtin_tta.tent import Tent
from avplug.core.adaptation import Adapter
from avplug.core.batch import Batch
from avplug.core.model import Model
from tests.builtin_tta.tinyav import LABELS, TinyAV, stream
from tests.golden import (
    SALT,
    adaptation_state,
    arrays,
    assert_close,
    facts,
    needs_golden,
    normal,
    shapes_of,
)

pytestmark = needs_golden

RUNS: dict[str, Callable[[Model], Adapter]] = {
    "source": Source,
    "tent_adam": lambda model: Tent(model, lr=1e-3),
    "tent_sgd": lambda model: Tent(model, lr=1e-2, optimizer="sgd", momentum=0.9),
    "av2c": lambda model: AV2C(model, lr=1e-3, d=0.4),
    "av2c_d005": lambda model: AV2C(model, lr=1e-3, d=0.05),
}


class Normalised(CAVMAE):
    """CAV-MAE whose batches hold what usually comes out of its front end."""

    def spectrogram(
        self, waveform: torch.Tensor, lengths: torch.Tensor | None = None
    ) -> torch.Tensor:
        return waveform.view(-1, 1024, 128)

    def pictures(self, frames: torch.Tensor) -> torch.Tensor:
        return frames


def reduced_cavmae() -> Normalised:
    model = Normalised(LABELS, width=48, heads=4)
    model.load_state_dict(adaptation_state(shapes_of(model), head_gain=6.0))
    return model


def reduced_stream() -> list[Batch]:
    batches = []
    for t in range(4):
        draws = [
            normal(f"cav:{name}:{t}", shape).astype(np.float64)
            for name, shape in (
                ("a", (4, 1024, 128)),
                ("pa", (4, 1, 128)),
                ("v", (4, 3, 224, 224)),
                ("pv", (4, 3, 1, 1)),
            )
        ]
        sound = torch.from_numpy(draws[0] + 2 * draws[1])
        pictures = torch.from_numpy(draws[2] + 2 * draws[3])
        batches.append(
            Batch(pictures[:, None], sound.flatten(1), torch.full((4,), 1024 * 128))
        )
    return batches


def comparable(name: str, tensor: np.ndarray) -> np.ndarray:
    """Leave out the key bias: its gradient is zero, rounding noise moves it."""
    if not name.endswith("attn.qkv.bias"):
        return tensor
    query, _, value = np.split(tensor, 3)
    return np.concatenate([query, value])


def check_weights(
    adapter: Adapter,
    source: dict[str, torch.Tensor],
    wanted: dict[str, np.ndarray],
    limit: float,
) -> None:
    """What changed, and into what."""
    final = adapter.model.state_dict()
    changed = {k for k, v in final.items() if not torch.equal(source[k], v)}
    assert changed <= adapter.parameters.keys()
    expected = {k.removeprefix("p:") for k in wanted if k.startswith("p:")}
    key_bias = "blocks_u.0.attn.k.bias"
    assert changed - {key_bias} == expected - {key_bias}
    for name in expected - {key_bias}:
        got = torch.from_numpy(comparable(name, final[name].numpy()))
        assert_close(got, comparable(name, wanted[f"p:{name}"]), limit)


def check(
    adapter: Adapter,
    batches: list[Batch],
    wanted: dict[str, np.ndarray],
    limit: float,
) -> None:
    """Follow a trajectory and compare all that the reference kept of it."""
    source = {k: v.clone() for k, v in adapter.model.state_dict().items()}
    logits, counts = [], [adapter.diagnostics()]
    for batch in batches:
        logits.append(adapter.step(batch))
        counts.append(adapter.diagnostics())
    assert not logits[0].requires_grad
    assert_close(torch.stack(logits), wanted["logits_out"], limit)
    check_weights(adapter, source, wanted, limit)
    if "diag" in wanted:
        steps = [np.diff([c[n] for c in counts]) for n in ("reliable", "selected")]
        assert np.array_equal(np.transpose(steps), wanted["diag"])
    if "selected" in wanted:
        steps = np.diff([c["selected"] for c in counts])
        assert np.array_equal(steps, wanted["selected"])
    adapter.reset()
    restored = adapter.model.state_dict()
    assert all(torch.equal(source[name], restored[name]) for name in source)
    again = adapter.step(batches[0])
    assert torch.equal(again, logits[0])


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize(
    ("precision", "dtype", "limit"),
    [("f64", torch.float64, 1e-9), ("f32", torch.float32, 2e-5)],
)
def test_toy_model(run: str, precision: str, dtype: torch.dtype, limit: float) -> None:
    wanted = arrays(f"tta/tiny/{precision}/{run}.npz")
    adapter = RUNS[run](TinyAV().to(dtype))
    for _ in range(2):
        check(adapter, stream(dtype), wanted, limit)
        adapter.reset()


@pytest.mark.slow
@pytest.mark.parametrize("run", ["source", "tent_adam", "av2c"])
def test_reduced_cavmae(run: str) -> None:
    wanted = arrays(f"tta/cav48/{run}.npz")
    check(RUNS[run](reduced_cavmae().double()), reduced_stream(), wanted, 1e-9)


@pytest.mark.parametrize("run", [run for run in RUNS if run != "source"])
def test_what_a_method_adapts_and_returns(run: str) -> None:
    wanted = facts("tta/tiny/meta.json")["methods"][run]["f64"]
    adapter = RUNS[run](TinyAV().double())
    assert wanted["returns"].startswith(adapter.predicts)
    trained = {n for n, p in adapter.model.named_parameters() if p.requires_grad}
    assert set(wanted["adapted"]) <= trained == adapter.parameters.keys()


@pytest.mark.skipif(SALT != "", reason="these values are of the recipe without prefix")
def test_the_recipe_draws_what_it_promises() -> None:
    for model, total, absolute in (
        (TinyAV(), 621.4234123407, 6354.2664827732),
        (reduced_cavmae(), 6975.9747836010, 116162.4933593473),
    ):
        values = torch.cat([p.flatten() for p in model.parameters()]).double()
        assert values.sum().item() == pytest.approx(total, abs=1e-6)
        assert values.abs().sum().item() == pytest.approx(absolute, abs=1e-6)
    first = stream()[0].waveform[0, :3].tolist()
    assert first == pytest.approx([0.127463, -1.257089, -0.190281], abs=1e-6)
    sound = reduced_stream()[0].waveform[0, :3].tolist()
    assert sound == pytest.approx([-1.672904, 0.898893, -2.871936], abs=1e-6)
