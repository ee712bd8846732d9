"""One table at a time: which there are, what their captions say, and their forms."""

from __future__ import annotations

import csv
import io
import json

import pytest

from avplug.core.errors import UsageError
from avplug.report.captions import caption
from avplug.report.scores import score
from avplug.report.table import text
from avplug.report.table_choice import TABLES, available, choose, render, require
from tests.report.stores import MAP, TOP1, right


@pytest.fixture
def scores(full):
    return score(full.store, [TOP1], 20)


def rows(printed):
    keys = [column.key for column in printed.table.columns]
    return [dict(zip(keys, row, strict=True)) for row in printed.table.rows]


def test_main_is_the_table_of_the_report(scores):
    (printed,) = choose(scores, "main")
    assert printed.table.name == "main"


def test_per_corruption_has_means_or_one_severity(scores):
    panel = scores.panels[0]
    (mean,) = choose(scores, "per-corruption")
    (hard,) = choose(scores, "per-corruption", 5)
    for printed, point in (
        (mean, panel.over_severities),
        (hard, lambda m, c: panel.at(m, c, 5)),
    ):
        found = rows(printed)
        for row, method in zip(found, panel.methods, strict=True):
            for condition in panel.corruptions:
                estimate = point(method, condition).estimate()
                assert row[condition.label].estimate == estimate
    last = rows(hard)[0]["mean"].estimate
    assert last == panel.over_corruptions(panel.methods[0], 5).estimate()
    assert "severity 5" in hard.table.title
    assert [c.over for c in mean.table.columns] == ["", "", "digital", "digital", ""]


def test_corruptions_of_a_category_stand_together(maker):
    for name, category in (
        ("rain", "weather"),
        ("shot", "digital"),
        ("snow", "weather"),
    ):
        identity = maker.identity(name, 5)
        identity["corruption"]["category"] = category
        maker.put(right(10), identity)
    (printed,) = choose(score(maker.store, [TOP1], 0), "per-corruption")
    assert [c.key for c in printed.table.columns] == [
        *("adaptation", "clean", "rain", "snow", "shot", "mean")
    ]


def test_per_severity_has_a_row_for_each_corruption_and_method(scores):
    panel = scores.panels[0]
    (printed,) = choose(scores, "per-severity")
    found = rows(printed)
    assert [(r["corruption"], r["adaptation"]) for r in found] == [
        ("gaussian", "source"),
        ("gaussian", "tent"),
        ("shot", "source"),
        ("shot", "tent"),
    ]
    value = panel.at(panel.methods[1], panel.corruptions[1], 3).estimate()
    assert found[3]["severity_3"].estimate == value


def test_what_is_not_there_is_said(scores, maker):
    with pytest.raises(UsageError, match=r"no table 'mian'\. Did you mean 'main'"):
        require("mian", "md")
    with pytest.raises(UsageError, match="no format 'xls'"):
        require("main", "xls")
    with pytest.raises(UsageError, match="Severity 4 is not in the results"):
        choose(scores, "per-corruption", 4)
    for name in ("seeds", "attacks", "paper"):
        with pytest.raises(UsageError, match=f"nothing for the table '{name}'"):
            choose(scores, name)


def test_every_name_is_known_and_most_are_there(scores):
    there = [name for name in TABLES if available(scores, name)]
    assert there == [
        *("main", "per-corruption", "per-severity", "tta", "adaptation", "mce")
    ]


def test_csv_has_numbers_as_computed(scores):
    printed = choose(scores, "per-corruption")
    found = list(csv.DictReader(io.StringIO(render(printed, "csv"))))
    estimate = rows(printed[0])[1]["shot"].estimate
    assert found[1]["adaptation"] == "tent"
    assert float(found[1]["shot"]) == estimate.value
    assert float(found[1]["shot_low"]) == estimate.low
    assert float(found[1]["shot_high"]) == estimate.high


def test_csv_holds_one_table(full):
    several = choose(score(full.store, [TOP1, TOP1], 0), "main")
    with pytest.raises(UsageError, match="CSV holds one table; there are 2"):
        render(several, "csv")


def test_json_has_captions_and_null(maker):
    maker.add(right(10), "rain", 5)
    (data,) = json.loads(render(choose(score(maker.store, [TOP1], 0), "main"), "json"))
    assert data["rows"][0]["mean"] == {"value": 50.0, "low": None, "high": None}
    assert data["rows"][0]["clean"] is None
    assert "Data: events, split test, all 20 clips." in data["caption"]


def test_markdown_and_latex_mark_the_best_and_carry_the_caption(scores):
    printed = choose(scores, "per-corruption")
    best = max(rows(printed[0]), key=lambda row: row["shot"].estimate.value)["shot"]
    assert f"**{text(best)}** ({best.interval})" in render(printed, "md")
    assert rf"\textbf{{{text(best)}}}" in render(printed, "latex")
    for form in ("md", "latex"):
        assert "weights abc" in render(printed, form)


def test_lower_is_marked_where_lower_is_better(maker):
    from avplug.core.registry import get_registry
    from avplug.report.metrics import find_metrics

    maker.add(right(20), "rain", 5)
    maker.add(right(2), "rain", 5, tta="tent")
    scores = score(maker.store, find_metrics(get_registry(), ["nll"]), 0)
    (printed,) = choose(scores, "per-corruption")
    source, tent = (row["rain"].estimate.value for row in rows(printed))
    assert source < tent
    assert f"**{source:.3f}**" in render([printed], "md")


def cells(maker, *identities, failures=()):
    for identity in identities:
        maker.put(right(10), identity, failures)
    return [cell.stored for cell in score(maker.store, [TOP1], 0).panels[0].cells]


def test_the_caption_tells_what_changes_the_numbers(maker):
    stream = {
        "name": "tent",
        "options": {},
        "predicts": "pre",
        "protocol": "continual",
        "reset": "never",
        "order": "shuffled",
        "batch_size": 16,
    }
    identity = maker.identity("rain", 5, seed=3, adaptation=stream)
    identity["dataset"] |= {"clips": 20, "of": 600, "missing": 4}
    identity["model"]["weights"] = "0123456789abcdef"
    identity["corruption"] |= {"profile": "released", "modalities": "a"}
    lines = caption(cells(maker, identity, failures=[("x", "broken")]), 1000)
    assert lines == [
        "Data: events, split test, 20 of 600 clips, 4 more not on disk.",
        "Model: cav-mae:tiny, weights 01234567.",
        "Corruptions: profile released, senses a, applied at model-input.",
        "Adaptation of tent: protocol continual, reset never, order shuffled, batches"
        " of 16, predicts before the update.",
        "Computed in float32, seeds 3.",
        "Clips that failed, in no mean: up to 1 of a cell.",
        "Intervals: 95 %, percentile bootstrap over clips, 1000 resamples.",
    ]


def test_the_caption_of_plain_cells_is_short(maker):
    found = cells(maker, maker.identity())
    assert caption(found, 0) == [
        "Data: events, split test, all 20 clips.",
        "Model: cav-mae:tiny, weights abc.",
        "Computed in float32, seeds 0.",
        "No intervals.",
    ]
    assert caption(found, None) == caption(found, 0)[:-1]
    assert caption([], 0) == []


def test_settings_of_adaptation_name_the_methods_that_have_them(maker):
    def method(name, size):
        about = {"name": name, "options": {}, "order": "fixed", "batch_size": size}
        return maker.identity("rain", 5, adaptation=about)

    three = (method("tent", 16), method("read", 16), method("eta", 8))
    (line,) = (
        x for x in caption(cells(maker, *three), 0) if x.startswith("Adaptation")
    )
    assert line == (
        "Adaptation of tent, read: protocol reset, order fixed, batches of 16;"
        " Adaptation of eta: protocol reset, order fixed, batches of 8."
    )


def test_a_multi_label_table_has_its_metric(maker):
    maker.multi_label = True
    maker.add(right(10), "rain", 5)
    (printed,) = choose(score(maker.store, [MAP], 0), "per-corruption")
    assert printed.table.title.startswith("mAP (%)")


def test_each_table_speaks_of_its_own_intervals(maker):
    for seed in (0, 1):
        maker.add(right(20), seed=seed)
        maker.add(right(10 + seed), "rain", 5, seed=seed)
    scores = score(maker.store, [TOP1], 20)
    (main,), (seeds,) = choose(scores, "main"), choose(scores, "seeds")
    assert "percentile bootstrap over clips, 20" in main.caption[-1]
    assert not any("bootstrap" in line for line in seeds.caption)
    assert "Student's t over the seeds" in seeds.table.note
    (main,) = choose(score(maker.store, [TOP1], 0), "main")
    assert main.caption[-1] == "No intervals."
