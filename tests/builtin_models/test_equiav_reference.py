"""EquiAV against its authors' code, at the published size."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch

from avplug.builtin_models.equiav import EquiAV
from avplug.builtin_models.equiav_pretrain import EquiAVPretraining
from avplug.core.model import PerSense
from avplug.core.weights import load_into
from tests.golden import (
    arrays,
    assert_close,
    facts,
    needs_golden,
    normal,
    published_state,
    recipe_checkpoint,
    shapes_of,
    small_tokens,
)

pytestmark = needs_golden

LABELS = tuple(f"class {i}" for i in range(309))
LOGITS, TOKENS, MEANS = 2e-6, 5e-5, 1e-5


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> EquiAV:
    """The published size, its weights read from a file as its authors save them."""
    model = EquiAV(LABELS).eval().requires_grad_(False)
    folder = tmp_path_factory.mktemp("weights")
    # Without a name of its own the recipe's state is gone before the file is loaded.
    checkpoint = recipe_checkpoint(published_state(shapes_of(model)), folder, "__M__.")
    load_into(model, checkpoint)
    return model


@pytest.fixture(scope="module")
def given() -> tuple[torch.Tensor, torch.Tensor]:
    return (
        torch.from_numpy(normal("input:equiav.audio", (2, 1, 1024, 128)))[:, 0],
        torch.from_numpy(normal("input:equiav.video", (2, 3, 224, 224))),
    )


@pytest.fixture(scope="module")
def seen(
    model: EquiAV, given: tuple[torch.Tensor, torch.Tensor]
) -> Iterator[dict[str, torch.Tensor]]:
    """What passes on the way to the logits, by the reference's names."""
    kept: dict[str, torch.Tensor] = {}
    handles = []
    for side in "av":

        def keep_embedding(_, inputs, side=side):
            kept[f"embed_{side}"] = inputs[0]

        def keep_norm(_, inputs, output, side=side):
            kept[f"enc_{side}"] = output

        blocks = getattr(model, f"blocks_{side}")
        handles.append(blocks[0].register_forward_pre_hook(keep_embedding))
        handles.append(getattr(model, f"norm_{side}").register_forward_hook(keep_norm))
    vectors = model.encode_views(given[0], given[1][:, None])
    for handle in handles:
        handle.remove()
    kept["proj_a"], kept["proj_v"] = vectors.audio, vectors.video[:, 0]
    kept["logits"] = model.fuse(vectors)
    return kept


@pytest.mark.parametrize("mode", ["multimodal", "video_only", "audio_only"])
def test_names_and_shapes_are_those_of_the_published_code(mode: str) -> None:
    listed = facts(f"models/keys_equiav_ft_{mode}_309.json")
    with torch.device("meta"):
        model = EquiAV(LABELS, mode=mode)
    shapes = shapes_of(model)
    assert list(shapes) == list(listed["keys"])
    for name, shape in shapes.items():
        assert list(shape) == listed["keys"][name]["shape"], name
    assert sum(p.numel() for p in model.parameters()) == listed["n_params"]


def test_names_and_shapes_of_the_pre_trained_file() -> None:
    listed = facts("models/keys_equiav_pretrain.json")
    with torch.device("meta"):
        model = EquiAVPretraining()
    shapes = shapes_of(model)
    assert shapes.keys() == listed["keys"].keys()
    for name, shape in shapes.items():
        assert list(shape) == listed["keys"][name]["shape"], name
    assert sum(p.numel() for p in model.parameters()) == listed["n_params"]


@pytest.mark.slow
@pytest.mark.parametrize("side", ["a", "v"])
def test_encoders_and_projections(seen: dict[str, torch.Tensor], side: str) -> None:
    wanted = arrays("models/parity_equiav_ft.npz")
    rows = wanted[f"{side}_tokens"]
    for name in (f"embed_{side}", f"enc_{side}"):
        assert_close(seen[name][:, rows], wanted[f"{name}_tokens"], TOKENS)
    assert_close(seen[f"enc_{side}"].mean(1), wanted[f"enc_{side}_mean"], MEANS)
    assert_close(seen[f"proj_{side}"], wanted[f"proj_{side}"], MEANS)


@pytest.mark.slow
def test_multimodal_logits(seen: dict[str, torch.Tensor]) -> None:
    wanted = arrays("models/parity_equiav_ft.npz")
    assert_close(seen["logits"], wanted["logits_multimodal"], LOGITS)


@pytest.mark.slow
def test_logits_of_pictures_alone(
    model: EquiAV, given: tuple[torch.Tensor, torch.Tensor]
) -> None:
    """The same weights but for the head, which has another width."""
    name = "mlp_head.0.weight"
    head = published_state({name: (309, 768)})[name]
    original, sizes = model.mlp_head[0].weight, model.sizes
    model.sizes = replace(sizes, mode="video_only")
    model.mlp_head[0].weight = torch.nn.Parameter(head, requires_grad=False)
    try:
        logits = model.fuse(model.encode_views(None, given[1][:, None]))
    finally:
        model.sizes = sizes
        model.mlp_head[0].weight = original
    wanted = arrays("models/parity_equiav_ft.npz")
    assert_close(logits, wanted["logits_video_only"], LOGITS)


@pytest.mark.slow
def test_the_epsilon_of_the_norms(
    model: EquiAV, given: tuple[torch.Tensor, torch.Tensor]
) -> None:
    """With tokens a hundredth of their size a wrong epsilon moves logits by .07."""
    with small_tokens(model):
        vectors = model.encode_views(given[0][:1], given[1][:1, None])
    wanted = arrays("models/parity_eps_probe.npz")["equiav_multimodal"]
    assert_close(model.fuse(vectors), wanted, 1e-4)


@pytest.mark.slow
def test_the_norm_surface_has_the_size_that_is_stated(model: EquiAV) -> None:
    surface = model.parameters_for("norm")
    assert len(surface) == 2 * 50
    assert sum(p.numel() for p in surface.values()) == 76_800


@pytest.mark.slow
def test_embeddings_of_pre_training(
    given: tuple[torch.Tensor, torch.Tensor], tmp_path
) -> None:
    model = EquiAVPretraining().eval().requires_grad_(False)
    state = published_state(shapes_of(model))
    checkpoint = recipe_checkpoint(state, tmp_path, "__M__.")
    model.load_state_dict(checkpoint.tensors)
    vectors = {
        name: torch.from_numpy(normal(f"input:equiav.{name}", shape))
        for name, shape in (
            ("t_a", (2, 24)),
            ("t_v", (2, 18)),
            ("t_a_list", (2, 16, 24)),
            ("t_v_list", (2, 16, 18)),
        )
    }
    tokens = model.encode(*given)
    # The reference was given the plain tokens as the augmented view.
    got = model(
        tokens,
        tokens,
        PerSense(vectors["t_a"], vectors["t_v"]),
        PerSense(vectors["t_a_list"], vectors["t_v_list"]),
    )
    wanted = arrays("models/parity_equiav_pretrain.npz")
    for side, sense in (("a", "audio"), ("v", "video")):
        means = getattr(tokens, sense).mean(1)
        assert_close(means, wanted[f"enc_{side}_mean"], MEANS)
        for name, kind in (
            ("inv", got.invariant),
            ("equi_t", got.equivariant),
            ("aug", got.augmented),
        ):
            assert_close(getattr(kind, sense), wanted[f"z_{side}_{name}"], 1e-5)
