from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from avplug.builtin_models.audioclip import AudioCLIP
from avplug.builtin_models.audioclip_sound import Gate, scaled
from avplug.builtin_models.hooks import avplug_models
from avplug.core.errors import UsageError, WeightsError
from avplug.core.model import ClassifiesEachSense
from avplug.core.weights import load_into, read_checkpoint, save_checkpoint
from tests.builtin_models.batches import batch_of_lengths
from tests.builtin_models.vocabulary import write_vocabulary

LABELS = ("dog", "playing violin", "rain")
SPEC = next(spec for spec in avplug_models() if spec.name == "audioclip")


@pytest.fixture
def options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    monkeypatch.setenv("AVPLUG_CACHE", str(tmp_path / "cache"))
    return {**SPEC.variants["tiny"], **write_vocabulary(tmp_path), "grid": 2}


@pytest.fixture
def model(options: dict[str, object]) -> AudioCLIP:
    torch.manual_seed(0)
    return AudioCLIP(LABELS, **options).eval()


def test_it_asks_for_what_the_published_model_heard() -> None:
    with torch.device("meta"):
        spec = AudioCLIP(LABELS, seconds=5.0).input
    assert (spec.size, spec.sample_rate, spec.channels) == (224, 44_100, "mean")
    assert spec.samples == 220_500


def test_it_hears_and_sees(model: AudioCLIP) -> None:
    assert isinstance(model, ClassifiesEachSense)
    batch = batch_of_lengths(model, 4000, 4000)
    logits = model.classify(batch)
    assert logits.shape == (2, 3)
    torch.testing.assert_close(model(batch.frames, batch.waveform), logits)
    tokens = model.encode(batch)
    each = model.unimodal(tokens)
    torch.testing.assert_close((each.audio + each.video) / 2, logits)
    blind = replace(batch, frames=1 - batch.frames)
    again = model.unimodal(model.encode(blind))
    torch.testing.assert_close(again.audio, each.audio)
    assert not torch.allclose(again.video, each.video)


def test_scales_are_bounded(model: AudioCLIP) -> None:
    assert model.scale("audio").item() == pytest.approx(100)
    assert model.scale("visual").item() == pytest.approx(2.71828, rel=1e-4)
    with torch.no_grad():
        model.logit_scale_at.fill_(9.0)
        model.logit_scale.fill_(-1.0)
        model.logit_scale_ai.fill_(2.0)
    assert model.scale("audio").item() == 100
    assert model.scale("visual").item() == 1
    assert model.audio_visual_scale().item() == pytest.approx(7.389, rel=1e-3)


def test_a_clip_is_heard_as_if_it_were_alone(model: AudioCLIP) -> None:
    batch = batch_of_lengths(model, 6000, 4000, 6000, 500, 0)
    whole = model.embed_sound(batch.waveform, batch.lengths)
    for row, length, vector in zip(batch.waveform, batch.lengths, whole, strict=True):
        alone = model.embed_sound(row[None, :length], length[None])
        torch.testing.assert_close(alone[0], vector, rtol=1e-4, atol=1e-5)
    # To count the zeros after its end would be something else.
    padded = model.embed_sound(batch.waveform, torch.full((5,), 6000))
    assert not torch.allclose(padded[1], whole[1], rtol=1e-2)


def test_gradients_reach_frames_and_waveform(model: AudioCLIP) -> None:
    batch = batch_of_lengths(model, 6000, 4000)
    batch.frames.requires_grad_()
    batch.waveform.requires_grad_()
    model.classify(batch).logsumexp(1).sum().backward()
    assert batch.frames.grad.flatten(1).any(1).all()
    heard = batch.waveform.grad
    assert heard.isfinite().all()
    assert heard[0].count_nonzero() > 5000
    assert not heard[1, 4000:].any()


@pytest.mark.parametrize("scaling", ["int16", "unit", "minmax"])
def test_silence_gives_finite_numbers(options: dict[str, object], scaling: str) -> None:
    model = AudioCLIP(LABELS, **options, scaling=scaling).eval()
    batch = batch_of_lengths(model, 3000)
    silent = replace(batch, waveform=torch.zeros(1, 3000, requires_grad=True))
    logits = model.classify(silent)
    logits.logsumexp(1).sum().backward()
    assert logits.isfinite().all()
    assert silent.waveform.grad.isfinite().all()
    assert model.audio.spectrogram(torch.zeros(1, 1, 2000)).min() < -150


def test_channels_are_added(model: AudioCLIP) -> None:
    sound = 3000 * torch.randn(1, 2, 3000, generator=torch.Generator().manual_seed(0))
    bias = model.audio.fc.bias
    left, right = (model.audio(sound[:, i : i + 1]) - bias for i in (0, 1))
    torch.testing.assert_close(
        model.audio(sound) - bias, left + right, rtol=1e-4, atol=1e-5
    )


def test_what_the_tower_is_given() -> None:
    sound = torch.tensor([[0.0, 0.5, -0.25], [0.1, 0.1, 0.1]])
    assert torch.equal(scaled(sound, "unit"), sound)
    assert torch.equal(scaled(sound, "int16"), sound * 32_768)
    stretched = scaled(sound, "minmax")
    torch.testing.assert_close(
        stretched[0], torch.tensor([65_535 / 3 - 32_768, 32_767, -32_768])
    )
    assert not stretched[1].any()
    torch.testing.assert_close(scaled(0.01 * sound, "minmax"), stretched)


def test_full_scale_is_full_scale(model: AudioCLIP) -> None:
    """A sine of full scale at a wavelet's frequency peaks in that wavelet's band."""
    time = torch.arange(8000) / 44_100
    hertz = 400 * 44_100 / 2047
    sound = 32_767 * torch.sin(2 * torch.pi * hertz * time)
    levels = model.audio.spectrogram(sound.view(1, 1, -1))[0, 0]
    assert levels.shape == (3, 341, 13)
    band, row = divmod(int(levels[..., 6].flatten().argmax()), 341)
    assert (band, row) == (1, 400 - 341)
    # A quarter of the squared sum of the window, over the length of a wavelet.
    expected = 10 * torch.log10(model.audio.window.sum() ** 2 / 4 / 2048)
    torch.testing.assert_close(levels[band, row, 6], expected, atol=0.05, rtol=0)


def test_autocast_leaves_the_front_end_as_it_is(model: AudioCLIP) -> None:
    batch = batch_of_lengths(model, 4000)
    sound = 32_768 * batch.waveform[:, None]
    levels = model.audio.spectrogram(sound)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(model.audio.spectrogram(sound), levels)
        assert model.embed_sound(batch.waveform, batch.lengths).isfinite().all()


def test_double_precision_agrees_with_single(model: AudioCLIP) -> None:
    batch = batch_of_lengths(model, 4000)
    single = model.classify(batch)
    double = model.double().classify(batch)
    assert double.dtype == torch.float64
    torch.testing.assert_close(double.float(), single, rtol=1e-3, atol=1e-3)


def test_a_gate_lets_through_shares() -> None:
    gate = Gate(4, 6, (1, 5)).eval()
    shares = gate(torch.randn(2, 4, 9, 14), (3, 7))
    assert shares.shape == (2, 6, 3, 7)
    assert ((shares > 0) & (shares < 1)).all()


def test_saved_weights_load_again_and_a_lacking_tensor_is_named(
    model: AudioCLIP, tmp_path: Path
) -> None:
    path = tmp_path / "audioclip.safetensors"
    save_checkpoint(path, model)
    other = AudioCLIP(LABELS, **model.config).eval()
    load_into(other, read_checkpoint(path))
    batch = batch_of_lengths(model, 3000)
    torch.testing.assert_close(other.classify(batch), model.classify(batch))
    state = model.state_dict()
    del state["audio.att3.conv_point.bias"]
    torch.save(state, tmp_path / "lacking.pth")
    with pytest.raises(WeightsError, match=r"missing: audio\.att3\.conv_point\.bias"):
        load_into(model, read_checkpoint(tmp_path / "lacking.pth"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scaling": "int8"}, "Unknown scaling 'int8'. Did you mean 'int16'?"),
        ({"image_size": 100}, "image_size 100 is not a multiple of 32"),
        ({"audio_width": 24}, "audio_width 24 is not a multiple of 16"),
        ({"text_heads": 7}, "text_width 512 is not a multiple of text_heads 7"),
        ({"scalign": "unit"}, "AudioCLIP has no option 'scalign'"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    options: dict[str, object], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        AudioCLIP(LABELS, **options)
