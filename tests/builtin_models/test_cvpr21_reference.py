"""The CVPR'21 network under the recipe's weights gives what the released code gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from avplug.builtin_models.cvpr21 import CVPR21
from avplug.builtin_models.cvpr21_parts import Fuse, localise
from avplug.core.model import PerSense
from avplug.core.weights import Checkpoint, load_into, read_checkpoint
from tests.golden import (
    arrays,
    assert_near,
    facts,
    listed_shapes,
    needs_golden,
    picture,
    wave,
    zero_shot_state,
)

pytestmark = needs_golden

LABELS = tuple(f"class {i}" for i in range(11))
PARTS = {
    "sound": "net_sound (sound_best.pth)",
    "frame": "net_frame (frame_best.pth)",
    "classifier": "net_classifier (classifier_best.pth)",
}


@pytest.fixture(scope="module")
def wanted() -> dict[str, np.ndarray]:
    return arrays("models/cvpr21_parity.npz")


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    """The three files of a released training, each read by itself."""
    folder: Path = tmp_path_factory.mktemp("weights")
    tensors = {}
    for part, listed in PARTS.items():
        keys = listed_shapes(facts("models/cvpr21_keys.json")[listed])
        path = folder / f"{part}_best.pth"
        torch.save(zero_shot_state(keys, {}, named=f"net_{part}."), path)
        for name, tensor in read_checkpoint(path).tensors.items():
            tensors[f"{part}.{name}"] = tensor
    return Checkpoint(folder, tensors, "")


@pytest.fixture(scope="module")
def model(released: Checkpoint) -> CVPR21:
    model = CVPR21(LABELS).eval().requires_grad_(False)
    load_into(model, released)
    return model


@pytest.fixture(scope="module")
def tokens(model: CVPR21) -> PerSense:
    pictures = picture("cvpr21/frame", (2, 3, 224, 224))
    sound = wave("cvpr21/audio", (2, 1, 65535), 11_025)
    maps = model.frame(pictures)
    return PerSense(model.sound(sound[:, 0]), maps[:, None])


def test_parameters_are_as_many_as_published(model: CVPR21) -> None:
    counts = {
        part: sum(p.numel() for p in getattr(model, part).parameters())
        for part in PARTS
    }
    assert counts == {"sound": 1_566_528, "frame": 11_176_512, "classifier": 11_275}
    assert len(model.parameters_for("norm")) == 2 * 28


def test_features(
    model: CVPR21, tokens: PerSense, wanted: dict[str, np.ndarray]
) -> None:
    assert_near(tokens.video[:, 0], wanted["fmap"], 1e-5)
    features = model.features(tokens)
    assert_near(features.audio, wanted["feat_sound"], 1e-5)
    assert_near(features.video, wanted["feat_frame"], 1e-5)


def test_logits(model: CVPR21, tokens: PerSense, wanted: dict[str, np.ndarray]) -> None:
    assert_near(model.fuse(tokens), wanted["logits_concat"], 1e-5)


def test_the_papers_maximum_is_another_number(wanted: dict[str, np.ndarray]) -> None:
    model = CVPR21(LABELS, pool="max").eval()
    maps = torch.from_numpy(wanted["fmap"])[:, None]
    pooled = model.features(PerSense(torch.zeros(2, 1, 512), maps)).video
    assert_near(pooled, wanted["feat_frame_true_globalmax"], 1e-6)


@pytest.mark.parametrize(
    ("fusion", "name"),
    [
        ("sum", "sum"),
        ("concat", "concat_code_order"),
        ("film", "film"),
        ("gated-sum", "gated_sum"),
        ("gated-concat", "gated_concat"),
    ],
)
def test_fusions(wanted: dict[str, np.ndarray], fusion: str, name: str) -> None:
    fused_wanted = arrays("models/cvpr21_fusions.npz")
    head = torch.nn.ModuleDict({"fusion": Fuse(fusion, 512)})
    width = head["fusion"].outputs
    head["net_classifier"] = torch.nn.Linear(width, 11)
    drawn = zero_shot_state(
        {
            "fusion.film.alpha.weight": (512, 512),
            "fusion.film.alpha.bias": (512,),
            "net_classifier.fc1.weight": (11, width),
            "net_classifier.fc1.bias": (11,),
        },
        {},
    )
    own = {k.replace(".film", "").replace(".fc1", ""): t for k, t in drawn.items()}
    head.load_state_dict({k: own[k] for k in head.state_dict()})
    head.double()
    audio = torch.from_numpy(wanted["feat_sound"]).double()
    video = torch.from_numpy(wanted["feat_frame"]).double()
    fused = head["fusion"](audio, video)
    assert_near(fused, fused_wanted[f"fused_{name}"], 1e-6)
    logits = head["net_classifier"](fused)
    assert_near(logits, fused_wanted[f"logits_{name}"], 1e-6)


def test_localisation(wanted: dict[str, np.ndarray]) -> None:
    maps = torch.from_numpy(wanted["fmap"]).double() * 1e-3
    audio = torch.from_numpy(wanted["feat_sound"]).double()
    attended, weights = localise(maps, audio)
    fused = arrays("models/cvpr21_fusions.npz")
    assert_near(weights, fused["loc_weights_fmap_x1e-3"], 1e-6)
    assert_near(attended, fused["loc_fv_att_fmap_x1e-3"], 1e-6)
