"""What holds for each model that comes with avplug, in its smallest size."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from avplug.builtin_models.hooks import avplug_models
from avplug.core.batch import Batch
from avplug.core.model import Model
from avplug.core.targets import load_target
from tests.builtin_models.vocabulary import write_vocabulary

SPECS = {spec.name: spec for spec in avplug_models()}
DEAF = {"clip"}


@pytest.fixture(params=SPECS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def model(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Model:
    monkeypatch.setenv("AVPLUG_CACHE", str(tmp_path / "cache"))
    spec = SPECS[name]
    reads = write_vocabulary(tmp_path) if "tokenizers" in spec.requires else {}
    torch.manual_seed(0)
    options = {**spec.variants["tiny"], **reads}
    model: Model = load_target(spec, "avplug")(("dog", "cat", "rain"), **options)
    return model.eval().requires_grad_(False)


def batch_of(model: Model, *, loud: bool) -> Batch:
    """Two clips with what the model asks for: noise, or black and silent."""
    wanted = model.input
    frames = torch.rand(2, len(wanted.picks), 3, wanted.size, wanted.size)
    waveform = 0.1 * torch.randn(2, wanted.samples)
    lengths = torch.tensor([wanted.samples, wanted.samples // 2])
    waveform[1, lengths[1] :] = 0
    return Batch(
        (frames * loud).requires_grad_(), (waveform * loud).requires_grad_(), lengths
    )


def test_gradients_reach_frames_and_waveform(name: str, model: Model) -> None:
    batch = batch_of(model, loud=True)
    model.classify(batch).square().sum().backward()
    assert batch.frames.grad.flatten(2).any(2).all()
    assert batch.frames.grad.isfinite().all()
    if name in DEAF:
        assert batch.waveform.grad is None
        return
    assert batch.waveform.grad.isfinite().all()
    for gradient, length in zip(batch.waveform.grad, batch.lengths, strict=True):
        assert gradient[:length].any()
        assert not gradient[length:].any()


def test_a_silent_and_black_clip_is_finite(model: Model) -> None:
    batch = batch_of(model, loud=False)
    logits = model.classify(batch)
    assert logits.shape == (2, 3)
    assert logits.isfinite().all()
    logits.square().sum().backward()
    assert batch.frames.grad.isfinite().all()
    if batch.waveform.grad is not None:
        assert batch.waveform.grad.isfinite().all()


def test_what_the_caller_gives_is_not_changed(model: Model) -> None:
    batch = batch_of(model, loud=True)
    frames, waveform = batch.frames.detach().clone(), batch.waveform.detach().clone()
    with torch.no_grad():
        model.classify(batch)
    assert torch.equal(batch.frames, frames)
    assert torch.equal(batch.waveform, waveform)
