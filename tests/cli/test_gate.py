"""``avplug gate``: exit codes, output, the file for CI."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest

from avplug.bench.store import Store
from tests.report.stores import StoreMaker, right


@pytest.fixture
def folder(tmp_path):
    maker = StoreMaker(Store(tmp_path / "run"))
    maker.add(right(18))
    maker.add(right(12), "rain", 5)
    return tmp_path / "run"


def thresholds(tmp_path, least):
    path = tmp_path / "thresholds.toml"
    path.write_text(f"[[threshold]]\nmin = {least}\n")
    return path


def test_passes_with_0(tmp_path, folder, avplug):
    done = avplug(
        "gate",
        str(folder),
        "-t",
        str(thresholds(tmp_path, 55.0)),
        "--junit",
        str(tmp_path / "j.xml"),
    )
    assert done.exit_code == 0
    assert "passed events cav-mae:tiny/source mean: top1 60.0" in done.stdout
    assert "3 of 3 checks passed." in done.stderr
    assert ElementTree.parse(tmp_path / "j.xml").getroot().get("failures") == "0"


def test_fails_with_3(tmp_path, folder, avplug):
    done = avplug(
        "gate",
        str(folder),
        "-t",
        str(thresholds(tmp_path, 65.0)),
        "--junit",
        str(tmp_path / "j.xml"),
    )
    assert done.exit_code == 3
    assert "failed events cav-mae:tiny/source mean: top1 60.0" in done.stdout
    assert ElementTree.parse(tmp_path / "j.xml").getroot().get("failures") == "1"


def test_as_json(tmp_path, folder, avplug):
    done = avplug("gate", str(folder), "-t", str(thresholds(tmp_path, 65.0)), "--json")
    assert done.exit_code == 3
    data = json.loads(done.stdout)
    assert data["passed"] is False
    assert [check["outcome"] for check in data["checks"]] == [
        "passed",
        "passed",
        "failed",
    ]


def test_a_usage_error_is_no_missed_threshold(tmp_path, folder, avplug):
    done = avplug("gate", str(folder), "-t", str(tmp_path / "none.toml"))
    assert done.exit_code == 2
    assert "none.toml" in done.stderr
    done = avplug(
        "gate", str(tmp_path / "nowhere"), "-t", str(thresholds(tmp_path, 1.0))
    )
    assert done.exit_code == 2
