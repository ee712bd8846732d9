import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from avplug.builtin_models.cavmae import CAVMAE
from avplug.builtin_models.cavmae_pretrain import CAVMAEPretraining, patches
from avplug.builtin_models.pretrained import UntrainedPartsWarning
from avplug.core.errors import UsageError, WeightsError
from avplug.core.model import PerSense
from avplug.core.weights import Checkpoint, load_into
from tests.golden import (
    arrays,
    assert_close,
    facts,
    needs_golden,
    normal,
    published_state,
    recipe_checkpoint,
    shapes_of,
)

SMALL = {
    "image_size": 32,
    "mel_bins": 32,
    "target_length": 64,
    "width": 32,
    "depth": 2,
    "heads": 2,
}
DECODER = {"decoder_width": 16, "decoder_depth": 1, "decoder_heads": 2}


def small(**options: object) -> CAVMAEPretraining:
    torch.manual_seed(0)
    return CAVMAEPretraining(**SMALL, **DECODER, **options).eval()


def views(clips: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return (
        torch.randn(clips, 64, 32, generator=generator),
        torch.randn(clips, 3, 32, 32, generator=generator),
    )


def test_patches_are_row_column_channel() -> None:
    pictures = torch.arange(2 * 3 * 4 * 6).view(2, 3, 4, 6)
    cut = patches(pictures, 2)
    assert cut.shape == (2, 6, 12)
    assert torch.equal(
        cut[1, 4].view(2, 2, 3), pictures[1, :, 2:4, 2:4].permute(1, 2, 0)
    )


def test_hidden_patches_change_nothing_but_the_error_they_leave() -> None:
    model = small()
    spectrogram, pictures = views()
    noise = PerSense(torch.rand(3, 8), torch.rand(3, 4))
    step = model(spectrogram, pictures, noise)
    assert step.masks.audio.sum(1).tolist() == [6, 6, 6]
    assert step.masks.video.sum(1).tolist() == [3, 3, 3]
    assert (step.masks.audio.argmin(1) == noise.audio.argsort(1)[:, :2].amin(1)).all()
    assert step.latent.shape == (3, 3, 32)
    hidden = step.masks.video.view(3, 1, 2, 2).repeat_interleave(16, 2)
    hidden = hidden.repeat_interleave(16, 3).bool()
    other = model(spectrogram, pictures.where(~hidden, 5 * pictures), noise)
    assert torch.equal(other.latent, step.latent)
    assert torch.equal(other.restored.video, step.restored.video)
    assert not torch.equal(
        small(norm_pix=False)(spectrogram, pictures, noise).restoring.video,
        step.restoring.video,
    )


def test_the_sound_is_hidden_first_and_at_random() -> None:
    model = small()
    torch.manual_seed(3)
    drawn = model(*views())
    torch.manual_seed(3)
    noise = PerSense(torch.rand(3, 8), torch.rand(3, 4))
    assert torch.equal(model(*views(), noise).loss, drawn.loss)


def test_the_loss_is_the_sum_of_its_parts_and_trains_every_weight_but_tables() -> None:
    model = small()
    step = model(*views())
    total = step.restoring.audio + step.restoring.video + step.contrast
    assert torch.equal(step.loss, total)
    step.loss.backward()
    idle = {n for n, p in model.named_parameters() if p.grad is None}
    tables = {n for n in idle if "pos_embed" in n}
    assert len(tables) == 4
    assert all(".norm" in name for name in idle - tables)


def test_contrast_is_the_cross_entropy_of_pictures_among_sounds() -> None:
    step = small(contrast_weight=1.0, temperature=0.5)(*views())
    likeness = F.cosine_similarity(
        step.alone.audio[:, None], step.alone.video[None], dim=-1
    )
    wanted = F.cross_entropy(likeness.T / 0.5, torch.arange(3))
    torch.testing.assert_close(step.contrast, wanted)
    assert step.matched == (likeness.argmax(0) == torch.arange(3)).float().mean()


def test_fine_tuning_starts_from_a_pre_trained_file_only_on_request() -> None:
    tensors = small().state_dict()
    path = Path("audio_model.25.pth")
    checkpoint = Checkpoint(path, tensors, "")
    with pytest.raises(WeightsError, match=r"missing: mlp_head.0.weight.* unexpected"):
        load_into(CAVMAE(("a", "b"), **SMALL), checkpoint)
    model = CAVMAE(("a", "b"), **SMALL, accept_pretrained=True)
    head = model.mlp_head[1].weight.clone()
    with pytest.warns(UntrainedPartsWarning, match=r"mlp_head.1.bias of CAVMAE stay"):
        load_into(model, checkpoint)
    left = len(checkpoint.tensors.keys() - model.state_dict().keys())
    assert model.ignored == {"pre-training's parts": left}
    assert torch.equal(model.mlp_head[1].weight, head)
    assert torch.equal(model.norm_a.weight, tensors["norm_a.weight"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_into(model, Checkpoint(path, model.state_dict(), ""))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mask": 0.5}, "CAV-MAE's pre-training has no option 'mask'"),
        ({"mask_ratio": 1.0}, "mask_ratio 1.0 is not in"),
        ({"decoder_heads": 3}, "decoder_width 16 is not a multiple"),
        ({"width": 30}, "width 30 is not a multiple"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    options: dict[str, object], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        CAVMAEPretraining(**{**SMALL, **DECODER, **options})


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CAVMAEPretraining]:
    """The published size, its weights read from a file as published ones are."""
    model = CAVMAEPretraining().eval().requires_grad_(False)
    folder = tmp_path_factory.mktemp("weights")
    state = published_state(shapes_of(model))
    model.load_state_dict(recipe_checkpoint(state, folder, "module.").tensors)
    return model


@pytest.fixture(scope="module")
def given() -> tuple[torch.Tensor, torch.Tensor]:
    return (
        torch.from_numpy(normal("input:cavmaeft.audio", (2, 1024, 128))),
        torch.from_numpy(normal("input:cavmaeft.video", (2, 3, 224, 224))),
    )


@needs_golden
def test_names_and_shapes_are_the_published_ones() -> None:
    listed = facts("models/keys_cavmae_pretrain.json")
    with torch.device("meta"):
        model = CAVMAEPretraining()
    shapes = shapes_of(model)
    assert list(shapes) == list(listed["keys"])
    for name, shape in shapes.items():
        assert list(shape) == listed["keys"][name]["shape"], name
    assert sum(p.numel() for p in model.parameters()) == listed["n_params"]


@pytest.mark.slow
@needs_golden
def test_masks_and_losses(
    published: CAVMAEPretraining, given: tuple[torch.Tensor, torch.Tensor]
) -> None:
    wanted = arrays("models/parity_cavmae_pretrain.npz")
    noise = PerSense(
        torch.from_numpy(normal("input:cavmae.mask_noise_a", (2, 512))),
        torch.from_numpy(normal("input:cavmae.mask_noise_v", (2, 196))),
    )
    step = published(*given, noise)
    assert (step.masks.audio.numpy() == wanted["mask_a"]).all()
    assert (step.masks.video.numpy() == wanted["mask_v"]).all()
    for got, name in (
        (step.latent.mean(1), "latent_mean"),
        (step.alone.audio, "ca_mean"),
        (step.alone.video, "cv_mean"),
        (step.loss, "loss"),
        (step.restoring.audio + step.restoring.video, "loss_mae"),
        (step.restoring.audio, "loss_mae_a"),
        (step.restoring.video, "loss_mae_v"),
        (step.contrast, "loss_c"),
        (step.matched, "c_acc"),
    ):
        assert_close(got, wanted[name], 1e-5)
    for side, restored in (("a", step.restored.audio), ("v", step.restored.video)):
        rows = wanted[f"{side}_tokens"]
        assert_close(restored[:, rows], wanted[f"pred_{side}_tokens"], 5e-5)


@pytest.mark.slow
@needs_golden
def test_retrieval_features(
    published: CAVMAEPretraining, given: tuple[torch.Tensor, torch.Tensor]
) -> None:
    wanted = arrays("models/parity_cavmae_pretrain.npz")
    features = published.features(*given)
    for side, tokens in (("a", features.audio), ("v", features.video)):
        rows = wanted[f"{side}_tokens"]
        assert_close(tokens[:, rows], wanted[f"feat_{side}_tokens"], 5e-5)
        assert_close(tokens.mean(1), wanted[f"feat_{side}_mean"], 1e-5)
