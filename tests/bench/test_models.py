"""From a name to a model: own ones, options by name, parts, number formats."""

import hashlib
from dataclasses import replace
from pathlib import Path
from textwrap import dedent
from types import SimpleNamespace

import pytest
import torch

from avplug.bench.compute import Compute
from avplug.bench.config_files import parse_options
from avplug.bench.known_weights import choose_weights, find_known, parse_parts
from avplug.bench.models import load_model
from avplug.bench.own_model import Wrapped, own_entry
from avplug.bench.planning import make_plan
from avplug.bench.prepare import open_dataset
from avplug.bench.runner import run
from avplug.bench.store import Store
from avplug.bench.train_config import TrainConfig
from avplug.bench.training import train
from avplug.bench.weight_files import read_weights
from avplug.core.clip import InputSpec
from avplug.core.components import ModelSpec
from avplug.core.errors import UnknownNameError, UsageError, WeightsError
from avplug.core.model import Model
from avplug.core.registry import Entry, get_registry
from avplug.core.weight_specs import FileSpec, WeightSpec
from tests.bench.toys import LABELS, checkpoint, config

OWN = """
    import torch
    from torch import nn
    from avplug import InputSpec, Model

    INPUT = InputSpec(size=16, seconds=1, sample_rate=8000)

    class Mean(nn.Module):
        input = INPUT

        def __init__(self, labels, slope=1.0):
            super().__init__()
            self.head = nn.Linear(3, len(labels))
            nn.init.constant_(self.head.bias, 0)
            with torch.no_grad():
                self.head.weight.copy_(slope * torch.eye(len(labels), 3))

        def forward(self, frames, waveform):
            return self.head(frames.mean((1, 3, 4)))

    class Full(Model):
        input = INPUT
        outputs = "sigmoid"

        def __init__(self, labels):
            super().__init__(labels)
            self.norm = nn.LayerNorm(3)
            self.head = nn.Linear(3, len(labels))

        def forward(self, frames, waveform):
            return self.head(self.norm(frames.mean((1, 3, 4))))

        def parameters_for(self, surface):
            if surface == "norm":
                return dict(self.norm.named_parameters())
            return super().parameters_for(surface)

    def made(labels):
        return Mean(labels, slope=2.0)

    def number(labels):
        return 3

    def deaf(labels):
        return nn.Linear(1, 1)

    constant = 5
"""


@pytest.fixture
def own(tmp_path):
    path = tmp_path / "my_model.py"
    path.write_text(dedent(OWN))
    return path


def loaded(tmp_path, name, weights=None, **options):
    settings = config(tmp_path)
    _, dataset, _ = open_dataset(get_registry(), settings)
    return load_model(
        get_registry(),
        name,
        weights,
        "events",
        dataset,
        options,
        torch.device("cpu"),
    )


def test_a_module_that_makes_its_weights_needs_no_checkpoint(own, tmp_path):
    model = loaded(tmp_path, f"{own}:Mean")
    assert isinstance(model.model, Wrapped)
    assert model.model.labels == LABELS
    assert model.identity["name"] == "mean"
    assert model.identity["provider"] == "my_model.py"
    assert model.identity["code"] == hashlib.sha256(own.read_bytes()).hexdigest()
    frames = torch.rand(2, 1, 3, 16, 16)
    logits = model.model(frames, torch.zeros(2, 8000))
    assert torch.allclose(logits[:, :3], frames.mean((1, 3, 4)))
    again = loaded(tmp_path, f"{own}:Mean")
    assert again.identity == model.identity
    function = loaded(tmp_path, f"{own}:made")
    assert function.identity["weights"] != model.identity["weights"]
    sloped = loaded(tmp_path, f"{own}:Mean", mean={"slope": 2.0})
    assert sloped.identity["weights"] == function.identity["weights"]
    assert sloped.identity["config"] == {"slope": 2.0}


def test_weights_are_never_made_up(own, tmp_path):
    with pytest.raises(WeightsError, match="draws weights at random, and is given no"):
        loaded(tmp_path, f"{own}:Full")


def test_an_own_model_takes_a_checkpoint_and_shows_its_capabilities(own, tmp_path):
    torch.manual_seed(1)
    entry = own_entry(f"{own}:Full")
    made = entry.load()(LABELS)
    torch.save(made.state_dict(), tmp_path / "full.pth")
    model = loaded(tmp_path, f"{own}:Full", str(tmp_path / "full.pth"))
    assert torch.equal(model.model.head.weight, made.head.weight)
    assert model.entry.spec.capabilities == ("gradient", "norm")
    assert model.identity["outputs"] == "sigmoid"
    bare = {"head.weight": torch.ones(12, 3), "head.bias": torch.ones(12)}
    torch.save(bare, tmp_path / "mean.pth")
    wrapped = loaded(tmp_path, f"{own}:Mean", str(tmp_path / "mean.pth"))
    assert wrapped.model.module.head.weight.sum() == 36


def test_an_own_model_is_trained_and_run(own, tmp_path):
    name = f"{own}:Full"
    train(
        TrainConfig(out=str(tmp_path / "t"), model=name, epochs=1, limit=24),
        get_registry(),
    )
    weights = (str(tmp_path / "t" / "weights.safetensors"),)
    settings = config(tmp_path, models=(name,), weights=weights, tta=("source", "tent"))
    settings = replace(settings, limit=4, severities=(5,), corruptions=("gaussian",))
    assert not run(settings, get_registry()).failed
    assert len(list(Store(tmp_path / "run").cells())) == 4


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("{own}:Maen", "no class or function 'Maen'. Did you mean 'Mean'?"),
        ("{own}:constant", "no class or function 'constant'"),
        ("{own}:number", "number returns a int, no torch.nn.Module"),
        ("{own}:deaf", "does not say what to sample of a clip"),
        ("none.py:Net", "There is no file 'none.py'"),
        ("no_such.package:Net", "'no_such.package' cannot be imported"),
    ],
)
def test_what_is_wrong_with_an_own_model_is_told(own, tmp_path, name, said):
    with pytest.raises(UsageError) as caught:
        loaded(tmp_path, name.format(own=own))
    assert said in str(caught.value)


def test_a_file_that_raises_is_told(tmp_path):
    (tmp_path / "bad.py").write_text("1 / 0\n")
    with pytest.raises(UsageError, match=r"bad.py' cannot be imported: ZeroDivision"):
        own_entry(f"{tmp_path / 'bad.py'}:Net")


def test_a_module_and_plugin_models_are_told_apart():
    entry = own_entry("torch.nn:Identity")
    assert (entry.provider, entry.spec.name) == ("torch", "identity")
    assert own_entry("cav-mae:tiny") is None
    assert own_entry("cav-mae") is None


def test_options_go_to_every_model_or_to_the_one_they_name(tmp_path):
    toy = checkpoint(tmp_path)

    def picks(name, **options):
        return loaded(tmp_path, name, toy, **options).identity["config"]["picks"]

    every = {"model": {"picks": (1,)}}
    assert picks("cav-mae", **every) == picks("cav-mae:tiny", **every) == (1,)
    one = {**every, "cav-mae": {"picks": (2,)}}
    assert picks("cav-mae:tiny", **one) == (2,)
    narrow = {**one, "cav-mae:tiny": {"picks": (3,)}}
    assert (picks("cav-mae:tiny", **narrow), picks("cav-mae", **narrow)) == ((3,), (2,))
    with pytest.raises(WeightsError, match=r"missing: blocks_a\.1\.norm1\.weight"):
        loaded(tmp_path, "cav-mae", toy, model={"depth": 2})
    with pytest.raises(UsageError, match=r"no option 'dpeth'\. Did you mean 'depth'"):
        loaded(tmp_path, "cav-mae", toy, model={"dpeth": 1})


def test_options_of_a_model_that_does_not_run_are_refused(tmp_path):
    for name in ("model", "cav-mae", "cav-mae:tiny"):
        options = {name: {"picks": (5,)}}
        make_plan(config(tmp_path, options=options, limit=2), get_registry())
    with pytest.raises(UsageError, match="Options are given for 'uavm'"):
        make_plan(config(tmp_path, options={"uavm": {"depth": 1}}), get_registry())
    assert parse_options(("my.py:Net.depth=4",)) == {"my.py:Net": {"depth": 4}}


def test_number_format_and_layout_are_recorded_and_do_something(tmp_path):
    plain = config(tmp_path, limit=4, severities=(5,), corruptions=("gaussian",))
    stored = {}
    for key, changes in {
        "float32": {},
        "bfloat16": {"dtype": "bfloat16"},
        "layout": {"channels_last": True},
    }.items():
        out = str(tmp_path / key)
        run(replace(plain, out=out, **changes), get_registry())
        cell = min(Store(tmp_path / key).cells(), key=lambda c: c.cell["severity"])
        stored[key] = (cell.cell, cell.predictions().logits)
    assert stored["float32"][0]["dtype"] == "float32"
    assert "channels_last" not in stored["float32"][0]
    assert stored["bfloat16"][0]["dtype"] == "bfloat16"
    assert stored["layout"][0]["channels_last"] is True
    exact = stored["float32"][1]
    moved = abs(stored["bfloat16"][1] - exact).max()
    assert 1e-5 < moved < 0.1 * abs(exact).max()
    assert abs(stored["layout"][1] - exact).max() < 1e-4


def test_what_a_device_cannot_compute_is_told(monkeypatch):
    cpu = torch.device("cpu")
    Compute("bfloat16").check(cpu)

    def cannot(*_, **__):
        raise RuntimeError("float16 is not implemented for 'CPU'\nat line 3")

    monkeypatch.setattr(torch, "autocast", cannot)
    with pytest.raises(
        UsageError, match="float16 cannot be computed on cpu: float16 is"
    ):
        Compute("float16").check(cpu)
    monkeypatch.undo()
    monkeypatch.setattr(torch, "compile", lambda function: cannot)
    with pytest.raises(UsageError, match=r"torch.compile does not work here: Runtime"):
        Compute(compiled=True).check(cpu)


def test_a_compiled_model_answers_as_before(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(torch, "compile", lambda f: asked.append(f) or f)
    model = loaded(tmp_path, "cav-mae", checkpoint(tmp_path)).model
    Compute(compiled=True).apply(model)
    assert [f.__name__ for f in asked] == ["classify", "encode", "fuse"]
    assert Compute(compiled=True).identity() == {"dtype": "float32", "compile": True}


SPEC = ModelSpec(
    "net",
    "module:Net",
    variants={"base": {}, "tiny": {"width": 1}},
    weights=(
        WeightSpec("a", "events", "a.pth"),
        WeightSpec("b", "events", "b.pth", variant="tiny"),
        WeightSpec("c", "*", "c.pth", variant="tiny"),
        WeightSpec("d", "", "d.pth"),
    ),
)
ENTRY = Entry(SPEC, "somebody", "1")


@pytest.mark.parametrize(
    ("variant", "asked", "dataset", "chosen"),
    [
        ("", None, "events", "a.pth"),
        ("base", None, "events", "a.pth"),
        ("tiny", None, "events", "b.pth"),
        ("tiny", None, "other", "c.pth"),
        ("", None, "other", None),
        ("", "d", "events", "d.pth"),
        ("", "x/y.pth", "events", "x/y.pth"),
        ("", "hf:o/r/f.pth", "events", "hf:o/r/f.pth"),
    ],
)
def test_weights_are_chosen_by_name_or_by_data_set(variant, asked, dataset, chosen):
    found = choose_weights(ENTRY, variant, asked, dataset)
    assert (found and found.source) == chosen


def test_weights_that_are_not_meant_are_told():
    with pytest.raises(WeightsError, match=r"belong to 'net:tiny'. Use --model net:t"):
        choose_weights(ENTRY, "", "b", "events")
    with pytest.raises(WeightsError, match="no weights of that name"):
        choose_weights(ENTRY, "", "aa", "events")
    with pytest.raises(UnknownNameError, match="Did you mean 'audioclip/full'"):
        find_known(get_registry(), "audioclip/ful")
    assert find_known(get_registry(), "nothing") is None
    assert find_known(get_registry(), "avplug/cav-mae/events") is not None


def test_parts_are_told_from_paths():
    assert parse_parts("audio=a.pth,visual=https://x/y?dl=1,z") == {
        "audio": FileSpec("a.pth"),
        "visual": FileSpec("https://x/y?dl=1,z"),
    }
    assert parse_parts("a.pth") == {}
    assert parse_parts("https://x/y?dl=1") == {}
    assert parse_parts("hf:o/r/f.pth") == {}


def test_a_file_that_is_not_the_stated_one_is_refused(tmp_path):
    path = checkpoint(tmp_path)
    stated = WeightSpec("w", "events", path, sha256="0" * 64)
    with pytest.raises(WeightsError, match=rf"has sha256 \w+, not {'0' * 64}"):
        read_weights(ENTRY, stated, asked=True)


class Reader(Model):
    """A model that fills itself with the number in a file of its own format."""

    input = InputSpec(size=16, seconds=1, sample_rate=8000)
    pretrained = True

    def __init__(self, labels, weights="none", scale=1.0):
        super().__init__(labels, weights=weights, scale=scale)
        self.register_buffer("number", torch.tensor(float(Path(weights).read_text())))


def test_a_model_that_reads_its_weights_is_given_what_the_user_names(tmp_path):
    spec = ModelSpec("reader", f"{__name__}:Reader", reads_weights=True)
    registry = SimpleNamespace(get=lambda kind, name: Entry(spec, "somebody", "1"))
    _, dataset, _ = open_dataset(get_registry(), config(tmp_path))
    identities = []
    for place, number in (("a", 3), ("b", 3), ("c", 4)):
        (tmp_path / place).write_text(str(number))
        found = load_model(
            registry,
            "reader",
            str(tmp_path / place),
            "events",
            dataset,
            {"reader": {"scale": 2.0}},
            torch.device("cpu"),
        )
        assert found.model.number == number
        assert found.identity["config"] == {"scale": 2.0}
        identities.append(found.identity)
    # What they are counts, not where they lay.
    assert identities[0] == identities[1] != identities[2]
