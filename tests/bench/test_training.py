import json
from pathlib import Path

import numpy as np
import pytest
import torch

from avplug.bench.fitting import augment
from avplug.bench.train_config import TrainConfig
from avplug.bench.training import train
from avplug.core import defense
from avplug.core.clip import Clip
from avplug.core.errors import AvplugError, UsageError
from avplug.core.randomness import KeyedRandom
from avplug.core.registry import get_registry
from avplug.core.weights import read_checkpoint
from tests.bench.toys import LABELS, SIZES


def settings(folder, **changes):
    defaults = {
        "out": str(folder),
        "epochs": 2,
        "batch_size": 16,
        "limit": 40,
        "device": "cpu",
        "options": {"model": SIZES, "dataset": {"clips": 48}},
    }
    return TrainConfig(**{**defaults, **changes})


def weights(folder):
    return read_checkpoint(Path(folder) / "weights.safetensors")


def test_the_loss_falls_and_the_checkpoint_tells_what_it_is(tmp_path):
    curve = train(settings(tmp_path, epochs=4, lr=3e-3), get_registry())
    assert [row.epoch for row in curve] == [1, 2, 3, 4]
    assert curve[-1].loss < curve[0].loss
    facts = weights(tmp_path).metadata
    assert facts["model"] == "cav-mae"
    assert facts["dataset"] == "events"
    assert tuple(facts["labels"]) == LABELS
    assert facts["val_accuracy"] == curve[-1].val_accuracy
    stored = json.loads((tmp_path / "training.json").read_text())
    assert len(stored["curve"]) == 4


def test_the_seed_decides_and_the_workers_do_not(tmp_path):
    for name, changes in {
        "a": {},
        "b": {"workers": 0},
        "c": {"seed": 1},
    }.items():
        train(settings(tmp_path / name, epochs=1, **changes), get_registry())
    assert weights(tmp_path / "a").sha256 != weights(tmp_path / "c").sha256
    for name, tensor in weights(tmp_path / "a").tensors.items():
        assert torch.equal(tensor, weights(tmp_path / "b").tensors[name]), name


def test_an_interrupted_training_goes_on_to_the_same_weights(tmp_path):
    class Killed(Exception):
        pass

    def kill(row):
        raise Killed

    train(settings(tmp_path / "whole"), get_registry())
    with pytest.raises(Killed):
        train(settings(tmp_path / "torn"), get_registry(), epoch_ended=kill)
    told = []
    train(settings(tmp_path / "torn"), get_registry(), epoch_ended=told.append)
    assert [row.epoch for row in told] == [2]
    for name, tensor in weights(tmp_path / "whole").tensors.items():
        assert torch.equal(tensor, weights(tmp_path / "torn").tensors[name]), name


def test_another_training_in_the_folder_is_refused(tmp_path):
    train(settings(tmp_path, epochs=1), get_registry())
    with pytest.raises(UsageError, match=r"holds a training with lr = 0.001, not 0.5"):
        train(settings(tmp_path, epochs=1, lr=0.5), get_registry())


def test_a_loss_that_is_not_finite_stops_the_training(tmp_path, monkeypatch):
    monkeypatch.setattr(
        defense.F, "cross_entropy", lambda *args: torch.tensor(float("inf"))
    )
    with pytest.raises(AvplugError, match="The loss is inf"):
        train(settings(tmp_path), get_registry())


@pytest.mark.parametrize("change", [{"epochs": 0}, {"batch_size": 0}, {"lr": 0.0}])
def test_values_out_of_range_are_refused(tmp_path, change):
    with pytest.raises(UsageError):
        settings(tmp_path, **change)


def test_augmentation_keeps_form_and_is_keyed(tmp_path):
    frames = np.random.default_rng(0).integers(0, 255, (1, 32, 32, 3), np.uint8)
    audio = np.linspace(-1, 1, 16000, dtype=np.float32)[None]
    clip = Clip("x", frames, np.zeros(1), audio, 16000, 1.0)
    config = settings(tmp_path)
    one, same, other = (
        augment(clip, config, KeyedRandom((key,))) for key in ("a", "a", "b")
    )
    assert one.frames.shape == frames.shape
    assert one.audio.dtype == np.float32
    assert np.array_equal(one.frames, same.frames)
    assert np.array_equal(one.audio, same.audio)
    assert not np.array_equal(one.audio, other.audio)
    gain = np.abs(one.audio).max()
    assert 10 ** (-6 / 20) <= gain <= 10 ** (6 / 20)
