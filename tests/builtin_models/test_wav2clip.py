from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from avplug.builtin_models.hooks import avplug_models
from avplug.builtin_models.wav2clip import Wav2CLIP
from avplug.builtin_models.wav2clip_sound import Spectrogram, standardised
from avplug.core.errors import UsageError, WeightsError
from avplug.core.model import ClassifiesEachSense
from avplug.core.weights import Checkpoint, load_into
from tests.builtin_models.batches import batch_of_lengths
from tests.builtin_models.vocabulary import write_vocabulary

LABELS = ("dog", "playing violin", "rain")
SPEC = next(spec for spec in avplug_models() if spec.name == "wav2clip")


@pytest.fixture
def options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    monkeypatch.setenv("AVPLUG_CACHE", str(tmp_path / "cache"))
    return {**SPEC.variants["tiny"], **write_vocabulary(tmp_path), "grid": 2}


@pytest.fixture
def model(options: dict[str, object]) -> Wav2CLIP:
    torch.manual_seed(0)
    return Wav2CLIP(LABELS, **options).eval()


def test_it_hears_and_sees(model: Wav2CLIP) -> None:
    assert isinstance(model, ClassifiesEachSense)
    assert model.input.sample_rate == 16_000
    batch = batch_of_lengths(model, 4000, 4000)
    logits = model.classify(batch)
    assert logits.shape == (2, 3)
    each = model.unimodal(model.encode(batch))
    torch.testing.assert_close((each.audio + each.video) / 2, logits)
    deaf = replace(batch, waveform=batch.waveform.cumsum(1))
    assert not torch.allclose(model.classify(deaf), logits)


def test_a_clip_is_heard_as_if_it_were_alone(model: Wav2CLIP) -> None:
    batch = batch_of_lengths(model, 6000, 4000, 6000, 100, 0)
    whole = model.embed_sound(batch.waveform, batch.lengths)
    for row, length, vector in zip(batch.waveform, batch.lengths, whole, strict=True):
        alone = model.embed_sound(row[None, :length], length[None])
        torch.testing.assert_close(alone[0], vector)


def test_with_the_public_codes_rule_neighbours_matter(
    options: dict[str, object],
) -> None:
    torch.manual_seed(0)
    model = Wav2CLIP(LABELS, **options, norm="batch").eval()
    batch = batch_of_lengths(model, 6000, 6000)
    louder = torch.cat([batch.waveform[:1], 100 * batch.waveform[1:]])
    first, second = (
        model.embed_sound(waveform, batch.lengths)[0]
        for waveform in (batch.waveform, louder)
    )
    assert not torch.allclose(first, second)
    assert model.config["norm"] == "batch"


def test_standardising_uses_the_unbiased_deviation() -> None:
    logs = torch.randn(3, 4, 5) * torch.tensor([1.0, 2.0, 3.0]).view(3, 1, 1)
    each = standardised(logs, "sample")
    torch.testing.assert_close(each.std((1, 2)), torch.ones(3))
    together = standardised(logs, "batch")
    assert together.std().item() == pytest.approx(1)
    assert not torch.allclose(together, each)


def test_the_spectrogram_is_a_power() -> None:
    time = torch.arange(16_000) / 16_000
    tone = torch.sin(2 * torch.pi * 1000 * time)[None]
    logs = Spectrogram()(tone)
    assert logs.shape == (1, 257, 46)
    # The window's sum is 256; a sine has half of it on either side.
    assert logs[0, 32, 20].exp().item() == pytest.approx(128**2, rel=1e-3)
    assert logs.min().item() > -16.12


def test_gradients_reach_frames_and_waveform(model: Wav2CLIP) -> None:
    batch = batch_of_lengths(model, 6000, 4000)
    batch.frames.requires_grad_()
    batch.waveform.requires_grad_()
    model.classify(batch).logsumexp(1).sum().backward()
    assert batch.frames.grad.flatten(1).any(1).all()
    assert batch.waveform.grad.any(1).all()
    assert not batch.waveform.grad[1, 4000:].any()


@pytest.mark.parametrize("norm", ["sample", "batch"])
def test_silence_gives_finite_numbers_and_no_gradient(
    options: dict[str, object], norm: str
) -> None:
    model = Wav2CLIP(LABELS, **options, norm=norm).eval()
    batch = batch_of_lengths(model, 3000)
    silent = replace(batch, waveform=torch.zeros(1, 3000, requires_grad=True))
    logits = model.classify(silent)
    logits.logsumexp(1).sum().backward()
    assert logits.isfinite().all()
    assert not silent.waveform.grad.any()


def parts_of(model: Wav2CLIP) -> dict[str, torch.Tensor]:
    """The model's tensors as its two files have them, with what else is in one."""
    tensors = {
        f"{'audio' if name.startswith('audio_') else 'clip'}.{name}": tensor
        for name, tensor in model.state_dict().items()
    }
    tensors["audio.image_transform.sequential.0.weight"] = torch.zeros(2, 2)
    tensors["audio.loss_fn_ia.t"] = torch.zeros(())
    return tensors


def test_a_checkpoint_consists_of_two_files(model: Wav2CLIP, tmp_path: Path) -> None:
    torch.manual_seed(5)
    other = Wav2CLIP(LABELS, **model.config).eval()
    load_into(other, Checkpoint(tmp_path, parts_of(model), ""))
    batch = batch_of_lengths(model, 3000)
    torch.testing.assert_close(other.classify(batch), model.classify(batch))


@pytest.mark.parametrize("part", ["audio", "clip"])
def test_a_lacking_part_is_named(model: Wav2CLIP, tmp_path: Path, part: str) -> None:
    tensors = parts_of(model)
    kept = {n: t for n, t in tensors.items() if not n.startswith(f"{part}.")}
    with pytest.raises(WeightsError, match="missing: "):
        load_into(model, Checkpoint(tmp_path, kept, ""))


def test_the_norm_surface_is_the_audio_and_picture_towers() -> None:
    with torch.device("meta"):
        surface = Wav2CLIP(LABELS).parameters_for("norm")
    towers = [name.partition(".")[0] for name in surface]
    assert towers.count("audio_encoder") == 2 * 20
    assert towers.count("visual") == 2 * 26
    assert len(towers) == 2 * 46


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"norm": "clip"}, "Unknown norm 'clip'"),
        ({"width": 33}, "width 33 is not a multiple of heads 12"),
        ({"nrom": "batch"}, "Wav2CLIP has no option 'nrom'. Did you mean 'norm'?"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    options: dict[str, object], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        Wav2CLIP(LABELS, **options)
