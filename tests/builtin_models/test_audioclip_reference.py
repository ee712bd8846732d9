"""AudioCLIP under the recipe's weights gives what its authors' code gives."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from avplug.builtin_models.audioclip import AudioCLIP
from avplug.builtin_models.audioclip_sound import ESResNeXt, blackman_harris, scaled
from avplug.core.weights import load_into
from avplug.media.sound import read_sound
from tests.builtin_models.shared import CLIPS, needs_clips
from tests.golden import (
    arrays,
    assert_close,
    facts,
    listed_shapes,
    needs_golden,
    normal,
    picture,
    plain,
    recipe_checkpoint,
    shapes_of,
    wave,
    zero_shot_state,
)

pytestmark = needs_golden

FEATURES, COSINES, DECIBELS = 1e-4, 1e-5, 0.01


def listed() -> dict[str, tuple[int, ...]]:
    return listed_shapes(facts("models/audioclip_keys.json"))


def recipe() -> dict[str, torch.Tensor]:
    fixed = {
        "logit_scale": torch.tensor(1.0),
        "logit_scale_ai": torch.tensor(math.log(100)),
        "logit_scale_at": torch.tensor(math.log(100)),
        "audio.window": blackman_harris(1654),
        "audio.fbsp.m": torch.zeros(1025),
        "audio.fbsp.fb": torch.ones(1025),
        "audio.fbsp.fc": torch.arange(1025.0),
    }
    return zero_shot_state(listed(), fixed)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> AudioCLIP:
    """The published size, its weights read from a file as published ones are."""
    checkpoint = recipe_checkpoint(recipe(), tmp_path_factory.mktemp("weights"))
    model = AudioCLIP(("dog", "cat")).eval().requires_grad_(False)
    load_into(model, checkpoint)
    return model


@pytest.fixture(scope="module")
def wanted() -> dict[str, np.ndarray]:
    return arrays("models/audioclip_parity.npz")


@pytest.fixture(scope="module")
def embedded(model: AudioCLIP, wanted: dict) -> dict[str, torch.Tensor]:
    """Vectors of the recipe's inputs, as the towers give them."""
    return {
        "audio": model.audio(sound()),
        "image": model.embed_pictures(picture("audioclip/image", (2, 3, 224, 224))),
        "text": model.embed_texts(torch.from_numpy(wanted["tokens"])),
    }


@pytest.fixture
def second_state(model: AudioCLIP) -> Iterator[ESResNeXt]:
    """The audio tower with wavelets of other orders, widths and frequencies."""
    tower = model.audio
    first = {name: p.clone() for name, p in tower.fbsp.named_parameters()}
    m, fb, fc = (
        torch.from_numpy(normal(f"audio.fbsp.{name}", (1025,)))
        for name in ("m", "fb", "fc")
    )
    tower.fbsp.m.copy_(0.5 + 0.3 * m.abs())
    tower.fbsp.fb.copy_(1 + 0.1 * fb.abs())
    tower.fbsp.fc.copy_(torch.arange(1025) + 0.1 * fc)
    yield tower
    tower.fbsp.load_state_dict(first)


def sound() -> torch.Tensor:
    return wave("audioclip/audio", (2, 1, 220_500), 44_100, 32_768)


def assert_same_direction(got: torch.Tensor, wanted: np.ndarray) -> None:
    assert_close(
        F.normalize(got), F.normalize(torch.from_numpy(wanted)).numpy(), FEATURES
    )


def test_every_published_name_has_its_place() -> None:
    with torch.device("meta"):
        model = AudioCLIP(("dog",))
        tensors = {name: torch.empty(shape) for name, shape in listed().items()}
    assert len(tensors) == 861
    adapted = model.adapt_state(tensors)
    assert {n: tuple(t.shape) for n, t in adapted.items()} == shapes_of(model)
    assert tensors.keys() - adapted.keys() >= {"audio.fbsp.bias"}
    assert model.ignored == {"empty tensors": 1}
    assert sum(p.numel() for p in model.parameters()) == 134_111_910


def test_the_norm_surface_is_the_audio_and_picture_towers() -> None:
    with torch.device("meta"):
        surface = AudioCLIP(("dog",)).parameters_for("norm")
    towers = [name.partition(".")[0] for name in surface]
    assert (towers.count("visual"), towers.count("audio")) == (2 * 55, 2 * 58)


@pytest.mark.slow
@pytest.mark.parametrize("tower", ["audio", "image", "text"])
def test_features(
    embedded: dict[str, torch.Tensor], wanted: dict[str, np.ndarray], tower: str
) -> None:
    assert_same_direction(embedded[tower], wanted[f"{tower}_features"])


@pytest.mark.slow
def test_logits(
    model: AudioCLIP,
    embedded: dict[str, torch.Tensor],
    wanted: dict[str, np.ndarray],
) -> None:
    audio, image, text = (F.normalize(embedded[t]) for t in ("audio", "image", "text"))
    for name, scale, cosines in (
        ("audio_text", model.scale("audio"), audio @ text.T),
        ("image_text", model.scale("visual"), image @ text.T),
        ("audio_image", model.audio_visual_scale(), audio @ image.T),
    ):
        assert_close(scale * cosines, wanted[f"logits_{name}"], COSINES * float(scale))


@pytest.mark.slow
def test_spectrogram(model: AudioCLIP, wanted: dict[str, np.ndarray]) -> None:
    levels = model.audio.spectrogram(sound())
    assert list(levels.shape) == wanted["x_db_shape"].tolist()
    assert_close(levels[0, 0, :, :64, :64], wanted["x_db_crop"], DECIBELS)
    assert_close(levels.mean((2, 3, 4)), wanted["x_db_mean"], DECIBELS)


@pytest.mark.slow
def test_trained_wavelets(
    second_state: ESResNeXt, wanted: dict[str, np.ndarray]
) -> None:
    rows = [0, 1, 2, 500, 1023, 1024]
    kernel = torch.stack(second_state.fbsp.kernel(), -1)[:, rows].movedim(1, 0)
    assert_close(kernel, wanted["fbsp_weights_rows"], 1e-5)
    levels = second_state.spectrogram(sound()[:1])
    assert_close(levels[0, 0, :, :64, :64], wanted["x_db_fbsp_crop"], DECIBELS)
    for name, waveform in (
        ("", sound()),
        ("_short1000", plain("audioclip/short", (1, 1, 1000), 3000)),
        ("_stereo44100", plain("audioclip/stereo", (1, 2, 44_100), 3000)),
    ):
        features = second_state(waveform)
        assert_same_direction(features, wanted[f"audio_features_fbsp{name}"])


@needs_clips
@pytest.mark.parametrize(
    ("scaling", "name", "audible"), [("int16", "int16", -100), ("unit", "float", -120)]
)
def test_spectrograms_of_real_sounds(scaling: str, name: str, audible: float) -> None:
    golden = arrays("models/golden_audioclip_spec.npz")
    files = ("cat_3-95694-A-5.wav", "coughing_1-58792-A-24.wav")
    waveform = np.stack([read_sound(CLIPS / file)[0] for file in files])
    tower = ESResNeXt().requires_grad_(False)
    levels = tower.spectrogram(scaled(torch.from_numpy(waveform), scaling))
    assert list(levels.shape) == golden["shape"].tolist()
    assert levels.isfinite().all()
    reference = golden[f"x_db_{name}_ds8"]
    heard = reference > audible
    worst = np.abs(levels[..., ::8, ::8].numpy() - reference)[heard].max()
    assert worst <= 0.05
