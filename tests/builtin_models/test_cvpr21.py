from __future__ import annotations

import math
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

from avplug.builtin_models.cvpr21 import CVPR21
from avplug.builtin_models.cvpr21_config import CVPR21Config
from avplug.builtin_models.cvpr21_parts import excerpt, localise
from avplug.builtin_models.hooks import avplug_models
from avplug.core.batch import Batch
from avplug.core.errors import CapabilityError, UsageError, WeightsError
from avplug.core.model import ClassifiesEachSense, FusesFeatures, PerSense
from avplug.core.weights import load_into, read_checkpoint, save_checkpoint
from tests.builtin_models.batches import batch_for

SMALL = {
    "image_size": 32,
    "samples": 8_000,
    "seconds": 1.0,
    "sound_widths": (8, 16),
    "frame_width": 2,
    "frame_depths": (1, 1, 1, 1),
}
LABELS = tuple("abcde")
SPEC = next(spec for spec in avplug_models() if spec.name == "cvpr21")
JOINT = ("concat", "sum", "film", "gated-sum", "gated-concat")
RATE = 11_025


def model_of(**options: object) -> CVPR21:
    torch.manual_seed(0)
    model = CVPR21(LABELS, **{**SMALL, **options}).eval()
    torch.nn.init.normal_(model.classifier.weight)
    return model


def loaded(sound: np.ndarray, samples: int) -> np.ndarray:
    """The released loader's excerpt, sample by sample."""
    half = (samples - 1) // 2
    seconds = len(sound) / RATE
    enough = math.floor(samples / RATE * 100) / 100
    middle = max(1, int(seconds * 8) // 2)
    if seconds < enough:
        sound = np.tile(sound, int(enough / seconds) + 1)
    centre = int((middle - 0.5) / 8 * RATE // 1)
    result = np.zeros(samples, np.float32)
    for place in range(max(0, centre - half), min(len(sound), centre + half)):
        result[half + place - centre] = np.clip(sound[place], -1, 1)
    return result


@settings(deadline=None, max_examples=30)
@given(lengths=st.lists(st.integers(1, 9_000), min_size=1, max_size=3))
def test_the_excerpt_is_the_released_loaders(lengths: list[int]) -> None:
    samples = 4_501
    waveform = torch.zeros(len(lengths), max(lengths))
    rng = np.random.default_rng(0)
    for row, length in zip(waveform, lengths, strict=True):
        row[:length] = torch.from_numpy(rng.normal(0, 0.6, length))
    cut = excerpt(waveform, torch.tensor(lengths), samples)
    for row, part, length in zip(waveform, cut, lengths, strict=True):
        assert np.array_equal(part.numpy(), loaded(row[:length].numpy(), samples))


def test_of_ten_seconds_the_published_moment_is_in_the_middle() -> None:
    spec = CVPR21Config().input
    assert (spec.sample_rate, spec.samples, spec.channels) == (RATE, 110_250, "mean")
    sound = torch.arange(110_250.0)[None] / 110_250
    cut = excerpt(sound, torch.tensor([110_250]), 65_535)
    assert cut[0, 32_767] == sound[0, int(39.5 / 8 * RATE)]
    assert cut[0, -1] == 0
    assert (spec.grid, spec.picks, spec.frame_rule) == (80, (39,), "centre")
    assert (spec.picks[0] + 0.5) / spec.grid * 10 == 39.5 / 8


def test_a_clip_without_sound_is_silent() -> None:
    cut = excerpt(torch.ones(2, 500), torch.tensor([0, 500]), 700)
    assert not cut[0].any()
    assert cut[1].any()


@pytest.mark.parametrize("fusion", JOINT)
@pytest.mark.parametrize("pool", ["avg", "max", "localised"])
def test_every_fusion_hears_and_sees(fusion: str, pool: str) -> None:
    model = model_of(fusion=fusion, pool=pool)
    batch = batch_for(model)
    logits = model.classify(batch)
    assert logits.shape == (3, 5)
    assert torch.equal(model(batch.frames, batch.waveform), logits)
    deaf = replace(batch, waveform=-batch.waveform)
    blind = replace(batch, frames=1 - batch.frames)
    assert not torch.equal(model.classify(deaf), logits)
    assert not torch.equal(model.classify(blind), logits)


@pytest.mark.parametrize("fusion", ["audio", "visual"])
def test_networks_of_one_sense(fusion: str) -> None:
    model = model_of(fusion=fusion)
    batch = batch_for(model)
    logits = model.classify(batch)
    deaf = replace(batch, waveform=-batch.waveform)
    blind = replace(batch, frames=1 - batch.frames)
    assert torch.equal(model.classify(deaf), logits) == (fusion == "visual")
    assert torch.equal(model.classify(blind), logits) == (fusion == "audio")
    assert hasattr(model, "sound") == (fusion == "audio")
    assert hasattr(model, "frame") == (fusion == "visual")
    with pytest.raises(CapabilityError, match=f"fusion={fusion} has one sense only"):
        model.unimodal(model.encode(batch))


@pytest.mark.parametrize("fusion", JOINT)
def test_each_sense_answers_as_if_the_other_had_no_features(fusion: str) -> None:
    model = model_of(fusion=fusion)
    assert isinstance(model, ClassifiesEachSense)
    batch = batch_for(model)
    tokens = model.encode(batch)
    each = model.unimodal(tokens)
    blind = model.encode(replace(batch, frames=1 - batch.frames))
    torch.testing.assert_close(model.unimodal(blind).audio, each.audio)
    assert not torch.equal(model.unimodal(blind).video, each.video)
    if fusion in ("concat", "sum"):
        both = each.audio + each.video - model.classifier.bias
        torch.testing.assert_close(both, model.fuse(tokens))
    with pytest.raises(CapabilityError, match="no joint transformer"):
        model.unimodal(tokens, padded=True)


def test_features_and_what_they_are_over_time() -> None:
    model = model_of()
    tokens = model.encode(batch_for(model, frames=3))
    each, over_time = model.features(tokens), model.sequences(tokens)
    assert over_time.audio.shape == (3, 125, 16)
    assert over_time.video.shape == (3, 3, 16)
    assert each.audio.shape == each.video.shape == (3, 16)
    torch.testing.assert_close(each.audio, over_time.audio.amax(1))
    torch.testing.assert_close(each.video, over_time.video.mean(1))


def test_of_several_frames_the_probabilities_are_averaged() -> None:
    model = model_of()
    batch = batch_for(model, frames=2)
    single = [
        model.classify(replace(batch, frames=batch.frames[:, i : i + 1])).softmax(1)
        for i in range(2)
    ]
    average = model.classify(batch).softmax(1)
    torch.testing.assert_close(average, sum(single) / 2)


@pytest.mark.parametrize("fusion", JOINT)
def test_of_one_frame_the_answer_follows_from_the_features(fusion: str) -> None:
    model = model_of(fusion=fusion)
    assert isinstance(model, FusesFeatures)
    assert "late-fusion" in SPEC.capabilities
    tokens = model.encode(batch_for(model))
    features = model.features(tokens)
    assert features.audio.shape[1] == model.feature_width
    assert torch.equal(model.fuse_features(features), model.fuse(tokens))


def test_a_place_that_sounds_alike_has_the_weight() -> None:
    maps = torch.zeros(1, 2, 2, 2)
    maps[0, :, 0, 1] = torch.tensor([3.0, 4.0])
    attended, weights = localise(maps, torch.tensor([[3.0, 4.0]]))
    torch.testing.assert_close(weights.sum((1, 2)), torch.ones(1))
    assert weights[0, 0, 1] > 0.99
    torch.testing.assert_close(attended, torch.tensor([[3.0, 4.0]]))
    unheard, even = localise(maps, torch.zeros(1, 2))
    torch.testing.assert_close(even, torch.full((1, 2, 2), 0.25))
    torch.testing.assert_close(unheard, maps.mean((-2, -1)))


def test_neighbours_change_no_answer() -> None:
    model = model_of()
    batch = batch_for(model)
    whole = model.classify(batch)
    for i in range(3):
        part = Batch(
            *(t[i : i + 1] for t in (batch.frames, batch.waveform, batch.lengths))
        )
        torch.testing.assert_close(model.classify(part)[0], whole[i])


def test_training_uses_the_batchs_statistics_and_evaluation_does_not() -> None:
    model = model_of()
    batch = batch_for(model)
    whole = model.classify(batch)
    model.train()
    assert not torch.allclose(model.classify(batch), whole)
    counted = {int(t) for n, t in model.state_dict().items() if "tracked" in n}
    assert counted == {1}


def test_gradients_reach_the_inputs_and_every_parameter() -> None:
    model = model_of(fusion="film")
    batch = batch_for(model)
    batch.frames.requires_grad_()
    batch.waveform.requires_grad_()
    model.classify(batch).square().sum().backward()
    assert batch.frames.grad.flatten(1).any(1).all()
    assert batch.waveform.grad.any(1).all()
    assert all(p.grad is not None for p in model.parameters())


def test_silence_and_darkness_give_finite_numbers() -> None:
    model = model_of(pool="localised")
    batch = batch_for(model)
    dark = replace(
        batch,
        frames=torch.zeros_like(batch.frames),
        waveform=torch.zeros_like(batch.waveform).requires_grad_(),
    )
    logits = model.classify(dark)
    logits.sum().backward()
    assert logits.isfinite().all()
    assert dark.waveform.grad.isfinite().all()


def test_surfaces() -> None:
    model = model_of(fusion="film")
    head = [
        f"{n}.{k}" for n in ("fusion.alpha", "classifier") for k in ("weight", "bias")
    ]
    assert list(model.parameters_for("classifier")) == head
    assert len(model.parameters_for("norm")) == 2 * (4 + 1 + 4 * 2 + 3)
    with pytest.raises(CapabilityError, match="no surface 'fusion_attention'"):
        model.parameters_for("fusion_attention")


def released_frame(model: CVPR21) -> dict[str, torch.Tensor]:
    numbers = {"conv1": 0, "bn1": 1, "layer1": 4, "layer2": 5, "layer3": 6, "layer4": 7}
    result = {}
    for name, tensor in model.frame.state_dict().items():
        first, _, rest = name.partition(".")
        result[f"features.{numbers[first]}.{rest}"] = tensor
    return result


@pytest.mark.parametrize("names", ["torchvision", "released"])
def test_the_picture_encoder_starts_from_a_file(tmp_path: Path, names: str) -> None:
    source = model_of()
    tensors = source.frame.state_dict()
    if names == "released":
        tensors = released_frame(source)
    else:
        tensors["fc.weight"], tensors["fc.bias"] = torch.zeros(10, 16), torch.zeros(10)
    path = tmp_path / "frame.pth"
    torch.save(tensors, path)
    torch.manual_seed(7)
    started = CVPR21(LABELS, frame_weights=str(path), **SMALL)
    assert torch.equal(started.frame.conv1.weight, source.frame.conv1.weight)
    assert "frame_weights" not in started.config
    heads = {"ImageNet's classifier": 2} if names == "torchvision" else {}
    assert started.ignored == heads
    assert started.classifier.weight.std() < 2e-4
    del tensors[next(iter(tensors))]
    torch.save(tensors, path)
    with pytest.raises(WeightsError, match=r"missing: frame\.conv1\.weight"):
        CVPR21(LABELS, frame_weights=str(path), **SMALL)


def test_saved_weights_load_again(tmp_path: Path) -> None:
    model = model_of(fusion="gated-concat")
    path = tmp_path / "cvpr21.safetensors"
    save_checkpoint(path, model)
    other = CVPR21(LABELS, **model.config).eval()
    load_into(other, read_checkpoint(path))
    batch = batch_for(model)
    torch.testing.assert_close(other.classify(batch), model.classify(batch))
    assert model.config == asdict(model.sizes)


def test_the_tiny_variant_is_small() -> None:
    tiny = CVPR21(LABELS, **SPEC.variants["tiny"])
    assert sum(p.numel() for p in tiny.parameters()) < 500_000
    tokens = tiny.encode(batch_for(tiny, 1))
    assert isinstance(tokens, PerSense)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fusoin": "sum"}, "no option 'fusoin'. Did you mean 'fusion'?"),
        ({"fusion": "gated"}, "Unknown fusion 'gated'. Did you mean 'gated-sum'?"),
        ({"pool": "mean"}, "Unknown pool 'mean'"),
        ({"pool": "localised", "fusion": "visual"}, "nothing can be localised"),
        ({"frame_width": 32}, "gives 512 features, the picture 256"),
        ({"samples": 1000}, "samples 1000 are too few"),
        ({"picks": (80,)}, r"picks \[80\] are not parts 0..79"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    options: dict[str, object], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        CVPR21(LABELS, **options)
