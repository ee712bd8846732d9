from __future__ import annotations

import copy
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from avplug.builtin_models.class_texts import CHUNK
from avplug.builtin_models.zero_shot import Embeddings, ZeroShot
from avplug.builtin_models.zero_shot_config import ZeroShotConfig
from avplug.core.batch import Batch
from avplug.core.errors import CapabilityError, UsageError, WeightsError
from avplug.core.model import ClassifiesEachSense, EncodesThenFuses
from avplug.core.weights import load_into, read_checkpoint
from tests.builtin_models.vocabulary import write_vocabulary

LABELS = ("dog", "playing_violin", "rain_ cat")
FUSIONS = ("logits-mean", "embed-mean", "raw-sum", "audio", "visual")


class Toy(ZeroShot):
    """Linear towers; the sound's vectors are long, as ImageBind's are."""

    towers = {"audio": ("ear",), "visual": ("eye",), "text": ("words",)}  # noqa: RUF012
    sample_rate = 100

    def __init__(self, labels: tuple[str, ...], **config: Any) -> None:
        super().__init__(labels, ZeroShotConfig.from_options(config), image_size=4)
        self.ear = nn.Sequential(nn.Linear(10, 8), nn.LayerNorm(8))
        self.eye = nn.Sequential(nn.Linear(48, 8), nn.BatchNorm1d(8))
        self.words = nn.Sequential(nn.Embedding(1000, 8), nn.LayerNorm(8))
        self.calls = 0

    def embed_sound(
        self, waveform: torch.Tensor, lengths: torch.Tensor
    ) -> torch.Tensor:
        return 20 * self.ear(waveform[:, :10])

    def embed_pictures(self, pictures: torch.Tensor) -> torch.Tensor:
        return self.eye(pictures.flatten(1))

    def embed_texts(self, tokens: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return self.words(tokens).mean(1)

    def scale(self, sense: str) -> float:
        return {"audio": 10.0, "visual": 30.0}[sense]


@pytest.fixture
def vocabulary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Options of a small vocabulary; texts are kept in a folder of the test's."""
    monkeypatch.setenv("AVPLUG_CACHE", str(tmp_path / "cache"))
    return write_vocabulary(tmp_path)


def toy(vocabulary: dict[str, str], labels: tuple[str, ...] = LABELS, **config) -> Toy:
    torch.manual_seed(0)
    return Toy(labels, **vocabulary, **config).eval()


def batch_of(clips: int = 2, frames: int = 10) -> Batch:
    generator = torch.Generator().manual_seed(1)
    return Batch(
        torch.rand(clips, frames, 3, 4, 4, generator=generator),
        torch.randn(clips, 1000, generator=generator),
        torch.full((clips,), 1000),
    )


def unit(vectors: torch.Tensor) -> torch.Tensor:
    return vectors / vectors.norm(dim=-1, keepdim=True)


def test_input_follows_the_options(vocabulary: dict[str, str]) -> None:
    spec = toy(vocabulary).input
    assert (spec.size, spec.sample_rate, spec.samples) == (4, 100, 1000)
    assert (spec.picks, spec.channels) == (tuple(range(10)), "mean")
    assert toy(vocabulary, frames="middle").input.picks == (5,)


def test_fusions_are_what_their_names_say(vocabulary: dict[str, str]) -> None:
    batch = batch_of()
    texts = toy(vocabulary).class_texts()
    raw = toy(vocabulary).encode(batch)
    heard, seen = unit(raw.audio), unit(unit(raw.video).mean(1))
    wanted = {
        "audio": 10 * heard @ texts.T,
        "visual": 30 * seen @ texts.T,
        "logits-mean": (10 * heard @ texts.T + 30 * seen @ texts.T) / 2,
        "embed-mean": 20 * unit(heard + seen) @ texts.T,
        "raw-sum": 20 * unit(raw.audio + raw.video.mean(1)) @ texts.T,
    }
    for fusion in FUSIONS:
        model = toy(vocabulary, fusion=fusion)
        torch.testing.assert_close(model.classify(batch), wanted[fusion])
        assert torch.equal(model(batch.frames, batch.waveform), model.classify(batch))


def test_of_one_sense_alone_the_other_tower_does_not_run(
    vocabulary: dict[str, str],
) -> None:
    batch = batch_of()
    for fusion, used in (("audio", "audio"), ("visual", "video")):
        model = toy(vocabulary, fusion=fusion)
        tokens = model.encode(batch)
        there = [
            side for side in ("audio", "video") if getattr(tokens, side) is not None
        ]
        assert there == [used]
        with pytest.raises(CapabilityError, match="leaves out a sense"):
            model.unimodal(tokens)


def test_each_sense_can_answer_and_show_its_vector(vocabulary: dict[str, str]) -> None:
    model, batch = toy(vocabulary), batch_of()
    assert isinstance(model, ClassifiesEachSense)
    assert isinstance(model, EncodesThenFuses)
    tokens = model.encode(batch)
    each = model.unimodal(tokens)
    assert torch.equal(each.audio, toy(vocabulary, fusion="audio").classify(batch))
    assert torch.equal(each.video, toy(vocabulary, fusion="visual").classify(batch))
    for vectors in (model.features(tokens).audio, model.features(tokens).video):
        torch.testing.assert_close(vectors.norm(dim=1), torch.ones(2))
    with pytest.raises(CapabilityError, match="no joint transformer"):
        model.unimodal(tokens, padded=True)


def test_prompts_of_a_class_are_averaged_as_unit_vectors(
    vocabulary: dict[str, str],
) -> None:
    both = toy(vocabulary, templates=["{}", "photo {}"]).class_texts()
    plain = toy(vocabulary, templates="plain").class_texts()
    photo = toy(vocabulary, templates=["photo {}"]).class_texts()
    torch.testing.assert_close(both, unit(plain + photo))
    apart = toy(vocabulary, synonyms="split").class_texts()
    parts = toy(vocabulary, labels=("rain", "cat")).class_texts()
    torch.testing.assert_close(apart[2], unit(parts.sum(0)))
    assert torch.equal(apart[:2], plain[:2])


def test_texts_are_read_once_and_then_come_from_disk(
    vocabulary: dict[str, str], tmp_path: Path
) -> None:
    first = toy(vocabulary)
    texts = first.class_texts()
    assert first.class_texts() is texts
    assert first.calls == 1
    (entry,) = (tmp_path / "cache" / "texts").iterdir()
    second = toy(vocabulary)
    assert torch.equal(second.class_texts(), texts)
    assert second.calls == 0
    damaged = bytearray(entry.read_bytes())
    damaged[-1] ^= 1
    for content in (bytes(damaged), b"", b"no tensors"):
        entry.write_bytes(content)
        third = toy(vocabulary)
        assert torch.equal(third.class_texts(), texts)
        assert third.calls == 1


def test_another_tower_or_another_text_is_another_entry(
    vocabulary: dict[str, str], tmp_path: Path
) -> None:
    toy(vocabulary).class_texts()
    toy(vocabulary, templates="video").class_texts()
    other = toy(vocabulary)
    with torch.no_grad():
        other.words[1].bias[0] += 1
    other.class_texts()
    ear = toy(vocabulary)
    with torch.no_grad():
        ear.ear[0].bias[0] += 1
    ear.class_texts()
    assert len(list((tmp_path / "cache" / "texts").iterdir())) == 3


def test_a_folder_that_cannot_be_written_costs_a_warning_only(
    vocabulary: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = toy(vocabulary).class_texts()
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("AVPLUG_CACHE", str(tmp_path / "file" / "below"))
    with pytest.warns(RuntimeWarning, match="AVPLUG_CACHE"):
        assert torch.equal(toy(vocabulary).class_texts(), wanted)


def test_weights_have_no_texts_and_new_weights_forget_the_old(
    vocabulary: dict[str, str], tmp_path: Path
) -> None:
    model = toy(vocabulary)
    old = model.class_texts()
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    assert not any("texts" in name or "colours" in name for name in state)
    state["words.1.bias"][0] += 3
    torch.save(state, tmp_path / "weights.pth")
    load_into(model, read_checkpoint(tmp_path / "weights.pth"))
    assert not torch.equal(model.class_texts(), old)
    other = toy(vocabulary, labels=("dog", "cat", "rain", "violin"))
    load_into(other, read_checkpoint(tmp_path / "weights.pth"))
    assert other.classify(batch_of()).shape == (2, 4)


def test_copies_and_types_keep_working(vocabulary: dict[str, str]) -> None:
    model = toy(vocabulary)
    texts = model.class_texts()
    assert torch.equal(copy.deepcopy(model).class_texts(), texts)
    assert model.double().class_texts().dtype == torch.float64


@pytest.mark.parametrize("fusion", FUSIONS)
def test_half_precision_ends_before_the_scores(
    vocabulary: dict[str, str], fusion: str
) -> None:
    model, batch = toy(vocabulary, fusion=fusion), batch_of()
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        half = model.classify(batch)
    assert half.dtype == torch.float32
    assert not torch.equal(half, half.bfloat16().float())
    torch.testing.assert_close(half, model.classify(batch), atol=0.5, rtol=0)
    assert torch.equal(model.class_texts(), toy(vocabulary).class_texts())


@pytest.mark.parametrize("fusion", FUSIONS)
def test_gradients_reach_frames_and_waveform(
    vocabulary: dict[str, str], fusion: str
) -> None:
    model, batch = toy(vocabulary, fusion=fusion), batch_of()
    with torch.inference_mode():
        model.classify(batch)
    batch = replace(
        batch,
        frames=batch.frames.requires_grad_(),
        waveform=batch.waveform.requires_grad_(),
    )
    model.classify(batch).square().sum().backward()
    for sense, leaf in (("audio", batch.waveform), ("visual", batch.frames)):
        assert (leaf.grad is not None) == (sense in model.senses)
        assert leaf.grad is None or bool(leaf.grad.isfinite().all())
        assert leaf.grad is None or bool(leaf.grad.any())
    assert all(p.grad is None for p in model.words.parameters())


def test_a_silent_sense_gives_finite_numbers(vocabulary: dict[str, str]) -> None:
    tokens = Embeddings(torch.zeros(2, 8), torch.zeros(2, 10, 8))
    for fusion in FUSIONS[:3]:
        assert bool(toy(vocabulary, fusion=fusion).fuse(tokens).isfinite().all())


def test_neighbours_change_no_bit(vocabulary: dict[str, str]) -> None:
    model, batch = toy(vocabulary), batch_of(5)
    tokens = model.encode(batch)
    whole = model.fuse(tokens)
    for i in range(5):
        part = Embeddings(tokens.audio[i : i + 1], tokens.video[i : i + 1])
        assert torch.equal(model.fuse(part)[0], whole[i])


def test_the_norm_surface_leaves_the_text_tower_out(vocabulary: dict[str, str]) -> None:
    surfaces = {
        fusion: sorted(toy(vocabulary, fusion=fusion).parameters_for("norm"))
        for fusion in FUSIONS
    }
    ear, eye = ["ear.1.bias", "ear.1.weight"], ["eye.1.bias", "eye.1.weight"]
    assert surfaces["logits-mean"] == ear + eye
    assert surfaces["audio"] == ear
    assert surfaces["visual"] == eye
    with pytest.raises(CapabilityError, match="no surface 'classifier'"):
        toy(vocabulary).parameters_for("classifier")


def test_the_record_holds_every_choice(vocabulary: dict[str, str]) -> None:
    model = toy(vocabulary, templates="video", synonyms="first", fusion="raw-sum")
    assert model.config["templates"] == ("a video of {}",)
    assert model.config["fusion"] == "raw-sum"
    assert model.config | vocabulary == model.config
    assert Toy(LABELS, **model.config).config == model.config


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("fusion", "sum", "Unknown fusion 'sum'"),
        ("frames", "all", "Unknown frames 'all'"),
        ("templates", "vidoe", "Did you mean 'video'"),
        ("synonyms", "cut", "Unknown synonyms 'cut'"),
        ("grid", 0, "grid 0"),
        ("seconds", 0.0, "seconds 0.0"),
        ("fusoin", "audio", "Did you mean 'fusion'"),
    ],
)
def test_what_does_not_fit_is_named(option: str, value: object, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Toy(LABELS, **{option: value})


def test_a_missing_or_foreign_vocabulary_is_named(vocabulary: dict[str, str]) -> None:
    missing = vocabulary | {"vocabulary": f"{vocabulary['vocabulary']}{os.sep}none"}
    with pytest.raises(WeightsError, match=r"none.*-o model\.vocabulary=FILE"):
        toy(missing).class_texts()
    foreign = vocabulary | {"vocabulary_sha256": "0" * 64}
    with pytest.raises(WeightsError, match="sha256"):
        toy(foreign).class_texts()


def test_a_tower_that_is_not_there_is_named(vocabulary: dict[str, str]) -> None:
    class Deaf(Toy):
        towers = {"visual": ("eye",), "text": ("words",)}  # noqa: RUF012

    with pytest.raises(UsageError, match="no audio tower"):
        Deaf(LABELS, **vocabulary)
    assert Deaf(LABELS, **vocabulary, fusion="visual").senses == ("visual",)


def test_frames_of_another_size_are_refused(vocabulary: dict[str, str]) -> None:
    batch = replace(batch_of(), frames=torch.rand(2, 1, 3, 5, 4))
    with pytest.raises(ValueError, match=r"\[B, T, 3, 4, 4\]"):
        toy(vocabulary).classify(batch)


def test_many_classes_are_read_in_parts(vocabulary: dict[str, str]) -> None:
    labels = tuple(f"dog {i}" for i in range(CHUNK + 1))
    model = toy(vocabulary, labels=labels)
    assert model.class_texts().shape == (len(labels), 8)
    assert model.calls == 2


def test_the_compiler_does_not_look_into_files(vocabulary: dict[str, str]) -> None:
    model, batch = toy(vocabulary), batch_of()
    with torch.no_grad():
        wanted = toy(vocabulary).classify(batch)
        compiled = torch.compile(model.classify, backend="eager")
        # What it cannot trace it warns of, and a warning is an error here.
        torch.testing.assert_close(compiled(batch), wanted)
    assert model.calls == 0
