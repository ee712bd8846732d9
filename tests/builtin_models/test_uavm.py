from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings, strategies as st

from avplug.builtin_models.hooks import avplug_models
from avplug.builtin_models.uavm import UAVM
from avplug.builtin_models.uavm_config import UAVMConfig
from avplug.core.batch import Batch
from avplug.core.errors import CapabilityError, UsageError, WeightsError
from avplug.core.model import ClassifiesEachSense, PerSense
from avplug.core.weights import Checkpoint, load_into
from tests.builtin_models.batches import batch_for, modules_of

SMALL = {
    "image_size": 32,
    "mel_bins": 32,
    "target_length": 128,
    "conv_depths": (1, 1, 1, 1),
    "conv_widths": (8, 8, 16, 16),
    "steps": 4,
    "depth": 2,
    "shared_depth": 1,
}
KINDS = {
    "unified": {},
    "independent": {"shared_depth": 0},
    "separate": {"fusion": "separate"},
    "cross-attention": {"fusion": "cross-attention"},
}
LABELS = tuple("abcde")
SPEC = next(spec for spec in avplug_models() if spec.name == "uavm")


def model_of(kind: str = "unified", **options: object) -> UAVM:
    torch.manual_seed(0)
    model = UAVM(LABELS, **{**SMALL, **KINDS[kind], **options}).eval()
    # Published scales are of this size; at the start of a training they hide blocks.
    for name, parameter in model.named_parameters():
        if name.endswith("layer_scale"):
            parameter.data.fill_(0.5)
    return model


def test_defaults_ask_for_what_the_published_model_saw() -> None:
    spec = UAVMConfig().input
    assert (spec.size, spec.sample_rate, spec.channels) == (224, 16_000, "first")
    assert (spec.grid, spec.picks) == (30, tuple(range(30)))
    assert spec.frame_rule == "uavm"
    assert spec.samples == 989 * 160 + 400


@pytest.mark.parametrize("kind", KINDS)
def test_encode_and_fuse_are_classify(kind: str) -> None:
    model = model_of(kind)
    assert isinstance(model, ClassifiesEachSense)
    batch = batch_for(model, 3)
    tokens = model.encode(batch)
    assert isinstance(tokens, PerSense)
    assert tokens.audio.shape == tokens.video.shape == (3, 4, 16)
    logits = model.classify(batch)
    assert logits.shape == (3, 5)
    assert torch.equal(model.fuse(tokens), logits)
    assert torch.equal(model(batch.frames, batch.waveform), logits)
    features = model.features(tokens)
    assert features.audio.shape == features.video.shape == (3, 16)


@pytest.mark.parametrize("kind", KINDS)
def test_one_sense_alone_hears_nothing_of_the_other(kind: str) -> None:
    model = model_of(kind)
    batch = batch_for(model, 2)
    alone = model.unimodal(model.encode(batch))
    deaf = model.unimodal(model.encode(replace(batch, waveform=-0.3 * batch.waveform)))
    blind = model.unimodal(model.encode(replace(batch, frames=1 - batch.frames)))
    assert torch.equal(alone.video, deaf.video)
    assert not torch.equal(alone.audio, deaf.audio)
    assert torch.equal(alone.audio, blind.audio)
    assert not torch.equal(alone.video, blind.video)
    if kind != "cross-attention":
        wanted = (alone.audio + alone.video) / 2
        assert torch.equal(model.classify(batch), wanted)
    with pytest.raises(CapabilityError, match="never padded"):
        model.unimodal(model.encode(batch), padded=True)


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None, max_examples=5)
@given(
    sizes=st.lists(st.integers(1, 5), min_size=1, max_size=3), seed=st.integers(0, 9)
)
def test_batch_size_changes_no_logit(kind: str, sizes: list[int], seed: int) -> None:
    model = model_of(kind)
    batch = batch_for(model, sum(sizes), seed=seed)
    with torch.no_grad():
        whole = model.classify(batch)
        parts = zip(
            *(x.split(sizes) for x in (batch.frames, batch.waveform, batch.lengths)),
            strict=True,
        )
        assert torch.equal(torch.cat([model.classify(Batch(*p)) for p in parts]), whole)


def test_features_are_cut_or_padded_to_the_steps_and_have_length_one() -> None:
    model = model_of()
    for frames in (2, 4, 6):
        features = model.picture_features(torch.rand(1, frames, 3, 32, 48))
        assert features.shape == (1, 4, 16)
        lengths = features.norm(dim=-1)[0]
        wanted = torch.tensor([1.0] * min(frames, 4) + [0.0] * max(0, 4 - frames))
        torch.testing.assert_close(lengths, wanted)
    heard = model.sound_features(torch.randn(1, 96, 32))
    assert heard.norm(dim=-1)[0].tolist() == pytest.approx([1, 1, 1, 0])


@pytest.mark.parametrize("kind", KINDS)
def test_the_norm_surface_is_what_a_prediction_trains(kind: str) -> None:
    model = model_of(kind)
    model.classify(batch_for(model, 2)).square().sum().backward()
    assert all(p.grad is not None for p in model.parameters())
    norms = {
        f"transformer.{name}"
        for name, module in model.transformer.named_modules()
        if isinstance(module, torch.nn.LayerNorm)
    }
    assert modules_of(model.parameters_for("norm")) == norms
    early = modules_of(model.parameters_for("norm_early"))
    blocks = (0, 1) if kind != "independent" else (0,)
    assert early == {
        *(f"transformer.{s}_trans.in_layernorm" for s in "av"),
        *(
            f"transformer.{s}_trans.blocks.{i}.norm{n}"
            for s in "av"
            for i in blocks
            for n in "12"
        ),
    }
    heads = {
        "unified": {"s_trans.mlp_head"},
        "independent": {"a_mlp", "v_mlp"},
        "separate": {"a_s_trans.mlp_head", "v_s_trans.mlp_head"},
        "cross-attention": {"s_trans.mlp_head"},
    }[kind]
    classifier = modules_of(model.parameters_for("classifier"))
    assert classifier == {f"transformer.{h}.{i}" for h in heads for i in (0, 1)}


def test_only_cross_attention_shows_a_joint_block() -> None:
    model = model_of("cross-attention", shared_depth=2)
    tokens = model.encode(batch_for(model, 2))
    shown = model.joint_attention(tokens)
    torch.testing.assert_close(shown.logits, model.fuse(tokens))
    assert shown.scores.shape == (2, 4, 8, 8)
    assert shown.audio_tokens == 4
    assert list(model.parameters_for("fusion_attention")) == [
        f"transformer.s_trans.blocks.{i}.attn.qkv.weight" for i in (0, 1)
    ]
    for kind in ("unified", "independent", "separate"):
        other = model_of(kind)
        with pytest.raises(CapabilityError, match="no block that sees both senses"):
            other.joint_attention(tokens)
        with pytest.raises(CapabilityError, match="no block that sees both senses"):
            other.parameters_for("fusion_attention")
        with pytest.raises(CapabilityError, match="no surface 'norm_unimodal'"):
            other.parameters_for("norm_unimodal")


def test_gradients_reach_the_inputs_and_silence_is_finite() -> None:
    model = model_of()
    batch = batch_for(model, 2)
    batch.waveform[0] = 0.0
    batch.frames[0] = 0.0
    batch.frames.requires_grad_()
    batch.waveform.requires_grad_()
    logits = model.classify(batch)
    logits.square().sum().backward()
    assert logits.isfinite().all()
    for gradient in (batch.frames.grad, batch.waveform.grad):
        assert gradient.isfinite().all()
        assert gradient[1].abs().sum() > 0


def parts_of(model: UAVM) -> dict[str, torch.Tensor]:
    """The tensors as published: three parts, with what no prediction uses."""
    tensors = {
        name.replace("audio.features.", "audio.model.0."): tensor
        for name, tensor in model.state_dict().items()
    }
    extra = (
        "transformer.a_trans.in_proj.weight",
        "transformer.v_trans.mlp_head.1.bias",
        "audio.model.2.2.weight",
        "visual.classifier.0.bias",
    )
    return tensors | {name: torch.ones(1) for name in extra}


def test_three_parts_are_one_checkpoint() -> None:
    model, other = model_of(), UAVM(LABELS, **SMALL)
    load_into(other, Checkpoint(Path("parts"), parts_of(model), ""))
    for name, tensor in model.state_dict().items():
        assert torch.equal(other.state_dict()[name], tensor)
    load_into(other, Checkpoint(Path("own"), model.state_dict(), ""))


def test_parts_that_are_missing_or_do_not_fit_are_named() -> None:
    model = model_of()
    tensors = parts_of(model)
    lacking = {k: t for k, t in tensors.items() if k.startswith("transformer.")}
    bare = {k.removeprefix("transformer."): t for k, t in lacking.items()}
    for given_tensors, part in (
        (lacking, "audio and visual"),
        (bare, "transformer and audio and visual"),
    ):
        with pytest.raises(WeightsError, match=rf"lack its part {part}\. Give all"):
            load_into(model, Checkpoint(Path("x"), given_tensors, ""))
    odd = {**tensors, "audio.model.1.weight": torch.ones(1), "text.a": torch.ones(1)}
    with pytest.raises(WeightsError, match=r"unexpected: text.a, audio.model.1.weight"):
        load_into(model, Checkpoint(Path("x"), odd, ""))


def test_config_is_plain_and_rebuilds_the_model() -> None:
    model = model_of("cross-attention")
    lists = {k: list(v) if isinstance(v, tuple) else v for k, v in model.config.items()}
    assert UAVM(model.labels, **lists).sizes == model.sizes
    assert model.config == asdict(model.sizes)


@pytest.mark.parametrize("variant", ["base", *SPEC.variants])
def test_every_variant_can_be_made(variant: str) -> None:
    with torch.device("meta"):
        model = UAVM(LABELS, **SPEC.variants[variant])
    assert model.input.frame_rule == "uavm"


@pytest.mark.parametrize("weights", SPEC.weights, ids=lambda weights: weights.name)
def test_published_weights_say_what_the_model_must_hear(weights: object) -> None:
    options = {**SPEC.variants[weights.variant or "base"], **weights.options}
    with torch.device("meta"):
        model = UAVM(LABELS, **options, outputs=weights.outputs)
    audioset = weights.dataset == "audioset"
    assert model.sizes.target_length == (1000 if audioset else 990)
    assert model.outputs == ("sigmoid" if audioset else "softmax")
    padding = -model.sizes.audio_mean / model.sizes.audio_std
    assert padding == pytest.approx(0.9341 if audioset else 1.1329, abs=1e-4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fusion": "unfied"}, "Unknown fusion 'unfied'. Did you mean 'unified'?"),
        ({"picks": (1,)}, "UAVM has no option 'picks'"),
        ({"conv_widths": (8, 8)}, r"conv_widths \[8, 8\] are not four"),
        ({"heads": 5}, "16, is no multiple of heads 5"),
        ({"steps": 0}, "steps is 0"),
        ({"image_size": 16}, "image_size is 16; at least 32"),
        ({"fusion": "separate", "shared_depth": 0}, "'separate' needs a shared_depth"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    options: dict[str, object], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        UAVM(LABELS, **{**SMALL, **options})
