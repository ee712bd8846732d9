"""Wav2CLIP's audio tower under the recipe's weights gives what its authors' gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from avplug.builtin_models.wav2clip import Wav2CLIP
from avplug.builtin_models.wav2clip_sound import standardised
from avplug.core.weights import Checkpoint, load_into, read_checkpoint
from tests.golden import (
    arrays,
    assert_near,
    facts,
    listed_shapes,
    needs_golden,
    wave,
    zero_shot_state,
)

pytestmark = needs_golden

RELATIVE = 1e-5
#: The audio tower is of the published size, the others have reference tests elsewhere.
SMALL = {"width": 32, "depth": 1, "heads": 2, "text_width": 32, "text_depth": 1}
WINDOW = "audio_encoder.spectrogram.window"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Wav2CLIP:
    """Its audio part is read from a file as the published one is."""
    path: Path = tmp_path_factory.mktemp("weights") / "Wav2CLIP.pt"
    keys = listed_shapes(facts("models/wav2clip_keys.json"))
    assert len(keys) == 125
    torch.save(zero_shot_state(keys, {WINDOW: torch.hann_window(512)}), path)
    model = Wav2CLIP(("dog", "cat"), **SMALL).eval().requires_grad_(False)
    tensors = {
        f"clip.{name}": tensor
        for name, tensor in model.state_dict().items()
        if not name.startswith("audio_")
    }
    for name, tensor in read_checkpoint(path).tensors.items():
        tensors[f"audio.{name}"] = tensor
    load_into(model, Checkpoint(path, tensors, ""))
    return model


@pytest.fixture
def in_batch(model: Wav2CLIP, monkeypatch: pytest.MonkeyPatch) -> Wav2CLIP:
    """The model with the public code's normalisation over the whole batch."""
    monkeypatch.setattr(model, "norm", "batch")
    return model


@pytest.fixture(scope="module")
def wanted() -> dict[str, np.ndarray]:
    return arrays("models/wav2clip_parity.npz")


def sound() -> torch.Tensor:
    return wave("wav2clip/audio", (2, 160_000), 16_000)


def hear(model: Wav2CLIP, waveform: torch.Tensor) -> torch.Tensor:
    lengths = torch.full((len(waveform),), waveform.shape[1])
    return model.embed_sound(waveform, lengths)


def test_parameters_are_as_many_as_published(model: Wav2CLIP) -> None:
    counts = [
        sum(p.numel() for p in part.parameters())
        for part in (model.audio_encoder, model.audio_transform)
    ]
    assert counts == [11_170_240, 525_312]
    audible = [n for n in model.parameters_for("norm") if n.startswith("audio_")]
    assert len(audible) == 2 * 20


def test_log_spectrogram(model: Wav2CLIP, wanted: dict[str, np.ndarray]) -> None:
    logs = model.audio_encoder.spectrogram(sound())
    assert logs.shape == (2, 257, 454)
    reference = wanted["log_spec_crop"]
    apart = np.abs(logs[:, :64, :64].numpy() - reference) / np.abs(reference).max()
    # 80 dB below the loudest bin there is the rounding of one FFT or another.
    assert np.quantile(apart, 0.999) <= RELATIVE
    assert apart.max() <= 1e-4


def test_batch_rule(in_batch: Wav2CLIP, wanted: dict[str, np.ndarray]) -> None:
    logs = in_batch.audio_encoder.spectrogram(sound())
    encoded = in_batch.audio_encoder(standardised(logs, "batch"))
    assert_near(encoded, wanted["audio_encoder_out"], RELATIVE)
    assert_near(hear(in_batch, sound()), wanted["audio_embedding_batch2"], RELATIVE)


def test_sample_rule(model: Wav2CLIP, wanted: dict[str, np.ndarray]) -> None:
    both = hear(model, sound())
    for row in (0, 1):
        assert_near(
            both[row : row + 1], wanted[f"audio_embedding_single{row}"], RELATIVE
        )
    short = hear(model, sound()[:1, :8000])
    assert_near(short, wanted["audio_embedding_short8000"], RELATIVE)


def test_ten_pieces_in_a_batch(
    in_batch: Wav2CLIP, wanted: dict[str, np.ndarray]
) -> None:
    pieces = sound()[1].view(10, 16_000)
    assert_near(hear(in_batch, pieces), wanted["frames10x16000_embedding"], RELATIVE)
