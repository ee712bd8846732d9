from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from avplug.builtin_models.clip import CLIP, CLIPConfig
from avplug.builtin_models.hooks import avplug_models
from avplug.core.batch import Batch
from avplug.core.errors import UsageError, WeightsError
from avplug.core.weights import load_into, read_checkpoint, save_checkpoint
from tests.builtin_models.batches import assert_neighbours_change_no_bit
from tests.builtin_models.vocabulary import write_vocabulary

LABELS = ("dog", "playing violin", "rain")
SPEC = next(spec for spec in avplug_models() if spec.name == "clip")


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CLIP:
    monkeypatch.setenv("AVPLUG_CACHE", str(tmp_path / "cache"))
    torch.manual_seed(0)
    options = {**SPEC.variants["tiny"], **write_vocabulary(tmp_path)}
    return CLIP(LABELS, **options).eval()


def batch_for(model: CLIP, clips: int = 3) -> Batch:
    generator = torch.Generator().manual_seed(1)
    side, count = model.input.size, len(model.input.picks)
    return Batch(
        torch.rand(clips, count, 3, side, side, generator=generator),
        torch.zeros(clips, 1600),
        torch.full((clips,), 1600),
    )


def test_it_sees_and_does_not_hear(model: CLIP) -> None:
    batch = batch_for(model)
    logits = model.classify(batch)
    assert logits.shape == (3, 3)
    assert torch.equal(model(batch.frames, torch.ones(3, 10)), logits)
    blind = replace(batch, frames=1 - batch.frames)
    assert not torch.equal(model.classify(blind), logits)
    with pytest.raises(UsageError, match="no audio tower"):
        CLIP(LABELS, **{**model.config, "fusion": "logits-mean"})


def test_neighbours_change_no_bit(model: CLIP) -> None:
    assert_neighbours_change_no_bit(model, batch_for(model))


def test_a_text_does_not_see_what_comes_after_its_end(model: CLIP) -> None:
    ids = torch.zeros(2, 77, dtype=torch.int64)
    ids[:, :3] = torch.tensor([500, 3, 501])
    ids[1, 4:] = 7
    first, second = model.embed_texts(ids)
    torch.testing.assert_close(first, second)


def test_gradients_reach_the_frames(model: CLIP) -> None:
    batch = batch_for(model)
    frames = batch.frames.requires_grad_()
    model.classify(batch).logsumexp(1).sum().backward()
    assert frames.grad is not None
    assert bool(frames.grad.isfinite().all())
    assert bool(frames.grad.flatten(1).any(1).all())


def test_the_norm_surface_is_the_picture_towers() -> None:
    with torch.device("meta"):
        surface = CLIP(LABELS).parameters_for("norm")
    assert len(surface) == 2 * 26
    assert all(name.startswith("visual.") for name in surface)


def test_saved_weights_load_again(model: CLIP, tmp_path: Path) -> None:
    path = tmp_path / "clip.safetensors"
    save_checkpoint(path, model)
    other = CLIP(LABELS, **model.config).eval()
    load_into(other, read_checkpoint(path))
    batch = batch_for(model)
    assert torch.equal(other.classify(batch), model.classify(batch))


def test_a_lacking_tensor_is_named(model: CLIP, tmp_path: Path) -> None:
    state = model.state_dict()
    del state["visual.ln_pre.bias"]
    torch.save(state, tmp_path / "lacking.pth")
    with pytest.raises(WeightsError, match=r"missing: visual\.ln_pre\.bias"):
        load_into(model, read_checkpoint(tmp_path / "lacking.pth"))


@pytest.mark.parametrize("option", ["image_size", "width", "text_width"])
def test_sizes_that_do_not_divide_are_refused(option: str) -> None:
    with pytest.raises(UsageError, match=f"{option} 33"):
        CLIPConfig(**{option: 33})
