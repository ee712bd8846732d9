"""UAVM and its relatives against their authors' code, at the published size."""

from collections.abc import Callable

import pytest
import torch
from torch.nn import functional as F

from avplug.builtin_models.uavm import UAVM
from avplug.builtin_models.uavm_transformer import Transformer, without_dead
from avplug.core.model import PerSense
from tests.golden import (
    arrays,
    assert_close,
    facts,
    needs_golden,
    normal,
    published_state,
)

pytestmark = needs_golden

LABELS = tuple(f"class {i}" for i in range(309))
LOGITS, TOKENS, MEANS = 5e-6, 5e-5, 1e-5
LISTS = {
    "unified": ("keys_uavm_unified_309", {}),
    "independent": ("keys_uavm_unified_di6_ds0_309", {"depth": 6, "shared_depth": 0}),
    "separate": ("keys_uavm_ind_309", {"fusion": "separate"}),
    "cross-attention": ("keys_uavm_fullatt_309", {"fusion": "cross-attention"}),
}
AUDIO = "keys_uavm_audio_convnext_b_309"
VISUAL = "keys_uavm_visual_convnext_b_torchvision"


def shapes(name: str) -> dict[str, tuple[int, ...]]:
    keys = facts(f"models/{name}.json")["keys"]
    return {key: tuple(value["shape"]) for key, value in keys.items()}


def empty(kind: str) -> UAVM:
    with torch.device("meta"):
        return UAVM(LABELS, **LISTS[kind][1])


def transformer(kind: str) -> Transformer:
    """The published size, with the recipe's weights."""
    net = empty(kind).transformer
    state = without_dead(published_state(shapes(LISTS[kind][0])))
    net.load_state_dict(state, assign=True)
    return net.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def features() -> PerSense:
    return PerSense(
        *(
            F.normalize(
                torch.from_numpy(normal(f"input:uavm.{name}", (2, 30, 1024))), dim=-1
            )
            for name in ("afeat", "vfeat")
        )
    )


@pytest.mark.parametrize("kind", LISTS)
def test_names_and_shapes_of_three_files_are_the_models(kind: str) -> None:
    """Each name of the files is the model's or one of those that nothing uses."""
    files = {"transformer": LISTS[kind][0], "audio": AUDIO, "visual": VISUAL}
    model = empty(kind)
    with torch.device("meta"):
        given = {
            f"{part}.{name}": torch.empty(shape)
            for part, listed in files.items()
            for name, shape in shapes(listed).items()
        }
    adapted = model.adapt_state(given)
    own = model.state_dict()
    assert {k: t.shape for k, t in adapted.items()} == {
        k: t.shape for k, t in own.items()
    }
    listed = facts(f"models/{LISTS[kind][0]}.json")
    of_transformer = [k for k in adapted if k.startswith("transformer.")]
    # in_proj of every transformer; the heads of the first two.
    singles = {"unified": 3, "independent": 2, "separate": 4, "cross-attention": 3}
    assert listed["n_keys"] - len(of_transformer) == 2 * singles[kind] + 2 * 4
    assert len([k for k in adapted if k.startswith("audio.")]) == 344 - 4
    assert len([k for k in adapted if k.startswith("visual.")]) == 344 - 4


@pytest.mark.slow
def test_unified(features: PerSense) -> None:
    net = transformer("unified")
    wanted = arrays("models/parity_uavm.npz")
    rows = wanted["seq_tokens"]
    tokens = net.encode(features)
    alone = net.unimodal(tokens)
    assert_close(alone.audio, wanted["uavm_logits_a"], LOGITS)
    assert_close(alone.video, wanted["uavm_logits_v"], LOGITS)
    assert_close(net.fuse(tokens), wanted["uavm_logits_av"], LOGITS)
    for side, own, given in (
        ("a", net.a_trans, features.audio),
        ("v", net.v_trans, features.video),
    ):
        state = own.place(given)
        layers: list[Callable[[torch.Tensor], torch.Tensor]] = [
            *own.blocks,
            lambda x: net.s_trans.blocks[0](net.s_trans.place(x)),
            *net.s_trans.blocks[1:],
        ]
        for level in range(7):
            name = f"uavm_feat_{side}_l{level}"
            assert_close(state.mean(1), wanted[f"{name}_mean"], MEANS)
            if f"{name}_tokens" in wanted:
                assert_close(state[:, rows], wanted[f"{name}_tokens"], TOKENS)
            if level < 6:
                state = layers[level](state)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "name"), [("independent", "ind_di6_logits"), ("separate", "ind_logits")]
)
def test_relatives_that_keep_the_senses_apart(
    features: PerSense, kind: str, name: str
) -> None:
    net = transformer(kind)
    wanted = arrays("models/parity_uavm.npz")
    alone = net.unimodal(net.encode(features))
    assert_close(alone.audio, wanted[f"{name}_a"], LOGITS)
    assert_close(alone.video, wanted[f"{name}_v"], LOGITS)


@pytest.mark.slow
def test_cross_attention(features: PerSense) -> None:
    net = transformer("cross-attention")
    tokens = net.encode(features)
    wanted = arrays("models/parity_uavm.npz")["fullatt_logits"]
    assert_close(net.fuse(tokens), wanted, LOGITS)
    assert_close(net.joint_attention(tokens).logits, wanted, LOGITS)


@pytest.mark.slow
def test_the_epsilon_of_the_norms(features: PerSense) -> None:
    """With tokens a hundredth of their size a wrong epsilon moves logits by .06."""
    net = transformer("unified")
    for name, parameter in net.named_parameters():
        if name.startswith(("a_trans.", "s_trans.")) and (
            "in_layernorm" in name or "pos_embed" in name
        ):
            parameter.mul_(0.01)
    wanted = arrays("models/parity_eps_probe.npz")["uavm_a"]
    assert_close(net.unimodal(net.encode(features)).audio, wanted, 1e-4)


@pytest.mark.slow
def test_from_a_spectrogram_to_logits() -> None:
    """The sound's way through the complete model, unit length included."""
    model = empty("unified")
    state = {
        f"{part}.{name}": tensor
        for part, listed in (("transformer", LISTS["unified"][0]), ("audio", AUDIO))
        for name, tensor in published_state(shapes(listed)).items()
    }
    state["visual.features.0.0.bias"] = torch.zeros(128)
    model.load_state_dict(model.adapt_state(state), strict=False, assign=True)
    model.eval().requires_grad_(False)
    spectrogram = torch.from_numpy(normal("input:uavm.fbank990", (2, 990, 128)))
    heard = model.sound_features(spectrogram)
    tokens = model.transformer.encode(PerSense(heard, heard))
    wanted = arrays("models/parity_uavm.npz")["e2e_logits_a_from_fbank990"]
    assert_close(model.unimodal(tokens).audio, wanted, LOGITS)


def test_the_norm_surface_has_the_size_that_is_stated() -> None:
    surface = empty("unified").parameters_for("norm")
    assert len(surface) == 2 * 22
    assert sum(p.numel() for p in surface.values()) == 45_056
