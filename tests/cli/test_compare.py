"""``avplug compare RUN --published`` and ``avplug published``."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from avplug.bench.store import Store
from avplug.cli.app import build_app
from tests.report.attacked import put_attacked
from tests.report.papers import network, sized
from tests.report.stores import StoreMaker, right


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setattr("os.fsync", lambda handle: None)
    maker = StoreMaker(Store(tmp_path / "run"), dataset="vggsound")
    maker.add(right(18))
    maker.add(right(9), "gaussian", 5)
    return tmp_path / "run"


def said(*words, code=0):
    result = CliRunner().invoke(build_app(), [str(word) for word in words])
    assert result.exit_code == code, result.output
    return result.output


def test_both_numbers_and_the_sources_are_printed(run):
    text = said("compare", run, "--published", "--resamples", "0")
    for part in ("45.0", "35.54", "30.20", "main table", "arXiv:2506.00358"):
        assert part in text
    assert "mean15 (own: 1)" in text
    assert "14046" in text


def test_one_paper_as_json(run):
    words = ("compare", run, "--published", "--paper", "avrecap", "--json")
    (found,) = json.loads(said(*words))
    assert found["source"]["paper"] == "arXiv:2602.18528"
    rows = {row["corruption"]: row for row in found["numbers"]}
    assert rows["gaussian"]["published"] == "30.20"
    assert rows["gaussian"]["own"] == "45.0"
    assert {"aspect": "clips", "published": "14046", "own": "20"}.items() <= (
        found["protocol"][0].items()
    )


@pytest.fixture
def maker(tmp_path, monkeypatch):
    monkeypatch.setattr("os.fsync", lambda handle: None)
    return StoreMaker(Store(tmp_path / "attacked"))


def test_attacked_networks_stand_beside_the_paper_that_is_named(maker):
    put_attacked(maker, 4, "v", "fgsm", model=network(), about={"threat": sized()})
    run = maker.store.folder
    words = ("compare", run, "--published", "--resamples", "0")
    text = said(*words, code=2)
    assert "No published number stands beside concat on events" in text
    assert "budget" in text
    text = said(*words, "--dataset", "MUSIC")
    for part in ("45.19", "20.0", "Table 3", "concat #0", "arXiv:2104.02000"):
        assert part in text
    (found,) = json.loads(said(*words, "--dataset", "AVE", "--json"))
    assert found["dataset"] == "AVE"
    assert {row["published"] for row in found["numbers"]} == {"24.88"}
    assert {"aspect": "data set", "finding": "differs"}.items() <= (
        found["protocol"][0].items()
    )


def test_what_is_wrong_is_said(run):
    assert "two are compared" in said("compare", run, code=2)
    text = said("compare", run, "--published", "--dataset", "AudioSet-2C", code=2)
    assert "No published number stands beside cav-mae:tiny on AudioSet-2C" in text
    assert "VGGSound-2C" in text
    text = said("compare", run, "--published", "--paper", "avrobustbenhc", code=2)
    assert "Did you mean 'avrobustbench'?" in text


def test_published_numbers_are_listed_and_chosen():
    asked = ("--dataset", "vggsound-2c", "--corruption", "mean15", "--method", "av2c")
    rows = json.loads(said("published", "avrobustbench", *asked, "--json"))
    assert {row["value"] for row in rows if row["metric"] == "top1_acc"} == {
        44.06,
        40.6,
    }
    text = said("published", *asked)
    assert "TTA bar chart" in text
    assert "44.06" in text
    assert len(json.loads(said("published", "--json"))) == 2125


@pytest.fixture
def two(tmp_path, monkeypatch):
    monkeypatch.setattr("os.fsync", lambda handle: None)
    for name, count in (("old", 8), ("new", 18)):
        maker = StoreMaker(Store(tmp_path / name))
        maker.add(right(20))
        maker.add(right(count), "rain", 5)
    return tmp_path / "old", tmp_path / "new"


def test_two_runs_clip_by_clip(two):
    text = said("compare", *two)
    assert "new against old: top-1 accuracy (%)" in text
    assert "+50.0" in text
    assert "10 : 0" in text
    assert "new is better than old (rain: +50.0" in text


def test_two_runs_as_json(two):
    (found,) = json.loads(said("compare", *two, "--json", "--min-effect", "60"))
    rain = found["rows"][-1]
    assert (rain["corruption"], rain["difference"]["value"]) == ("rain", 50)
    assert rain["p"] == pytest.approx(2 * 0.5**10)
    assert rain["test"]["odds_ratio"] is None
    assert rain["finding"] == "open"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "has 1 method"),
        (("--correction", "bonferroni"), "Corrections: holm, bh, none"),
        (("--metric", "nope"), "nope"),
    ],
)
def test_what_cannot_be_compared(two, words, message):
    runs = two if words else two[:1]
    result = CliRunner().invoke(build_app(), ["compare", *map(str, runs), *words])
    assert result.exit_code == 2
    assert message in result.stderr


def test_three_runs_are_too_many(two):
    assert "3 runs are given" in said("compare", *two, two[0], code=2)
