from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings, strategies as st

from avplug.builtin_models.equiav import EquiAV, Vectors
from avplug.builtin_models.equiav_pretrain import EquiAVPretraining
from avplug.builtin_models.hooks import avplug_models
from avplug.builtin_models.pretrained import UntrainedPartsWarning
from avplug.core.batch import Batch
from avplug.core.errors import CapabilityError, UsageError, WeightsError
from avplug.core.model import ClassifiesEachSense, PerSense
from avplug.core.weights import Checkpoint, load_into
from tests.builtin_models.batches import batch_for, modules_of

SMALL = {
    "image_size": 32,
    "mel_bins": 32,
    "target_length": 64,
    "width": 32,
    "depth": 3,
    "heads": 2,
    "projection": 16,
}
LABELS = tuple("abcde")
MODES = ("multimodal", "video_only", "audio_only")
SPEC = next(spec for spec in avplug_models() if spec.name == "equiav")


def model_of(**options: object) -> EquiAV:
    torch.manual_seed(0)
    return EquiAV(LABELS, **options).eval()


def test_each_data_set_has_its_own_statistics_and_padding_is_loud() -> None:
    for variant, padding, floor in (
        ("base", 1.1048, -2.4490),
        ("audioset", 1.0032, -2.6769),
    ):
        model = model_of(**{**SMALL, **SPEC.variants[variant]})
        assert model.outputs == "sigmoid"
        logs = model.spectrogram(torch.zeros(1, 8_000), torch.tensor([4_000]))
        assert logs[0, 0, 0].item() == pytest.approx(floor, abs=1e-4)
        assert logs[0, -1, 0].item() == pytest.approx(padding, abs=1e-4)


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_gives_logits_of_what_it_uses_only(mode: str) -> None:
    model = model_of(**SMALL, mode=mode)
    batch = batch_for(model, 3)
    logits = model.classify(batch)
    assert logits.shape == (3, 5)
    deaf = replace(batch, waveform=batch.waveform.flip(1))
    blind = replace(batch, frames=1 - batch.frames)
    assert torch.equal(model.classify(deaf), logits) == (mode == "video_only")
    assert torch.equal(model.classify(blind), logits) == (mode == "audio_only")


@pytest.mark.parametrize("mode", MODES)
@settings(deadline=None, max_examples=8)
@given(
    sizes=st.lists(st.integers(1, 5), min_size=1, max_size=3), seed=st.integers(0, 9)
)
def test_batch_size_changes_no_bit(mode: str, sizes: list[int], seed: int) -> None:
    model = model_of(**SMALL, mode=mode)
    batch = batch_for(model, sum(sizes), frames=2, seed=seed)
    with torch.no_grad():
        whole = model.classify(batch)
        parts = zip(
            *(x.split(sizes) for x in (batch.frames, batch.waveform, batch.lengths)),
            strict=True,
        )
        assert torch.equal(torch.cat([model.classify(Batch(*p)) for p in parts]), whole)


def test_of_several_frames_the_probabilities_are_averaged_and_sound_heard_once() -> (
    None
):
    model = model_of(**SMALL)
    heard = []
    model.patch_embed_a.register_forward_hook(lambda *call: heard.append(len(call[2])))
    batch = batch_for(model, 2, frames=3)
    average = model.classify(batch).sigmoid()
    assert heard == [2]
    single = [
        model.classify(replace(batch, frames=batch.frames[:, i : i + 1])).sigmoid()
        for i in range(3)
    ]
    torch.testing.assert_close(average, sum(single) / 3)


def test_the_senses_add_up_in_the_head() -> None:
    model = model_of(**SMALL)
    assert isinstance(model, ClassifiesEachSense)
    batch = batch_for(model, 3)
    vectors = model.encode(batch)
    assert isinstance(vectors, Vectors)
    assert torch.equal(model.fuse(vectors), model.classify(batch))
    alone = model.unimodal(vectors)
    together = alone.audio + alone.video - model.mlp_head[0].bias
    torch.testing.assert_close(together, model.fuse(vectors))
    features = model.features(vectors)
    assert features.audio.shape == features.video.shape == (3, 16)


def test_what_it_cannot_do_is_refused() -> None:
    model = model_of(**SMALL)
    with pytest.raises(CapabilityError, match="joins no tokens"):
        model.unimodal(model.encode(batch_for(model, 1)), padded=True)
    for surface in ("fusion_attention", "norm_unimodal"):
        with pytest.raises(CapabilityError, match=f"no surface '{surface}'"):
            model.parameters_for(surface)
    one = model_of(**SMALL, mode="video_only")
    for ask in (one.unimodal, one.features):
        with pytest.raises(CapabilityError, match="'video_only' leaves out a sense"):
            ask(one.encode(batch_for(one, 1)))


@pytest.mark.parametrize("mode", MODES)
def test_the_norm_surface_is_what_a_mode_trains(mode: str) -> None:
    model = model_of(**SMALL, mode=mode)
    model.classify(batch_for(model, 2)).square().sum().backward()
    trained = {
        name
        for name, p in model.named_parameters()
        if p.grad is not None and "norm" in name
    }
    assert model.parameters_for("norm").keys() == trained
    early = modules_of(model.parameters_for("norm_early"))
    senses = {"multimodal": "av", "video_only": "v", "audio_only": "a"}[mode]
    assert early == {
        f"blocks_{s}.{i}.norm{n}" for s in senses for i in (0, 1) for n in "12"
    }
    assert list(model.parameters_for("classifier")) == [
        "mlp_head.0.weight",
        "mlp_head.0.bias",
    ]


def test_gradients_reach_the_inputs_and_silence_is_finite() -> None:
    model = model_of(**SMALL)
    batch = batch_for(model, 2)
    batch.waveform[0] = 0.0
    batch.frames.requires_grad_()
    batch.waveform.requires_grad_()
    logits = model.classify(batch)
    logits.square().sum().backward()
    assert logits.isfinite().all()
    assert batch.frames.grad.abs().sum() > 0
    assert batch.waveform.grad[1].abs().sum() > 0
    assert batch.waveform.grad.isfinite().all()


def test_fine_tuning_starts_from_a_pre_trained_file_only_on_request() -> None:
    options = {k: v for k, v in SMALL.items() if k != "projection"}
    pretraining = EquiAVPretraining(
        **options, projection=16, projection_hidden=24, cross_heads=2
    )
    tensors = pretraining.state_dict()
    checkpoint = Checkpoint(Path("equiav.pth"), tensors, "")
    with pytest.raises(WeightsError, match=r"missing: pred_a_inter.weight"):
        load_into(model_of(**SMALL), checkpoint)
    model = model_of(**SMALL, accept_pretrained=True)
    head = model.mlp_head[0].weight.clone()
    with pytest.warns(UntrainedPartsWarning, match=r"pred_a_inter.weight, .*mlp_head"):
        load_into(model, checkpoint)
    left = len(checkpoint.tensors.keys() - model.state_dict().keys())
    assert model.ignored == {"pre-training's parts": left}
    assert torch.equal(model.mlp_head[0].weight, head)
    assert torch.equal(model.norm_v.weight, tensors["norm_v.weight"])
    assert torch.equal(model.modality_a, tensors["modality_a"])


def test_pre_training_gives_embeddings_that_know_the_augmentation() -> None:
    torch.manual_seed(0)
    options = {k: v for k, v in SMALL.items() if k != "projection"}
    model = EquiAVPretraining(**options, projection=16, projection_hidden=24)
    tokens = model.encode(torch.randn(2, 64, 32), torch.randn(2, 3, 32, 32))
    one = PerSense(torch.randn(2, 24), torch.randn(2, 18))
    several = PerSense(torch.randn(2, 4, 24), torch.randn(2, 4, 18))
    got = model(tokens, tokens, one, several)
    assert got.invariant.audio.shape == got.augmented.video.shape == (2, 16)
    other = model(tokens, tokens, PerSense(-one.audio, one.video), several)
    assert not torch.allclose(other.equivariant.audio, got.equivariant.audio)
    assert torch.equal(other.equivariant.video, got.equivariant.video)
    shuffled = PerSense(several.audio.flip(1), several.video.flip(1))
    torch.testing.assert_close(
        model(tokens, tokens, one, shuffled).invariant.audio, got.invariant.audio
    )


def test_config_is_plain_and_rebuilds_the_model() -> None:
    model = model_of(**SMALL, mode="audio_only")
    again = EquiAV(model.labels, **model.config)
    assert again.sizes == model.sizes
    assert model.config == asdict(model.sizes)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"joint_depth": 1}, "EquiAV has no option 'joint_depth'"),
        ({"mode": "audioonly"}, "Unknown mode 'audioonly'. Did you mean 'audio_only'"),
        ({"picks": ()}, r"picks \[\] are not parts"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    options: dict[str, object], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        EquiAV(LABELS, **options)
