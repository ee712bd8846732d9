from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch

from avplug.builtin_models.cavmae import CAVMAE, Tokens
from avplug.builtin_models.vit import sincos_table
from avplug.core.attention import block_attention
from avplug.core.weights import load_into
from tests.golden import (
    SALT,
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

pytestmark = [pytest.mark.slow, needs_golden]

LABELS = tuple(f"class {i}" for i in range(309))
LOGITS, TOKENS, MEANS = 2e-5, 5e-5, 1e-5


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> CAVMAE:
    """The published size, its weights read from a file as published ones are."""
    model = CAVMAE(LABELS).eval().requires_grad_(False)
    folder = tmp_path_factory.mktemp("weights")
    # Without a name of its own the recipe's state is gone before the file is loaded.
    checkpoint = recipe_checkpoint(published_state(shapes_of(model)), folder, "module.")
    load_into(model, checkpoint)
    return model


@pytest.fixture(scope="module")
def spectrogram() -> torch.Tensor:
    return torch.from_numpy(normal("input:cavmaeft.audio", (2, 1024, 128)))


@pytest.fixture(scope="module")
def pictures() -> torch.Tensor:
    return torch.from_numpy(normal("input:cavmaeft.video", (2, 3, 224, 224)))[:, None]


@pytest.fixture(scope="module")
def seen(
    model: CAVMAE, spectrogram: torch.Tensor, pictures: torch.Tensor
) -> dict[str, torch.Tensor]:
    """Tokens on the way through the encoders, by the reference's names."""
    kept: dict[str, torch.Tensor] = {}
    handles = []
    for side, blocks in (("a", model.blocks_a), ("v", model.blocks_v)):
        for name, module in (("block", blocks[0]), ("enc", blocks[-1])):

            def keep(
                _: object,
                given: tuple[torch.Tensor, ...],
                output: torch.Tensor,
                key: tuple[str, str] = (name, side),
            ) -> None:
                if key[0] == "block":
                    kept[f"embed_{key[1]}"] = given[0]
                    kept[f"block_{key[1]}0"] = output
                else:
                    kept[f"enc_{key[1]}"] = output

            handles.append(module.register_forward_hook(keep))
    model.encode_views(spectrogram, pictures)
    for handle in handles:
        handle.remove()
    return kept


@pytest.fixture(scope="module")
def tokens(seen: dict[str, torch.Tensor]) -> Tokens:
    return Tokens(seen["enc_a"], seen["enc_v"][:, None])


@pytest.fixture
def in_mode(model: CAVMAE) -> Iterator[CAVMAE]:
    """The model, whose mode the test may change."""
    sizes = model.sizes
    yield model
    model.sizes = sizes


@pytest.mark.parametrize("classes", [309, 527])
def test_names_and_shapes_are_the_published_ones(classes: int) -> None:
    listed = facts(f"models/keys_cavmaeft_{classes}.json")
    with torch.device("meta"):
        shapes = shapes_of(CAVMAE(tuple(map(str, range(classes)))))
    assert list(shapes) == list(listed["keys"])
    for name, shape in shapes.items():
        assert list(shape) == listed["keys"][name]["shape"], name
    assert len(shapes) == listed["n_keys"]


def test_parameters_are_as_many_as_published(model: CAVMAE) -> None:
    listed = facts("models/keys_cavmaeft_309.json")
    assert sum(p.numel() for p in model.parameters()) == listed["n_params"]


@pytest.mark.skipif(SALT != "", reason="these values are of the recipe without prefix")
def test_the_recipe_draws_what_it_promises(model: CAVMAE) -> None:
    for name, wanted in facts("models/recipe_check.json").items():
        if name in model.state_dict():
            drawn = model.state_dict()[name].flatten()[:3].tolist()
            assert drawn == pytest.approx(wanted["first3"])


def test_position_tables_are_the_published_ones() -> None:
    wanted = arrays("models/cavmae_sincos_pos_embed.npz")
    for side, grid in (("a", (8, 64)), ("v", (14, 14))):
        table = sincos_table(*grid, 768)[0].numpy()
        assert np.array_equal(table[wanted[f"{side}_tokens"]], wanted[side])
        total = table.sum(dtype=np.float64)
        assert total == pytest.approx(float(wanted[f"{side}_sum"]), abs=1e-6)


@pytest.mark.parametrize("side", ["a", "v"])
def test_encoders(seen: dict[str, torch.Tensor], side: str) -> None:
    wanted = arrays("models/parity_cavmaeft.npz")
    rows = wanted[f"{side}_tokens"]
    for stage in ("embed_{}", "block_{}0", "enc_{}"):
        name = stage.format(side)
        assert_close(seen[name][:, rows], wanted[f"{name}_tokens"], TOKENS)
    assert_close(seen[f"enc_{side}"].mean(1), wanted[f"enc_{side}_mean"], MEANS)


def test_joint_block(model: CAVMAE, tokens: Tokens) -> None:
    wanted = arrays("models/parity_cavmaeft.npz")
    rows = wanted["j_tokens"]
    both = torch.cat([tokens.audio, tokens.video[:, 0]], 1)
    prenorm = model.blocks_u[0](both)
    assert_close(prenorm[:, rows], wanted["joint_prenorm_tokens"], TOKENS)
    joint = model.joint(both)
    assert_close(joint[:, rows], wanted["joint_tokens"], TOKENS)
    assert_close(joint.mean(1), wanted["joint_mean"], MEANS)


@pytest.mark.parametrize("side", ["a", "v"])
def test_features_of_one_modality(
    model: CAVMAE, seen: dict[str, torch.Tensor], side: str
) -> None:
    wanted = arrays("models/parity_cavmaeft.npz")
    features = model.joint(seen[f"enc_{side}"], f"_{side}")
    rows = wanted[f"{side}_tokens"]
    assert_close(features[:, rows], wanted[f"feat_{side}_tokens"], TOKENS)
    assert_close(features.mean(1), wanted[f"feat_{side}_mean"], MEANS)


@pytest.mark.parametrize(
    ("mode", "used"),
    [
        ("multimodal", "av"),
        ("audioonly", "a"),
        ("videoonly", "v"),
        ("missingaudioonly", "a"),
        ("missingvideoonly", "v"),
    ],
)
def test_logits_of_every_mode(
    in_mode: CAVMAE, tokens: Tokens, mode: str, used: str
) -> None:
    in_mode.sizes = replace(in_mode.sizes, mode=mode)
    logits = in_mode.fuse(
        Tokens(
            tokens.audio if "a" in used else None,
            tokens.video if "v" in used else None,
        )
    )
    wanted = arrays("models/parity_cavmaeft.npz")
    assert_close(logits, wanted[f"logits_{mode}"], LOGITS)
    if mode not in ("audioonly", "videoonly"):
        sumi = arrays("models/parity_cavmaeft_sumi.npz")
        assert_close(logits, sumi[f"eval_logits_{mode}"], LOGITS)
    if mode == "multimodal":
        read = arrays("models/parity_cavmaeft_read.npz")
        assert_close(logits, read["eval_logits_multimodal"], LOGITS)
        assert_close(logits, read["fwd_logits_multimodal"], LOGITS)


def test_one_sense_at_a_time(model: CAVMAE, tokens: Tokens) -> None:
    wanted = arrays("models/parity_cavmaeft.npz")
    answers = model.unimodal(tokens)
    assert_close(answers.audio, wanted["logits_missingaudioonly"], LOGITS)
    assert_close(answers.video, wanted["logits_missingvideoonly"], LOGITS)


def test_sumis_zero_tokens_and_features(model: CAVMAE, tokens: Tokens) -> None:
    wanted = arrays("models/parity_cavmaeft_sumi.npz")
    answers = model.unimodal(tokens, padded=True)
    features = model.features(tokens)
    for side in ("audio", "video"):
        logits, means = getattr(answers, side), getattr(features, side)
        assert_close(logits, wanted[f"eval_logits_{side}only"], LOGITS)
        assert_close(means, wanted[f"eval_feat_mean_{side}only"], MEANS)


@pytest.mark.parametrize("code", ["read", "sumi"])
def test_attention_between_the_senses(model: CAVMAE, tokens: Tokens, code: str) -> None:
    wanted = arrays(f"models/parity_cavmaeft_{code}.npz")
    shown = model.joint_attention(tokens)
    weights = shown.scores.softmax(-1).mean((0, 1))
    assert weights.shape == tuple(wanted["eval_attn_shape"])
    sums = torch.stack([weights.sum(1).min(), weights.sum(1).max()])
    assert_close(sums, wanted["eval_attn_rowsum_min_max"], MEANS)
    blocks = block_attention(shown)
    assert_close(blocks.masses, wanted["eval_attn_mean_quadrants"], MEANS)
    assert_close(shown.logits, wanted["eval_logits_multimodal"], LOGITS)
    masses = blocks.means * torch.tensor([512, 196]) / 10_000
    assert_close(masses, wanted["eval_attn_mean_quadrants"], MEANS)


def test_the_epsilon_of_the_norms(
    model: CAVMAE, spectrogram: torch.Tensor, pictures: torch.Tensor
) -> None:
    """With tokens a hundredth of their size a wrong epsilon moves logits by .29."""
    with small_tokens(model):
        logits = model.fuse(model.encode_views(spectrogram[:1], pictures[:1]))
    wanted = arrays("models/parity_eps_probe.npz")["cavmaeft_multimodal"]
    assert_close(logits, wanted, 1e-4)


@pytest.mark.parametrize(
    "mode", ["multimodal", "audioonly", "videoonly", "missingaudioonly"]
)
def test_the_norm_surface_is_what_a_mode_trains(in_mode: CAVMAE, mode: str) -> None:
    wanted = facts("models/tta_param_groups.json")[mode]
    in_mode.sizes = replace(in_mode.sizes, mode=mode)
    surface = in_mode.parameters_for("norm")
    assert {name.rpartition(".")[0] for name in surface} == set(wanted["names"])
    assert sum(p.numel() for p in surface.values()) == wanted["params_with_grad"]
    assert len(surface) == 2 * wanted["modules_with_grad"]


def test_two_steps_of_read(model: CAVMAE, tokens: Tokens) -> None:
    """Query, key and value as one matrix learn what READ's three views of it do."""
    wanted = arrays("models/parity_read_two_steps.npz")
    adapted = list(model.parameters_for("fusion_attention").values())
    originals = [parameter.clone() for parameter in adapted]
    optimizer = torch.optim.Adam([p.requires_grad_() for p in adapted], lr=1e-4)
    try:
        for step in range(2):
            logits = model.fuse(tokens)
            assert_close(logits, wanted[f"before{step}"], LOGITS)
            p = logits.softmax(-1)
            confidence = p.max(-1).values
            reliable = -(confidence * confidence.log()).mean()
            balance = p.sum(0).softmax(0)
            balance = -(balance * balance.log()).sum()
            losses = torch.stack([reliable, balance]).double()
            assert_close(losses, wanted["losses"][step], 1e-5)
            optimizer.zero_grad()
            (reliable - balance).backward()
            optimizer.step()
            assert_close(model.fuse(tokens), wanted[f"after{step}"], LOGITS)
    finally:
        for parameter, original in zip(adapted, originals, strict=True):
            parameter.requires_grad_(False).copy_(original)


def test_the_early_norm_surface(model: CAVMAE) -> None:
    """What SAR adapts: 72 of BriMPR's norms, of those that a joint answer trains."""
    surface = model.parameters_for("norm_early")
    assert sum(p.numel() for p in surface.values()) == 55_296
    assert surface.keys() <= model.parameters_for("norm").keys()
    assert not any(".9." in name or ".10." in name for name in surface)


def test_the_joint_attention_surface(model: CAVMAE) -> None:
    surface = model.parameters_for("fusion_attention")
    assert sum(p.numel() for p in surface.values()) == 1_771_776
