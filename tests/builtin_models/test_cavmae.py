from dataclasses import asdict, replace

import pytest
import torch

from avplug.builtin_models.cavmae import CAVMAE, Tokens
from avplug.builtin_models.cavmae_config import CAVMAEConfig
from avplug.builtin_models.hooks import avplug_models
from avplug.core.batch import Batch
from avplug.core.errors import CapabilityError, UsageError
from avplug.core.model import ClassifiesEachSense, ShowsJointAttention
from avplug.signal.fbank import log_mel
from tests.builtin_models.batches import batch_for, modules_of

SMALL = {
    "image_size": 32,
    "mel_bins": 32,
    "target_length": 64,
    "width": 32,
    "depth": 2,
    "heads": 2,
}
LABELS = tuple("abcde")
MODES = (
    "multimodal",
    "audioonly",
    "videoonly",
    "missingaudioonly",
    "missingvideoonly",
)
SPEC = next(spec for spec in avplug_models() if spec.name == "cav-mae")
TINY = dict(SPEC.variants["tiny"])


def model_of(**options: object) -> CAVMAE:
    torch.manual_seed(0)
    return CAVMAE(LABELS, **options).eval()


def test_defaults_ask_for_what_the_published_model_saw() -> None:
    spec = CAVMAEConfig().input
    assert (spec.size, spec.sample_rate, spec.channels) == (224, 16_000, "first")
    assert (spec.grid, spec.picks, spec.frame_rule) == (10, (5,), "cav-mae")
    assert spec.samples == 164_080
    assert CAVMAEConfig().audio_grid == (8, 64)
    assert CAVMAEConfig().image_grid == (14, 14)


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_gives_logits_of_what_it_uses_only(mode: str) -> None:
    model = model_of(**SMALL, mode=mode)
    batch = batch_for(model, 3)
    logits = model.classify(batch)
    assert logits.shape == (3, 5)
    deaf = replace(batch, waveform=batch.waveform.flip(1))
    blind = replace(batch, frames=1 - batch.frames)
    assert torch.equal(model.classify(deaf), logits) == ("video" in mode)
    assert torch.equal(model.classify(blind), logits) == ("audio" in mode)


def test_forward_counts_every_sample_and_classify_heeds_lengths() -> None:
    model = model_of(**SMALL)
    batch = batch_for(model, 2)
    assert torch.equal(model(batch.frames, batch.waveform), model.classify(batch))
    shorter = replace(batch, lengths=batch.lengths // 2)
    padded = log_mel(batch.waveform, shorter.lengths, frames=64, mel_bins=32)
    assert torch.equal(
        model.encode(shorter).audio,
        model.encode_views((padded + 5.081) / 4.4849, None).audio,
    )
    assert not torch.equal(model.classify(shorter), model.classify(batch))


def test_padding_is_louder_than_silence_after_normalisation() -> None:
    model = model_of(**SMALL)
    spectrogram = model.spectrogram(torch.zeros(1, 8_000), torch.tensor([4_000]))
    assert spectrogram[0, 0, 0].item() == pytest.approx(-2.4218, abs=1e-4)
    assert spectrogram[0, -1, 0].item() == pytest.approx(1.1329, abs=1e-4)


@pytest.mark.parametrize("options", [TINY, SMALL], ids=["tiny", "small"])
def test_batch_size_changes_no_bit(options: dict[str, object]) -> None:
    model = model_of(**options)
    batch = batch_for(model, 16)
    with torch.no_grad():
        whole = model.classify(batch)
        for size in (1, 7):
            parts = [
                model.classify(Batch(*part))
                for part in zip(
                    torch.split(batch.frames, size),
                    torch.split(batch.waveform, size),
                    torch.split(batch.lengths, size),
                    strict=True,
                )
            ]
            assert torch.equal(torch.cat(parts), whole)


@pytest.mark.parametrize("outputs", ["softmax", "sigmoid"])
def test_of_several_frames_the_probabilities_are_averaged(outputs: str) -> None:
    model = model_of(**SMALL, picks=(1, 5, 9), outputs=outputs)
    assert model.input.picks == (1, 5, 9)
    batch = batch_for(model, 2, frames=3)
    squash = torch.sigmoid if outputs == "sigmoid" else lambda x: x.softmax(-1)
    single = [
        squash(model.classify(replace(batch, frames=batch.frames[:, i : i + 1])))
        for i in range(3)
    ]
    average = squash(model.classify(batch))
    torch.testing.assert_close(average, sum(single) / 3)


def test_of_several_frames_the_sound_is_encoded_once() -> None:
    model = model_of(**SMALL)
    seen = []
    model.patch_embed_a.register_forward_hook(lambda *call: seen.append(call[1][0]))
    model.classify(batch_for(model, 2, frames=4))
    assert [len(spectrogram) for spectrogram in seen] == [2]


def test_encode_and_fuse_are_classify() -> None:
    model = model_of(**SMALL)
    assert isinstance(model, ClassifiesEachSense)
    batch = batch_for(model, 3, frames=2)
    tokens = model.encode(batch)
    assert isinstance(tokens, Tokens)
    assert tokens.audio.shape == (3, 8, 32)
    assert tokens.video.shape == (3, 2, 4, 32)
    assert torch.equal(model.fuse(tokens), model.classify(batch))


def test_gradients_reach_the_inputs_and_every_parameter_in_use() -> None:
    model = model_of(**SMALL)
    batch = batch_for(model, 2)
    batch.frames.requires_grad_()
    batch.waveform.requires_grad_()
    model.classify(batch).square().sum().backward()
    assert batch.frames.grad.abs().sum() > 0
    assert batch.waveform.grad.abs().sum() > 0
    idle = {n for n, p in model.named_parameters() if p.grad is None}
    assert all("norm1_" in n or "norm2_" in n or "norm_" in n for n in idle)
    adapted = model.parameters_for("norm")
    assert not idle & adapted.keys()


def test_double_precision_agrees_with_single() -> None:
    model = model_of(**SMALL)
    batch = batch_for(model, 2)
    single = model.classify(batch)
    double = model.double().classify(batch)
    assert double.dtype == torch.float64
    torch.testing.assert_close(double.float(), single, atol=1e-4, rtol=0)


def test_config_is_plain_and_rebuilds_the_model() -> None:
    model = model_of(**SMALL, picks=[2, 4], mode="audioonly")
    again = CAVMAE(
        model.labels, **{**model.config, "picks": list(model.config["picks"])}
    )
    assert again.sizes == model.sizes
    assert model.config == asdict(model.sizes)
    assert again.state_dict().keys() == model.state_dict().keys()


def test_start_weights_are_those_of_masked_autoencoders() -> None:
    model = model_of(**SMALL)
    block = model.blocks_a[0]
    bound = (6 / (32 + 96)) ** 0.5
    assert 0.9 * bound < block.attn.qkv.weight.abs().max() <= bound
    assert (block.attn.qkv.bias == 0).all()
    patch_bound = (6 / (32 + 3 * 256)) ** 0.5
    assert (
        0.9 * patch_bound < model.patch_embed_v.proj.weight.abs().max() <= patch_bound
    )
    assert (block.norm1.weight == 1).all()
    assert 0.01 < model.modality_a.std() < 0.03
    assert torch.equal(model.pos_embed_v[0, 0, :8], torch.zeros(8))


def test_the_surfaces_of_a_small_model() -> None:
    model = model_of(**SMALL)
    assert list(model.parameters_for("fusion_attention")) == [
        "blocks_u.0.attn.qkv.weight",
        "blocks_u.0.attn.qkv.bias",
    ]
    assert list(model.parameters_for("classifier")) == [
        "mlp_head.0.weight",
        "mlp_head.0.bias",
        "mlp_head.1.weight",
        "mlp_head.1.bias",
    ]
    assert len(model.parameters_for("norm")) == 2 * (2 * 2 * 2 + 2 + 2)


@pytest.mark.parametrize(
    ("depth", "left"), [(1, 1), (2, 1), (3, 2), (4, 2), (5, 3), (11, 9)]
)
def test_early_norms_leave_out_the_last_two_blocks_but_no_more_than_half(
    depth: int, left: int
) -> None:
    early = modules_of(
        model_of(**{**SMALL, "depth": depth}).parameters_for("norm_early")
    )
    assert early == {
        f"blocks_{side}.{i}.norm{n}" for side in "av" for i in range(left) for n in "12"
    }


def test_unimodal_norms_are_those_that_a_joint_answer_leaves_idle() -> None:
    model = model_of(**SMALL)
    tokens = model.encode(batch_for(model, 2))
    answers = model.unimodal(tokens)
    (answers.audio.square().sum() + answers.video.square().sum()).backward()
    trained = {n for n, p in model.named_parameters() if p.grad is not None}
    unimodal = model.parameters_for("norm_unimodal")
    assert modules_of(unimodal) == {
        "norm_a",
        "norm_v",
        *(f"blocks_u.0.norm{n}_{side}" for n in "12" for side in "av"),
    }
    norms = {*model.parameters_for("norm"), *unimodal}
    assert {name for name in trained if "norm" in name} | norms == norms
    assert unimodal.keys() <= trained


@pytest.mark.parametrize(
    ("unimodal", "modes"),
    [
        ("missing", ("missingaudioonly", "missingvideoonly")),
        ("alone", ("audioonly", "videoonly")),
    ],
)
@pytest.mark.parametrize("frames", [1, 3])
def test_one_sense_alone_is_what_the_mode_for_it_says(
    unimodal: str, modes: tuple[str, str], frames: int
) -> None:
    model = model_of(**SMALL, unimodal=unimodal)
    batch = batch_for(model, 2, frames)
    answers = model.unimodal(model.encode(batch))
    for mode, answer in zip(modes, (answers.audio, answers.video), strict=True):
        other = model_of(**SMALL, mode=mode)
        assert torch.equal(answer, other.classify(batch))


def test_zero_tokens_fill_both_senses_to_one_more_than_the_longer() -> None:
    model = model_of(**SMALL)
    tokens = model.encode(batch_for(model, 2))
    zeros = torch.zeros(2, 5, 32)
    seen = torch.cat([zeros, tokens.video[:, 0]], 1)
    heard = torch.cat([tokens.audio, zeros[:, :1]], 1)
    assert seen.shape == heard.shape
    answers = model.unimodal(tokens, padded=True)
    for answer, sequence, norms in (
        (answers.audio, heard, "_a"),
        (answers.video, seen, "_v"),
    ):
        wanted = model.mlp_head(model.joint(sequence, norms).mean(1))
        torch.testing.assert_close(answer, wanted)
    assert not torch.allclose(answers.video, model.unimodal(tokens).video)


def test_features_are_the_mean_tokens_of_all_frames() -> None:
    model = model_of(**SMALL)
    tokens = model.encode(batch_for(model, 2, frames=3))
    features = model.features(tokens)
    torch.testing.assert_close(features.audio, tokens.audio.mean(1))
    torch.testing.assert_close(features.video, tokens.video.flatten(1, 2).mean(1))


@pytest.mark.parametrize("frames", [1, 3])
@pytest.mark.parametrize("joint_depth", [1, 2])
def test_joint_attention_shows_what_the_prediction_used(
    frames: int, joint_depth: int
) -> None:
    model = model_of(**SMALL, joint_depth=joint_depth)
    assert isinstance(model, ShowsJointAttention)
    tokens = model.encode(batch_for(model, 2, frames))
    shown = model.joint_attention(tokens)
    torch.testing.assert_close(shown.logits, model.fuse(tokens))
    assert shown.scores.shape == (2, 2 * frames, 12, 12)
    assert shown.audio_tokens == 8
    single = [
        model.joint_attention(Tokens(tokens.audio, tokens.video[:, i : i + 1])).scores
        for i in range(frames)
    ]
    torch.testing.assert_close(shown.scores, torch.cat(single, 1))
    shown.scores.square().sum().backward()
    assert model.blocks_u[-1].attn.qkv.weight.grad.abs().sum() > 0


def test_a_mode_that_leaves_out_a_sense_answers_for_no_sense_alone() -> None:
    model = model_of(**SMALL, mode="audioonly")
    tokens = model.encode(batch_for(model, 2))
    for ask in (model.unimodal, model.features, model.joint_attention):
        with pytest.raises(CapabilityError, match="'audioonly' leaves out a sense"):
            ask(tokens)
    with pytest.raises(CapabilityError, match="'audioonly' leaves out a sense"):
        model.parameters_for("norm_unimodal")


def test_a_silent_clip_gives_finite_numbers_and_gradients() -> None:
    model = model_of(**SMALL)
    batch = replace(batch_for(model, 2), waveform=torch.zeros(2, model.input.samples))
    batch.waveform.requires_grad_()
    logits = model.classify(batch)
    logits.sum().backward()
    assert logits.isfinite().all()
    assert batch.waveform.grad.isfinite().all()


def test_untrained_tensors_of_reads_code_are_dropped() -> None:
    model = model_of(**SMALL)
    extra = {
        f"blocks_u.0.attn.{x}.{y}": torch.ones(1)
        for x in "qkv"
        for y in ("weight", "bias")
    }
    kept = model.adapt_state({**model.state_dict(), **extra})
    assert kept.keys() == model.state_dict().keys()


def test_the_tiny_variant_is_small_enough_to_be_bundled() -> None:
    assert sum(4 * p.numel() for p in model_of(**TINY).parameters()) <= 4_000_000


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"wdith": 64}, "no option 'wdith'. Did you mean 'width'?"),
        ({"mode": "audio"}, "Unknown mode 'audio'. Did you mean 'audioonly'?"),
        ({"outputs": "logits"}, "Unknown outputs 'logits'"),
        ({"unimodal": "padded"}, "Unknown unimodal 'padded'"),
        ({"image_size": 100}, "image_size 100 is not a multiple of patch_size 16"),
        ({"target_length": 1000}, "target_length 1000 is not a multiple"),
        ({"width": 100, "heads": 3}, "width 100 is not a multiple of 4 and of heads 3"),
        ({"picks": (10,)}, r"picks \[10\] are not parts 0..9"),
        ({"picks": ()}, r"picks \[\] are not parts"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    options: dict[str, object], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        CAVMAE(LABELS, **options)


@pytest.mark.parametrize(
    "shape", [(2, 3, 32, 32), (2, 1, 3, 32, 48), (2, 1, 1, 32, 32)]
)
def test_frames_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    model = model_of(**SMALL)
    with pytest.raises(ValueError, match=r"Expected frames \[B, T, 3, 32, 32\]"):
        model(torch.zeros(shape), torch.zeros(2, model.input.samples))
