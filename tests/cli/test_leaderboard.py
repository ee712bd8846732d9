"""``avplug leaderboard``: the page, the data, and the exit code for CI."""

from __future__ import annotations

import json

from avplug.bench.store import Store
from tests.report.stores import StoreMaker, right


def test_a_run_that_lacks_everything_is_told_and_strict_is_3(tmp_path, avplug):
    StoreMaker(Store(tmp_path / "run")).add(right(18))
    done = avplug("leaderboard", str(tmp_path), "--resamples", "0")
    assert done.exit_code == 0
    assert "no cells with gaussian" in done.stdout
    assert "Not ranked" in (tmp_path / "leaderboard.html").read_text()
    assert avplug("leaderboard", str(tmp_path), "--strict").exit_code == 3


def test_as_json(tmp_path, avplug):
    StoreMaker(Store(tmp_path / "run")).add(right(18))
    page = tmp_path / "site" / "index.html"
    done = avplug("leaderboard", str(tmp_path), "--json", "--out", str(page))
    data = json.loads(done.stdout)
    assert data["page"] == str(page)
    assert page.exists()
    (entry,) = data["entries"]
    assert (entry["folder"], entry["clean"]["value"]) == ("run", 90)
    assert entry["faults"]


def test_no_run(tmp_path, avplug):
    done = avplug("leaderboard", str(tmp_path))
    assert done.exit_code == 2
    assert "There is no run below" in done.stderr
