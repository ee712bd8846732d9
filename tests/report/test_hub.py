"""Results as a model card: its front matter, its text, its files."""

from __future__ import annotations

import json
import warnings

import pytest

from avplug.bench.store import Store
from avplug.core.errors import UsageError
from avplug.report.hub import export_hub, model_index
from avplug.report.scores import score
from avplug.report.write import read_scores
from tests.report.attacked import FACTS, threat
from tests.report.stores import TOP1, StoreMaker, right

yaml = pytest.importorskip("yaml")


def front(card):
    _, data, text = card.read_text(encoding="utf-8").split("---\n", 2)
    return yaml.safe_load(data), text


def results(index, model="cav-mae:tiny"):
    """The values by data set's condition and metric's name."""
    (found,) = (entry["results"] for entry in index if entry["name"] == model)
    return {
        (result["dataset"]["config"], metric["name"]): metric["value"]
        for result in found
        for metric in result["metrics"]
    }


def test_the_card_has_the_panels_numbers(full, tmp_path):
    scores = score(full.store, [TOP1], 20)
    card = export_hub(scores, tmp_path / "out", source="https://example.org/run")
    data, text = front(card)
    panel = scores.panels[0]
    found = results(data["model-index"])
    for method in panel.methods:
        for severity in (0, 1, 3, 5):
            point = panel.over_corruptions(method, severity)
            where = f"severity {severity}" if severity else "clean"
            name = f"top-1 accuracy (%), {method.adaptation}"
            assert found[where, name] == round(point.value[0], 4)
            name = f"relative robustness ρ, {method.adaptation}"
            assert found[where, name] == round(point.rho[0], 4)
    (entry,) = data["model-index"]
    one = entry["results"][0]
    assert one["dataset"]["type"] == "events"
    assert one["dataset"]["args"] == {"clips": 20, "fingerprint": "f00d"}
    assert one["source"]["url"] == "https://example.org/run"
    assert data["metrics"] == [
        *("absolute_robustness", "accuracy", "relative_robustness")
    ]
    assert "cav-mae:tiny keeps" in text
    assert "### top-1 accuracy (%) and robustness on events" in text
    assert "20 resamples" in text


def test_files_beside_the_card(full, tmp_path):
    scores = score(full.store, [TOP1], 0)
    out = export_hub(scores, tmp_path / "out").parent
    assert sorted(path.name for path in out.iterdir()) == [
        *("README.md", "report.html", "scores.csv", "scores.json", "tables.md")
    ]
    assert json.loads((out / "scores.json").read_text())["panels"]


def test_runs_that_are_copied_can_be_read_again(full, tmp_path):
    scores = score(full.store, [TOP1], 0)
    folder = full.store.folder
    (folder / "cells" / ".half~x.tmp").mkdir()
    out = tmp_path / "out"
    export_hub(scores, out, runs=[folder, folder])
    assert sorted(p.name for p in (out / "runs").iterdir()) == ["run", "run-2"]
    copied = out / "runs" / "run"
    assert not list(copied.rglob(".half*"))
    again = read_scores(copied, resamples=0).panels[0]
    before = scores.panels[0]
    for method in before.methods:
        assert again.overall(method).value == before.overall(method).value


def test_what_is_there_is_not_replaced(full, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "README.md").write_text("mine")
    with pytest.raises(UsageError, match="is there and not empty"):
        export_hub(score(full.store, [TOP1], 0), out)
    assert (out / "README.md").read_text() == "mine"


def test_nothing_finished_has_no_card(maker, tmp_path):
    maker.plan(maker.identity())
    with pytest.raises(UsageError, match="no result to export"):
        export_hub(score(maker.store, [TOP1], 0), tmp_path / "out")


def test_undefined_numbers_are_left_out(maker):
    maker.add(right(10), "rain", 5)
    index = model_index(score(maker.store, [TOP1], 0))
    names = {name for _, name in results(index)}
    assert names == {"top-1 accuracy (%), source"}, "without clean clips no ratio"
    assert "source" not in index[0]["results"][0]


def test_attacks_are_results(maker):
    maker.add(right(20))
    about = {
        "name": "pgd",
        "provider": "avplug 0.1",
        "options": {},
        "threat": threat(),
        "senses": "a",
    }
    for seed, count in ((0, 8), (1, 12)):
        identity = maker.identity(attack=about, seed=seed)
        maker.plan(identity)
        record = {
            "seconds": {"total": 1.0, "attack": 1.0},
            "clips": {"evaluated": 20, "failed": 0},
            "attack": {**FACTS, "right": count},
        }
        maker.store.put(identity, right(count), record)
    found = results(model_index(score(maker.store, [TOP1], 0)))
    key = ("attack pgd (white-box), A linf 0.01", "top-1 accuracy (%), source, robust")
    assert found[key] == 50.0


def test_several_models_have_an_entry_each(maker):
    for model in ("cav-mae", "equiav"):
        maker.add(right(20), model=model)
    index = model_index(score(maker.store, [TOP1], 0))
    assert [entry["name"] for entry in index] == ["cav-mae:tiny", "equiav:tiny"]


def test_names_cannot_break_the_card(tmp_path, monkeypatch):
    monkeypatch.setattr("os.fsync", lambda handle: None)
    odd = 'x"\n---\nlicense: mit\n<script>|`*\udc80'
    maker = StoreMaker(Store(tmp_path / "run"), dataset=odd)
    maker.run["command"] = "avplug run\n\n---\n# no"
    maker.add(right(20))
    maker.add(right(10), odd, 5)
    card = export_hub(score(maker.store, [TOP1], 0), tmp_path / "out")
    data, text = front(card)
    assert "license" not in data
    shown = odd.replace("\udc80", "\ufffd")
    assert data["model-index"][0]["results"][0]["dataset"]["type"] == shown
    assert "<script>" not in text
    assert "\n# no" not in text


def test_the_hubs_own_library_reads_the_card(full, tmp_path):
    hub = pytest.importorskip("huggingface_hub", reason="huggingface_hub is not there")
    scores = score(full.store, [TOP1], 0)
    card = export_hub(scores, tmp_path / "out", source="https://example.org/run")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        read = hub.ModelCard(card.read_text(encoding="utf-8"))
        found = read.data.eval_results
    mine = results(model_index(scores))
    assert read.data.model_name == "cav-mae:tiny"
    assert len(found) == len(mine)
    for one in found:
        assert one.metric_value == mine[one.dataset_config, one.metric_name]
        assert one.source_url == "https://example.org/run"
