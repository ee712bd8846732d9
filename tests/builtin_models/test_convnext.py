import pytest
import torch
from hypothesis import given, settings, strategies as st

from avplug.builtin_models.convnext import ConvNeXt, from_layout
from tests.golden import (
    arrays,
    assert_close,
    facts,
    needs_golden,
    normal,
    published_state,
)

KEYS = {
    "torchvision": ("keys_uavm_visual_convnext_b_torchvision", 3, 1000),
    "uavm-audio": ("keys_uavm_audio_convnext_b_309", 1, 309),
}


def small(channels: int = 3, classes: int = 0) -> ConvNeXt:
    torch.manual_seed(0)
    return ConvNeXt(channels, (1, 1, 2, 1), (8, 16, 24, 32), classes).eval()


@settings(deadline=None, max_examples=10)
@given(height=st.integers(32, 80), width=st.integers(32, 80))
def test_a_thirty_second_of_any_size_comes_out(height: int, width: int) -> None:
    net = small()
    with torch.no_grad():
        features = net(torch.rand(2, 3, height, width))
    assert features.shape == (2, 32, height // 32, width // 32)
    assert features.isfinite().all()


def test_it_classifies_the_mean_of_its_features() -> None:
    net = small(classes=7)
    pictures = torch.rand(2, 3, 32, 64)
    norm, _, linear = net.classifier
    wanted = linear(
        torch.nn.functional.layer_norm(
            net(pictures).mean((2, 3)), (32,), norm.weight, norm.bias, 1e-6
        )
    )
    torch.testing.assert_close(net.classify(pictures), wanted)


def test_names_of_a_layout_are_renamed_and_others_kept() -> None:
    one = torch.zeros(1)
    renamed = from_layout(
        {"model.0.1.0.layer_scale": one, "model.2.2.bias": one, "odd": one},
        "uavm-audio",
    )
    assert list(renamed) == ["features.1.0.layer_scale", "classifier.2.bias", "odd"]


@needs_golden
@pytest.mark.parametrize("layout", KEYS)
def test_names_and_shapes_are_the_published_ones(layout: str) -> None:
    name, channels, classes = KEYS[layout]
    listed = facts(f"models/{name}.json")
    with torch.device("meta"):
        net = ConvNeXt(channels, classes=classes)
        given = {k: torch.empty(v["shape"]) for k, v in listed["keys"].items()}
    renamed = from_layout(given, layout)
    own = net.state_dict()
    assert len(renamed) == len(given) == listed["n_keys"]
    assert {k: t.shape for k, t in renamed.items()} == {
        k: t.shape for k, t in own.items()
    }
    assert sum(p.numel() for p in net.parameters()) == listed["n_params"]


def published(layout: str) -> ConvNeXt:
    name, channels, classes = KEYS[layout]
    shapes = {
        k: tuple(v["shape"]) for k, v in facts(f"models/{name}.json")["keys"].items()
    }
    with torch.device("meta"):
        net = ConvNeXt(channels, classes=classes)
    net.load_state_dict(from_layout(published_state(shapes), layout), assign=True)
    return net.eval().requires_grad_(False)


@needs_golden
@pytest.mark.slow
def test_features_of_pictures_of_two_shapes_equal_the_reference() -> None:
    net = published("torchvision")
    wanted = arrays("models/parity_uavm.npz")
    for size in ((224, 224), (224, 398)):
        name = f"{size[0]}x{size[1]}"
        frames = torch.from_numpy(normal(f"input:uavm.frames{name}", (2, 3, *size)))
        assert_close(net(frames).mean((2, 3)), wanted[f"vconv_feat_{name}"], 5e-6)


@needs_golden
@pytest.mark.slow
def test_features_and_logits_of_spectrograms_equal_the_reference() -> None:
    net = published("uavm-audio")
    wanted = arrays("models/parity_uavm.npz")
    rows = wanted["seq_tokens"]
    for frames in (990, 1000):
        spectrogram = torch.from_numpy(
            normal(f"input:uavm.fbank{frames}", (2, frames, 128))
        )
        maps = net(spectrogram.transpose(1, 2).unsqueeze(1))
        features = maps.mean(2).transpose(1, 2)
        assert tuple(features.shape) == tuple(wanted[f"aconv_feat{frames}_shape"])
        assert_close(features.mean(1), wanted[f"aconv_feat{frames}_mean"], 1e-5)
        assert_close(features[:, rows], wanted[f"aconv_feat{frames}_tokens"], 5e-5)
        pooled = maps.mean((2, 3), keepdim=True)
        assert_close(net.classifier(pooled), wanted[f"aconv_logits{frames}"], 5e-6)
