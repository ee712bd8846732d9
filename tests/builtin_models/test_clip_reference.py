"""CLIP ViT-B/32 under the recipe's weights gives what OpenAI's code gives."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from avplug.builtin_models.clip import CLIP
from avplug.builtin_models.colours import CLIP_COLOURS, Colours
from avplug.core.weights import load_into, read_checkpoint
from avplug.media.pictures import fit, open_rgb
from tests.builtin_models.shared import CLIPS, needs_clips
from tests.golden import (
    arrays,
    assert_close,
    assert_near,
    facts,
    listed_shapes,
    needs_golden,
    normal,
    picture,
    recipe_checkpoint,
    shapes_of,
    zero_shot_state,
)

pytestmark = needs_golden

LABELS = ("dog", "cat")
FIXED = {"logit_scale": torch.tensor(1 / 0.07).log()}


def recipe() -> dict[str, torch.Tensor]:
    keys = facts("models/clip_vitb32_keys.json")
    return zero_shot_state(listed_shapes(keys), FIXED)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> CLIP:
    """The published size, its weights read from a file as published ones are."""
    checkpoint = recipe_checkpoint(
        recipe(), tmp_path_factory.mktemp("weights"), "module."
    )
    model = CLIP(LABELS).eval().requires_grad_(False)
    load_into(model, checkpoint)
    return model


@pytest.fixture(scope="module")
def golden() -> dict[str, np.ndarray]:
    return arrays("models/clip_vitb32_parity.npz")


@pytest.fixture(scope="module")
def seen(model: CLIP) -> torch.Tensor:
    return model.embed_pictures(picture("clip_vitb32/image", (2, 3, 224, 224)))


@pytest.fixture(scope="module")
def read(model: CLIP, golden: dict[str, np.ndarray]) -> torch.Tensor:
    return model.embed_texts(torch.from_numpy(golden["tokens"]))


def test_names_and_shapes_are_the_published_ones() -> None:
    with torch.device("meta"):
        model = CLIP(LABELS)
    shapes = listed_shapes(facts("models/clip_vitb32_keys.json"))
    published = {name: torch.empty(shape) for name, shape in shapes.items()}
    mapped = model.adapt_state(published)
    assert len(mapped) == len(shapes) == 302
    assert {name: tuple(t.shape) for name, t in mapped.items()} == shapes_of(model)
    assert sum(p.numel() for p in model.parameters()) == 151_277_313


@pytest.mark.slow
def test_pictures(seen: torch.Tensor, golden: dict[str, np.ndarray]) -> None:
    wanted = golden["image_features"]
    assert_near(seen, wanted, 1e-5)


@pytest.mark.slow
def test_texts(read: torch.Tensor, golden: dict[str, np.ndarray]) -> None:
    wanted = golden["text_features"]
    assert_near(read, wanted, 1e-5)


@pytest.mark.slow
def test_likeness(
    model: CLIP,
    seen: torch.Tensor,
    read: torch.Tensor,
    golden: dict[str, np.ndarray],
) -> None:
    seen, read = (x / x.norm(dim=1, keepdim=True) for x in (seen, read))
    cosines, logits = seen @ read.T, model.scale("visual") * seen @ read.T
    for got, name in (
        (cosines, "cos_image_text"),
        (logits, "logits_per_image_init_scale"),
    ):
        assert_near(got, golden[name], 1e-5)
    assert model.scale("visual").item() == pytest.approx(1 / 0.07)


def hugging_face(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The tensors by the names of CLIPModel, told tower by tower."""
    result = {
        "logit_scale": state["logit_scale"],
        "visual_projection.weight": state["visual.proj"].T.contiguous(),
        "text_projection.weight": state["text_projection"].T.contiguous(),
        "vision_model.embeddings.class_embedding": state["visual.class_embedding"],
        "vision_model.embeddings.patch_embedding.weight": state["visual.conv1.weight"],
        "vision_model.embeddings.position_ids": torch.arange(50)[None],
        "text_model.embeddings.token_embedding.weight": state["token_embedding.weight"],
    }
    parts = {
        "ln_1": "layer_norm1",
        "ln_2": "layer_norm2",
        "attn.out_proj": "self_attn.out_proj",
        "mlp.c_fc": "mlp.fc1",
        "mlp.c_proj": "mlp.fc2",
    }
    for ours, theirs in (("visual.", "vision_model"), ("", "text_model")):
        table = f"{theirs}.embeddings.position_embedding.weight"
        result[table] = state[f"{ours}positional_embedding"]
        for kind in ("weight", "bias"):
            for i in range(12):
                block = f"{ours}transformer.resblocks.{i}"
                layer = f"{theirs}.encoder.layers.{i}"
                packed = state[f"{block}.attn.in_proj_{kind}"].chunk(3)
                for part, rows in zip("qkv", packed, strict=True):
                    result[f"{layer}.self_attn.{part}_proj.{kind}"] = rows.clone()
                for old, new in parts.items():
                    result[f"{layer}.{new}.{kind}"] = state[f"{block}.{old}.{kind}"]
    for kind in ("weight", "bias"):
        result[f"vision_model.pre_layrnorm.{kind}"] = state[f"visual.ln_pre.{kind}"]
        result[f"vision_model.post_layernorm.{kind}"] = state[f"visual.ln_post.{kind}"]
        result[f"text_model.final_layer_norm.{kind}"] = state[f"ln_final.{kind}"]
    return result


def openai_half(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The tensors as OpenAI's archive holds them: half precision, and three facts."""
    facts = {"input_resolution": 224, "context_length": 77, "vocab_size": 49_408}
    return {
        **{name: tensor.half() for name, tensor in state.items()},
        **{name: torch.tensor(value) for name, value in facts.items()},
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("layout", "limit", "ignored"),
    [(hugging_face, 0.0, {"facts": 1}), (openai_half, 5e-4, {"facts": 3})],
    ids=["hugging-face", "openai-half"],
)
def test_other_layouts_give_the_same_tensors(
    model: CLIP,
    layout: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]],
    limit: float,
    ignored: dict[str, int],
    tmp_path: Path,
) -> None:
    path = tmp_path / "weights.pth"
    torch.save(layout(recipe()), path)
    other = CLIP(LABELS)
    load_into(other, read_checkpoint(path))
    assert other.ignored == ignored
    for name, tensor in model.state_dict().items():
        loaded = other.state_dict()[name]
        assert loaded.dtype == torch.float32
        assert bool(((loaded - tensor).abs() <= limit * (1 + tensor.abs())).all()), name


def normalised(frame: np.ndarray) -> torch.Tensor:
    cut = torch.from_numpy(fit(frame, 224).copy()).permute(2, 0, 1).float().div_(255)
    return Colours(*CLIP_COLOURS)(cut)


@needs_clips
def test_real_pictures_are_prepared_as_clip_does() -> None:
    wanted = arrays("models/golden_clip_image.npz")["image"]
    for i, name in enumerate(("cat_1.jpg", "coughing_1.jpg")):
        got = normalised(open_rgb(CLIPS / name)).half()
        assert_close(got, wanted[i], 1e-3)


def test_drawn_pictures_are_prepared_as_clip_does() -> None:
    golden = arrays("models/golden_synth.npz")
    for i, (height, width) in enumerate(((427, 641), (503, 300))):
        frame = drawn(f"synth/img{i}", height, width)
        if i == 0:
            assert np.array_equal(frame[:16, :16], golden["img0_u8_crop"])
        assert_close(normalised(frame).half(), golden["imagebind_image"][i], 1e-3)


def drawn(name: str, height: int, width: int) -> np.ndarray:
    """A picture of waves and noise, uint8 [H, W, 3]."""
    noise = normal(f"input:{name}", (height, width, 3)).astype(np.float64)
    row, column, channel = np.ogrid[:height, :width, :3]
    turns = 2 * math.pi * (3 * column / width + 2 * row / height) + channel
    return np.clip(np.floor(127.5 + 70 * np.sin(turns) + 20 * noise), 0, 255).astype(
        np.uint8
    )
