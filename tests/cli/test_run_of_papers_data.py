"""Runs on data sets of the papers in miniature: their metrics, and numbers beside."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from avplug.builtin_datasets.published.vggsound import VGGSound
from avplug.cli.app import build_app
from tests.bench.toys import checkpoint
from tests.builtin_datasets.published import miniature


def said(*words):
    result = CliRunner().invoke(build_app(), [str(word) for word in words])
    assert result.exit_code == 0, result.output
    return result.output


def test_a_run_of_cav_mae_beside_the_published_table(tmp_path):
    (tmp_path / "data").mkdir()
    miniature.vggsound(tmp_path / "data")
    labels = VGGSound(root=tmp_path / "data").labels
    weights = checkpoint(tmp_path, labels, "vggsound")
    said(
        *("run", "--dataset", "vggsound", "--data-root", tmp_path / "data"),
        *("--model", "cav-mae:tiny", "--weights", weights, "-c", "gaussian,rain"),
        *("-s", "5", "--tta", "source,tent", "--out", tmp_path / "run"),
    )
    text = said("compare", tmp_path / "run", "--published", "--resamples", "0")
    for part in ("35.54", "19.09", "main table", "arXiv:2506.00358", "14046"):
        assert part in text
    found = json.loads(said("compare", tmp_path / "run", "--published", "--json"))
    assert [each["source"]["name"] for each in found] == ["avrobustbench", "avrecap"]
    for each in found:
        assert all(row["published"] != "–" for row in each["numbers"])
        assert all(
            row["own"] != "–" for row in each["numbers"] if "%" in row["quantity"]
        )
    told = {row["aspect"]: row for row in found[0]["protocol"]}
    assert told["clips"]["finding"] == "differs"
    assert told["corruptions in the mean"]["own"] == "2 of 15"
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "Beside published numbers" in page


def test_verbs_nouns_and_actions_of_epic_kitchens(tmp_path):
    (tmp_path / "data").mkdir()
    miniature.epic_kitchens(tmp_path / "data")
    (tmp_path / "my_net.py").write_text(miniature.MODEL, encoding="utf-8")
    said(
        *("run", "--dataset", "epic-kitchens", "--data-root", tmp_path / "data"),
        *("--model", f"{tmp_path / 'my_net.py'}:Net", "-c", "gaussian", "-s", "5"),
        *("--out", tmp_path / "run"),
    )
    scores = json.loads((tmp_path / "run" / "scores.json").read_text(encoding="utf-8"))
    names = [panel["metric"] for panel in scores["panels"]]
    assert names == ["verb-top1", "noun-top1", "action-top1"]
    for panel in scores["panels"]:
        assert {m["adaptation"] for m in panel["methods"]} == {"source"}
        assert all(np.isfinite(cell["value"]["value"]) for cell in panel["cells"])
    assert scores["skipped"] == []


@pytest.mark.parametrize("metric", ["top1", "map"])
def test_other_metrics_are_refused_there(tmp_path, metric):
    miniature.epic_kitchens(tmp_path)
    (tmp_path / "my_net.py").write_text(miniature.MODEL, encoding="utf-8")
    result = CliRunner().invoke(
        build_app(),
        [
            *("run", "--dataset", "epic-kitchens", "--data-root", str(tmp_path)),
            *("--model", f"{tmp_path / 'my_net.py'}:Net", "--metric", metric),
        ],
    )
    assert result.exit_code == 2
    assert f"Metric '{metric}' is not defined for multi-task data" in result.output
