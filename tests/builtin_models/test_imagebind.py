from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings, strategies as st

from avplug.builtin_models.hooks import avplug_models
from avplug.builtin_models.imagebind import ImageBind
from avplug.builtin_models.imagebind_config import ImageBindConfig
from avplug.core.batch import Batch
from avplug.core.errors import UsageError, WeightsError
from avplug.core.weights import load_into, read_checkpoint, save_checkpoint
from tests.builtin_models.batches import assert_neighbours_change_no_bit
from tests.builtin_models.vocabulary import write_vocabulary

LABELS = ("dog", "playing_violin", "rain_ cat")
SPEC = next(spec for spec in avplug_models() if spec.name == "imagebind")
SMALL: dict[str, Any] = {
    **SPEC.variants["tiny"],
    "image_size": 28,
    "text_ids": 1000,
    "grid": 3,
}


@pytest.fixture(scope="module")
def vocabulary(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return write_vocabulary(tmp_path_factory.mktemp("vocabulary"))


@pytest.fixture
def model(
    vocabulary: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> ImageBind:
    monkeypatch.setenv("AVPLUG_CACHE", str(tmp_path / "cache"))
    return small(vocabulary)


def small(vocabulary: dict[str, str], **options: Any) -> ImageBind:
    torch.manual_seed(0)
    model = ImageBind(LABELS, **{**SMALL, **vocabulary, **options}).eval()
    with torch.no_grad():
        for parameter in (model.vision.pos_embed, model.audio.pos_embed):
            parameter.normal_(std=0.1)
    return model


def batch_for(model: ImageBind, clips: int = 3) -> Batch:
    generator = torch.Generator().manual_seed(1)
    side, count = model.input.size, len(model.input.picks)
    lengths = torch.tensor([160_000, 41_764, 12_000])[:clips]
    waveform = 0.1 * torch.randn(clips, 160_000, generator=generator)
    waveform *= torch.arange(160_000) < lengths[:, None]
    frames = torch.rand(clips, count, 3, side, side, generator=generator)
    return Batch(frames, waveform, lengths)


def test_it_asks_for_the_left_channel_at_16_khz(model: ImageBind) -> None:
    spec = model.input
    assert (spec.sample_rate, spec.seconds, spec.channels) == (16_000, 10.0, "first")
    assert ImageBindConfig().picks == tuple(range(10))
    assert SPEC.license == "CC-BY-NC-SA-4.0"


def test_sound_and_text_are_long_and_pictures_are_not(model: ImageBind) -> None:
    tokens = model.encode(batch_for(model))
    lengths = tokens.audio.norm(dim=1)
    assert bool((lengths <= 20.0001).all())
    torch.testing.assert_close(lengths[2].item(), 20.0)
    torch.testing.assert_close(tokens.video.norm(dim=2), torch.ones(3, 3))
    ids = torch.randint(1, 500, (2, 77))
    scale = model.scale("visual")
    torch.testing.assert_close(model.embed_texts(ids).norm(dim=1), scale.expand(2))
    assert scale.item() == pytest.approx(1 / 0.07)
    with torch.no_grad():
        model.log_text_scale.fill_(10.0)
    assert model.scale("audio").item() == 100.0


def test_a_single_picture_is_two_equal_frames(model: ImageBind) -> None:
    pictures = torch.randn(2, 3, 28, 28)
    pairs = pictures.unsqueeze(2).repeat(1, 1, 2, 1, 1)
    torch.testing.assert_close(
        model.embed_pictures(pictures), model.embed_pictures(pairs)
    )


def test_a_short_clip_is_heard_three_times_and_padded(model: ImageBind) -> None:
    batch = batch_for(model)
    views = model.spectrograms(batch.waveform, batch.lengths)
    assert views.shape == (3, 3, 1, 128, 204)
    assert torch.equal(views[2, 0], views[2, 1])
    assert torch.equal(views[2, 0], views[2, 2])
    whole = (12_000 - 400) // 160 + 1
    torch.testing.assert_close(
        views[2, 0, 0, :, whole:], torch.full((128, 204 - whole), 4.268 / 9.138)
    )
    assert not torch.equal(views[1, 0], views[1, 1])
    assert bool((views[:2, :, 0, :, 198:] == views[2, 0, 0, 0, -1]).all())


def test_silence_has_the_published_value_and_finite_scores(model: ImageBind) -> None:
    batch = batch_for(model)
    silent = replace(batch, waveform=torch.zeros_like(batch.waveform))
    views = model.spectrograms(silent.waveform, silent.lengths)
    assert views[0, 0, 0, 0, 0].item() == pytest.approx(-1.27757, abs=1e-5)
    frames, waveform = silent.frames.requires_grad_(), silent.waveform.requires_grad_()
    model(frames, waveform).sum().backward()
    assert bool(frames.grad.isfinite().all())
    assert not waveform.grad.any()


@given(samples=st.integers(1, 200_000))
@settings(max_examples=15, deadline=None)
def test_any_length_is_heard(vocabulary: dict[str, str], samples: int) -> None:
    model = small(vocabulary)
    waveform = torch.ones(1, samples)
    views = model.spectrograms(waveform, torch.tensor([samples]))
    assert bool(views.isfinite().all())
    longer = torch.nn.functional.pad(waveform, (0, 777))
    assert torch.equal(views, model.spectrograms(longer, torch.tensor([samples])))


@pytest.mark.parametrize("fusion", ["logits-mean", "embed-mean", "raw-sum"])
def test_gradients_reach_frames_and_every_excerpt(
    model: ImageBind, vocabulary: dict[str, str], fusion: str
) -> None:
    model = small(vocabulary, fusion=fusion)
    batch = batch_for(model, clips=2)
    frames, waveform = batch.frames.requires_grad_(), batch.waveform.requires_grad_()
    model.classify(batch).logsumexp(1).sum().backward()
    for leaf in (frames, waveform):
        assert bool(leaf.grad.isfinite().all())
    assert bool(frames.grad.flatten(2).any(2).all())
    for start in (0, 64_000, 128_000):
        assert bool(waveform.grad[0, start : start + 31_000].any())
    assert not waveform.grad[1, 41_764:].any()


def test_neighbours_change_no_bit(model: ImageBind) -> None:
    assert_neighbours_change_no_bit(model, batch_for(model))


def test_the_norm_surface_is_the_towers_of_both_senses() -> None:
    with torch.device("meta"):
        model = ImageBind(LABELS)
        surface = model.parameters_for("norm")
    assert len(surface) == 2 * (66 + 26)
    assert not any(name.startswith("text.") for name in surface)
    used = sum(p.numel() for p in model.parameters())
    assert used == pytest.approx(1.07e9, rel=0.01)


def test_saved_weights_load_again(model: ImageBind, tmp_path: Path) -> None:
    path = tmp_path / "imagebind.safetensors"
    save_checkpoint(path, model)
    other = ImageBind(LABELS, **model.config).eval()
    load_into(other, read_checkpoint(path))
    for name, tensor in model.state_dict().items():
        assert torch.equal(other.state_dict()[name], tensor), name
    batch = batch_for(model)
    torch.testing.assert_close(other.classify(batch), model.classify(batch))


def test_a_checkpoint_of_another_model_is_refused(
    model: ImageBind, tmp_path: Path
) -> None:
    torch.save({"visual.proj": torch.zeros(3, 3)}, tmp_path / "clip.pth")
    with pytest.raises(WeightsError, match="another model"):
        load_into(model, read_checkpoint(tmp_path / "clip.pth"))


def test_an_unknown_sense_is_no_silent_extra(model: ImageBind, tmp_path: Path) -> None:
    state = {**model.state_dict(), "modality_trunks.touch.weight": torch.zeros(1)}
    torch.save(state, tmp_path / "more.pth")
    with pytest.raises(WeightsError, match=r"unexpected: modality_trunks\.touch"):
        load_into(model, read_checkpoint(tmp_path / "more.pth"))


@pytest.mark.parametrize("option", ["image_size", "vision_width", "audio_width"])
def test_sizes_that_do_not_divide_are_refused(option: str) -> None:
    with pytest.raises(UsageError, match=f"{option} 33"):
        ImageBindConfig(**{option: 33})


def test_channels_last_is_another_layout_of_the_same_model(model: ImageBind) -> None:
    batch = batch_for(model)
    wanted = model.classify(batch)
    model = model.to(memory_format=torch.channels_last)
    torch.testing.assert_close(model.classify(batch), wanted)
