import json
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, strategies as st
from torch import nn

from avplug.bench.config import RunConfig
from avplug.bench.fitting import batch_sizes
from avplug.bench.judging import stated
from avplug.bench.models import load_model
from avplug.bench.optimising import Optimising
from avplug.bench.prepare import open_dataset
from avplug.bench.threats import threat_model
from avplug.bench.train_config import TrainConfig
from avplug.bench.training import train
from avplug.core.errors import CapabilityError, UsageError, WeightsError
from avplug.core.registry import get_registry
from avplug.core.weights import read_checkpoint, save_checkpoint

SIZES = {
    "image_size": 32,
    "samples": 2048,
    "sound_widths": [4, 8, 16],
    "frame_width": 2,
    "frame_depths": [1, 1, 1, 1],
    "seconds": 1.0,
}
FEW = {"steps": 2, "step": 0.5}
DEFENSES = {
    "minsim": {},
    "maxsim": {},
    "pcl": {},
    "exfmem": {"columns": 8, "steps": 5},
    "adversarial": {"attack_options": FEW},
    "efficient": {"attack": "pgd", "steps": 2, "schedule": "constant"},
}


def settings(folder, defense=None, **changes):
    options = {"model": SIZES, "dataset": {"clips": 16}}
    if defense:
        options[defense] = DEFENSES[defense]
        changes.setdefault("budget", "cvpr21")
    options |= changes.pop("options", {})
    return TrainConfig(
        out=str(folder),
        model="cvpr21",
        defense=defense,
        options=options,
        device="cpu",
        **{"epochs": 2, "batch_size": 8, **changes},
    )


def weights(folder):
    return read_checkpoint(folder / "weights.safetensors")


class Killed(Exception):
    pass


@pytest.mark.parametrize("defense", DEFENSES)
def test_a_killed_training_goes_on_to_the_same_weights(tmp_path, defense):
    def kill(epoch, done, total):
        if (epoch, done) == (2, 8):
            raise Killed

    train(settings(tmp_path / "whole", defense), get_registry())
    with pytest.raises(Killed):
        train(settings(tmp_path / "torn", defense), get_registry(), kill)
    train(settings(tmp_path / "torn", defense), get_registry())
    one, other = weights(tmp_path / "whole"), weights(tmp_path / "torn")
    assert one.tensors.keys() == other.tensors.keys()
    for name, tensor in one.tensors.items():
        assert torch.equal(tensor, other.tensors[name]), name
    facts = one.metadata["defense"]
    assert facts["name"] == defense
    assert facts["provider"].startswith("avplug ")
    assert facts["options"].items() >= DEFENSES[defense].items()


def test_the_curve_tells_of_attacks_and_of_crafting(tmp_path):
    plain = train(settings(tmp_path / "plain", epochs=1), get_registry())
    assert plain[0].robust_accuracy is None
    assert plain[0].forwards == 0
    (row,) = train(settings(tmp_path / "at", "adversarial", epochs=1), get_registry())
    assert row.forwards == row.backwards == 16 * FEW["steps"]
    assert 0 <= row.robust_accuracy <= 100
    assert row.seconds > 0
    stored = json.loads((tmp_path / "at" / "training.json").read_text())
    assert stored["curve"][0]["forwards"] == row.forwards
    assert stored["settings"]["judged"] == stated(threat_model("cvpr21"))
    assert "0.006 amplitude" in stored["settings"]["judged"]


def loaded(folder, registry):
    _, dataset, _ = open_dataset(registry, RunConfig(options={"dataset": {"clips": 4}}))
    return load_model(
        registry,
        "cvpr21",
        str(folder / "weights.safetensors"),
        "events",
        dataset,
        {},
        torch.device("cpu"),
    )


def test_defended_weights_bring_their_defence_along(tmp_path):
    train(settings(tmp_path / "start", epochs=1), get_registry())
    start = str(tmp_path / "start" / "weights.safetensors")
    train(settings(tmp_path / "out", "exfmem", init=start, epochs=1), get_registry())
    found = loaded(tmp_path / "out", get_registry())
    assert found.identity["defense"] == weights(tmp_path / "out").metadata["defense"]
    assert found.model.audio_memory.columns.shape == (16, 8)
    assert found.model.audio_memory.columns.any()
    assert not found.model.training
    assert {"late-fusion", "time"} <= set(found.entry.spec.capabilities)
    assert "defense" not in loaded(tmp_path / "start", get_registry()).identity


def test_weights_of_a_missing_defence_say_so(tmp_path):
    train(settings(tmp_path, "minsim", epochs=1), get_registry())
    registry = SimpleNamespace(
        get=lambda kind, name: (
            get_registry().get(kind, "minsimm")
            if kind == "defense"
            else get_registry().get(kind, name)
        )
    )
    with pytest.raises(
        WeightsError, match=r"trained with defence 'minsim' of avplug .*Install the"
    ):
        loaded(tmp_path, registry)


def test_training_starts_from_given_weights(tmp_path):
    train(settings(tmp_path / "a", epochs=1), get_registry())
    path = tmp_path / "a" / "weights.safetensors"
    kept = settings(
        tmp_path / "b",
        init=str(path),
        epochs=1,
        options={"lr_of": {"frame": 0, "frame.layer4": 1.0}},
    )
    train(kept, get_registry())
    before, after = weights(tmp_path / "a").tensors, weights(tmp_path / "b").tensors
    assert torch.equal(before["frame.conv1.weight"], after["frame.conv1.weight"])
    changed = "frame.layer4.0.conv1.weight"
    assert not torch.equal(before[changed], after[changed])
    moved = tmp_path / "moved.safetensors"
    path.rename(moved)
    again = settings(
        tmp_path / "b", init=str(moved), epochs=1, options=dict(kept.options)
    )
    assert len(train(again, get_registry())) == 1


def test_weights_that_do_not_fit_are_refused(tmp_path):
    train(settings(tmp_path / "a", epochs=1), get_registry())
    found = loaded(tmp_path / "a", get_registry())
    start = str(tmp_path / "other.safetensors")
    found.model.labels = found.model.labels[::-1]
    save_checkpoint(start, found.model, {"model": "cvpr21"})
    with pytest.raises(WeightsError, match="in another order"):
        train(settings(tmp_path / "b", init=start), get_registry())
    save_checkpoint(start, found.model, {"model": "cav-mae"})
    with pytest.raises(WeightsError, match="checkpoint of 'cav-mae'"):
        train(settings(tmp_path / "c", init=start), get_registry())
    train(settings(tmp_path / "d", "exfmem", epochs=1), get_registry())
    start = str(tmp_path / "d" / "weights.safetensors")
    with pytest.raises(WeightsError, match="does not fit CVPR21"):
        train(settings(tmp_path / "e", init=start), get_registry())


def test_what_a_model_lacks_is_told(tmp_path):
    config = TrainConfig(
        out=str(tmp_path),
        model="cav-mae:tiny",
        defense="exfmem",
        options={"dataset": {"clips": 4}},
    )
    with pytest.raises(CapabilityError, match="'exfmem' needs late-fusion, which cav"):
        train(config, get_registry())


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"options": {"adversaril": {}}}, "given for 'adversaril'"),
        ({"options": {"lr_of": {"frames": 0.1}}}, "Did you mean 'frame'"),
        ({"options": {"lr_of": {"frame": -1}}}, "must be 0 or more"),
        ({"options": {"schedule": {"milestones": [1]}}}, "belong to --schedule steps"),
        ({"options": {"schedule": {"at": [1]}}}, "no option 'at'"),
        ({"batch_size": 1}, "batch norm"),
        ({"budget": "cvpr12"}, "Did you mean 'cvpr21'"),
        ({"defense": "adversarial", "budget": None}, "needs a threat model"),
    ],
)
def test_settings_that_do_not_fit_are_told(tmp_path, changes, complaint):
    with pytest.raises(UsageError, match=complaint):
        train(settings(tmp_path, **changes), get_registry())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"optimizer": "adam"}, "Did you mean 'adamw'"),
        ({"schedule": "step"}, "Did you mean 'steps'"),
        ({"weight_decay": -1.0}, "weight_decay is -1.0"),
        ({"clip_norm": -1.0}, "clip_norm is -1.0"),
    ],
)
def test_values_out_of_range_are_told(tmp_path, changes, complaint):
    with pytest.raises(UsageError, match=complaint):
        settings(tmp_path, **changes)


def test_the_rate_falls_at_the_milestones(tmp_path):
    options = {"schedule": {"milestones": [2, 3]}, "lr_of": {"0": 0.1}}
    config = TrainConfig(
        out="",
        optimizer="sgd",
        schedule="steps",
        epochs=4,
        lr=1.0,
        clip_norm=0.0,
        weight_decay=0.0,
        options=options,
    )
    model = nn.Sequential(nn.Linear(1, 1), nn.Linear(1, 1))
    optimising = Optimising(config, model, (), steps=5)
    assert [optimising.scale(n) for n in (0, 9, 10, 14, 15)] == pytest.approx(
        [1, 1, 0.1, 0.1, 0.01]
    )
    before = [p.item() for p in model.parameters()]
    optimising.step(sum(p.sum() for p in model.parameters()), 10)
    steps = [b - p.item() for b, p in zip(before, model.parameters(), strict=True)]
    assert steps == pytest.approx([0.01, 0.01, 0.1, 0.1], rel=1e-4)


@given(st.integers(2, 300), st.integers(2, 64))
def test_batch_norm_gets_no_tiny_batch_and_no_clip_is_left_out(count, size):
    normed = batch_sizes(count, size, nn.BatchNorm1d(1))
    plain = batch_sizes(count, size, nn.Linear(1, 1))
    assert sum(normed) == sum(plain) == count
    assert max(plain) <= size
    assert min(normed) >= min(count, size / 2)
    assert max(normed) < 1.5 * size
