"""The suites of CVPR'21 and ICLR'25 from training to table, with toy sizes."""

from __future__ import annotations

import json

import pytest
import torch

from avplug.bench.store import Store
from avplug.bench.training_suite import plan_trainings, train_suite
from avplug.builtin_suites import cvpr21, iclr25
from avplug.core.errors import UsageError
from avplug.core.registry import get_registry

SIZES = (
    *("model.image_size=64", "model.samples=2048", "model.sound_widths=[4, 8, 16]"),
    *("model.frame_width=2", "model.frame_depths=[1, 1, 1, 1]", "model.seconds=1.0"),
    *("dataset.clips=16", "exfmem.columns=8", "exfmem.steps=3"),
)
FEW = ("--epochs", "1", "--batch-size", "8", "--device", "cpu")


def options():
    return [word for size in SIZES for word in ("-o", size)]


class Silent:
    """Counts the trainings that begin."""

    def __init__(self):
        self.started = []

    def training_started(self, what, number, total):
        self.started.append(what)

    def clips_done(self, epoch, done, total):
        """Take no notice."""

    def epoch_ended(self, row):
        """Take no notice."""


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    """The trained networks of both suites."""
    from typer.testing import CliRunner

    from avplug.cli.app import build_app

    folder = tmp_path_factory.mktemp("networks")
    for suite, names in (("cvpr21", "concat,audio,minsim,minsim-exfmem,localised"),
                         ("iclr25", "undefended,both")):  # fmt: skip
        arguments = [
            *("train", "--suite", suite, "--out", str(folder / suite), *FEW),
            *("--only", names, "--seed", "0,1", *options()),
        ]
        result = CliRunner().invoke(build_app(), arguments)
        assert result.exit_code == 0, result.output
    return folder


@pytest.mark.parametrize("suite", [cvpr21, iclr25])
def test_tables_are_of_networks_that_are_trained(suite):
    trained = suite.trainings()
    for table in suite.configuration()["tables"]:
        assert set(table["rows"]) <= set(trained)
        assert (
            table.get("base", "concat" if suite is cvpr21 else "undefended") in trained
        )
    for row in trained.values():
        assert row.get("after", next(iter(trained))) in trained


def test_what_others_start_from_comes_first():
    names = [p.name for p in plan_trainings(get_registry(), "cvpr21", "x", {}, [0])]
    rows = cvpr21.trainings()
    for name in names:
        if "after" in rows[name]:
            assert names.index(rows[name]["after"]) < names.index(name)


def test_a_budget_is_for_those_that_train_on_attacked_clips():
    settings = {"budget": "pixel8", "options": {"exfmem": {"columns": 9}}}
    planned = plan_trainings(get_registry(), "cvpr21", "x", settings, [3])
    found = {p.name: p.config for p in planned}
    assert found["pgd-at"].budget == "pixel8"
    assert found["minsim"].budget is None
    assert found["exfmem"].options["exfmem"] == {
        "columns": 9, "steps": 50, "minsim": 0.0,
    }  # fmt: skip
    assert "exfmem" not in found["minsim"].options
    assert found["sum"].seed == 3
    assert found["sum"].model == "cvpr21:tiny"


def test_one_failing_training_leaves_the_others_alone():
    planned = plan_trainings(
        get_registry(), "cvpr21", "nowhere", {}, [0], ["concat", "sum", "exfmem"]
    )
    observer = Silent()

    def fit(config, *rest):
        if config.name == "concat":
            raise RuntimeError("no")
        return []

    failed = train_suite(planned, get_registry(), observer, fit)
    assert len(observer.started) == 3
    assert {key.split("/")[1] for key in failed} == {"concat", "exfmem"}
    assert "starts from" in failed["nowhere/exfmem/seed-0"]


def test_an_unknown_training_or_a_suite_without_any_is_told():
    with pytest.raises(UsageError, match="no training 'minsin'"):
        plan_trainings(get_registry(), "cvpr21", "x", {}, [0], ["minsin"])
    with pytest.raises(UsageError, match="trains nothing"):
        plan_trainings(get_registry(), "tta", "x", {}, [0])


def test_a_finished_training_is_not_repeated(avplug, networks):
    path = networks / "cvpr21" / "minsim" / "seed-1" / "weights.safetensors"
    before = path.stat().st_mtime_ns
    result = avplug(
        *("train", "--suite", "cvpr21", "--out", str(networks / "cvpr21"), *FEW),
        *("--only", "minsim", "--seed", "1", *options()),
    )
    assert result.exit_code == 0, result.output
    assert "1 of 1 networks trained" in result.stderr
    assert path.stat().st_mtime_ns == before


def run(avplug, folder, out, suite, *arguments):
    result = avplug(
        *("run", "--suite", suite, "--trained", str(folder / suite), "--limit", "6"),
        *("--out", str(out), "--device", "cpu", *arguments),
    )
    assert result.exit_code == 0, result.output
    return Store(out)


def test_cvpr21_runs_what_its_tables_hold(avplug, networks, tmp_path):
    store = run(
        *(avplug, networks, tmp_path / "run", "cvpr21"),
        *("-o", "pgd.steps=2", "-o", "mim.steps=2"),
    )
    cells = [cell.cell for cell in store.cells() if "attack" in cell.cell]
    met = {}
    for cell in cells:
        about = cell["attack"]
        size = about["threat"]["audio"] or about["threat"]["video"]
        kind = about["name"], size["epsilon"]
        met.setdefault(kind, set()).add(cell["model"]["training"]["name"])
    everyone = {"concat", "audio", "minsim", "minsim-exfmem", "localised"}
    assert met["fgsm", 0.006] == everyone
    assert met["mim", 0.006] == everyone
    assert met["pgd", 0.006] == {"concat"}
    assert all(met[name, 0.012] == {"concat"} for name in ("fgsm", "pgd", "mim"))
    assert {row["name"] for row in store.run["trainings"]} == everyone
    tables = (tmp_path / "run" / "tables.md").read_text(encoding="utf-8")
    for title in ("Table 1", "Table 2", "Tables 3, 5 and 6", "sound is localised"):
        assert title in tables
    assert "data:image/jpeg" in (tmp_path / "run" / "report.html").read_text()


def test_iclr25_attacks_each_network_from_each_other_of_its_seed(
    avplug, networks, tmp_path
):
    store = run(
        *(avplug, networks, tmp_path / "run", "iclr25", "--attack", "pgd,tma"),
        *("-o", "pgd.steps=2", "-o", "tma.steps=2"),
    )
    pairs = {
        (other["training"]["name"], cell.cell["model"]["training"]["name"])
        for cell in store.cells()
        for other in cell.cell.get("attack", {}).get("surrogates", ())
        if other["training"]["seed"] == cell.cell["model"]["training"]["seed"]
    }
    assert pairs == {("both", "undefended"), ("undefended", "both")}
    made = [c for c in store.cells() if c.cell.get("attack", {}).get("surrogates")]
    assert len(made) == 4, "two seeds, no pair across seeds"
    scores = json.loads((tmp_path / "run" / "scores.json").read_text())
    assert {t["name"] for t in scores["paper_tables"]} >= {"success-1", "transfer-2"}


def test_weights_carry_the_name_of_their_training(networks):
    from avplug.core.weights import read_checkpoint

    path = networks / "cvpr21" / "concat" / "seed-1" / "weights.safetensors"
    about = read_checkpoint(path).metadata
    assert about["name"] == "concat"
    assert about["training"]["seed"] == 1
    assert all(torch.isfinite(t).all() for t in read_checkpoint(path).tensors.values())
