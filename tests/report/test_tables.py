"""Tables, the verdict and the terminal."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
from rich.console import Console

from avplug.report import problems, tables
from avplug.report.scores import score
from avplug.report.statistics import Estimate
from avplug.report.table import Number, text
from avplug.report.terminal import render
from avplug.report.verdict import verdict
from tests.report.stores import TOP1, predictions, right


@pytest.fixture
def simple(maker):
    """Source and tent on two corruptions, of twenty clips."""
    maker.add(right(20))
    maker.add(right(18), tta="tent")
    for severity, source, tent in ((1, 16, 17), (5, 8, 12)):
        maker.add(right(source), "gaussian", severity)
        maker.add(right(tent), "gaussian", severity, tta="tent")
        maker.add(right(source - 4), "shot", severity)
        maker.add(right(tent - 8), "shot", severity, tta="tent")
    return maker


def panel_of(maker, resamples=0):
    (panel,) = score(maker.store, [TOP1], resamples).panels
    return panel


def shown(table):
    return [[text(value) for value in row] for row in table.rows]


def test_main_table(simple):
    table = tables.main_table(panel_of(simple))
    assert [column.key for column in table.columns] == [
        "adaptation",
        "quantity",
        "clean",
        "severity_1",
        "severity_5",
        "mean",
    ]
    assert shown(table) == [
        ["source", "top1 %", "100.0", "70.0", "30.0", "50.0"],
        ["source", "ρ relative", "1.000", "0.700", "0.300", "0.500"],
        ["source", "α absolute", "1.000", "0.700", "0.300", "0.500"],
        ["tent", "top1 %", "90.0", "65.0", "40.0", "52.5"],
        ["tent", "ρ relative", "0.900", "0.650", "0.400", "0.525"],
        ["tent", "α absolute", "0.900", "0.650", "0.400", "0.525"],
    ]


def test_main_table_of_clean_clips_alone(maker):
    maker.add(right(18))
    table = tables.main_table(panel_of(maker))
    assert [column.title for column in table.columns] == ["adaptation", "clean"]
    assert [[text(value) for value in row] for row in table.rows] == [
        ["source", "90.0"]
    ]


def test_main_table_names_models_where_there_are_several(simple):
    simple.add(right(10), model="other")
    table = tables.main_table(panel_of(simple))
    assert table.columns[0].key == "model"
    assert shown(table)[-3] == ["other:tiny", "source", "top1 %", "50.0", "–", "–", "–"]


def test_corruption_table(simple):
    panel = panel_of(simple)
    table = tables.corruption_table(panel, panel.methods[1])
    assert table.title == "tent: top-1 accuracy (%) by corruption"
    assert shown(table) == [
        ["digital", "gaussian", "85.0", "60.0", "72.5"],
        ["digital", "shot", "45.0", "20.0", "32.5"],
    ]


def test_adaptation_table_counts_gains_and_wins(simple):
    table = tables.tta_table(panel_of(simple))
    assert shown(table) == [
        ["tent", "90.0", "−10.0", "40.0", "+10.0", "52.5", "+2.5", "1 of 2"]
    ]


def test_no_adaptation_table_without_adaptation(maker):
    maker.add(right(20))
    maker.add(right(10), "gaussian", 5)
    assert tables.tta_table(panel_of(maker)) is None


def test_cell_table_states_the_denominator(maker):
    maker.add(right(20))
    maker.add(right(5, of=18), "gaussian", 3, failures=[("a", "x"), ("b", "x")])
    rows = shown(tables.cell_table(panel_of(maker)))
    assert rows[1][1:3] == ["gaussian", "3"]
    assert rows[1][7:10] == ["18", "2", "1.5"]


def test_diagnostics_table(maker):
    maker.add(right(20))
    record = {
        "seconds": {"total": 1.0},
        "clips": {"evaluated": 20, "failed": 0},
        "diagnostics": {"updates": 2, "kept_share": 0.25, "series": [1, 2]},
    }
    identity = maker.identity("gaussian", 5, tta="av2c")
    assert tables.diagnostics_table(panel_of(maker)) is None
    maker.plan(identity)
    maker.store.put(identity, right(9), record)
    table = tables.diagnostics_table(panel_of(maker))
    assert [column.title for column in table.columns[-2:]] == ["updates", "kept share"]
    assert shown(table) == [["av2c", "gaussian", "5", "0", "2", "0.25"]]


def test_numbers():
    found = Number(Estimate(-3.14, -4.0, 1.0), signed=True)
    assert (str(found), found.interval) == ("−3.1", "−4.0 to +1.0")
    found = Number(Estimate(0.54321, 0.5, 0.6), 3)
    assert (str(found), found.interval) == ("0.543", "0.500–0.600")
    tiny = Number(Estimate(-0.04, -0.2, 0.01), signed=True)
    assert (str(tiny), tiny.interval) == ("+0.0", "−0.2 to +0.0")
    undefined = Number(Estimate(math.nan, math.nan, math.nan))
    assert (str(undefined), undefined.interval) == ("–", "")


def test_verdict(simple):
    words = verdict(panel_of(simple))
    assert words.headline == (
        "cav-mae:tiny keeps 30% of its clean score at severity 5: from 100.0 to 30.0%"
        " top-1 accuracy, mean of 2 corruptions."
    )
    assert words.details == (
        "Hardest: shot (20.0); mildest: gaussian (40.0).",
        "With tent the score at severity 5 changes by +10.0 points.",
    )


@pytest.mark.parametrize(("moved", "chance"), [(0, False), (12, True)])
def test_verdict_says_when_a_gain_may_be_chance(maker, moved, chance):
    maker.add(right(40, of=40))
    maker.add(right(20, of=40), "gaussian", 5)
    # Gains 15 clips, and loses so many others.
    hits = (np.arange(40) >= moved) & (np.arange(40) < 35)
    maker.add(predictions(hits), "gaussian", 5, tta="tent")
    sentence = verdict(panel_of(maker, 200)).details[-1]
    assert f"changes by +{(15 - moved) / 0.4:.1f} points" in sentence
    assert sentence.endswith("which may be chance.") == chance


def test_verdict_says_when_an_adaptation_changes_nothing(maker):
    maker.add(right(20))
    for tta in ("source", "tent"):
        maker.add(right(10), "gaussian", 5, tta=tta)
    assert verdict(panel_of(maker)).details == (
        "With tent the score at that severity is the same.",
    )


def test_verdict_compares_models(maker):
    for model, hit in (("frail", 4), ("sturdy", 15)):
        maker.add(right(20), model=model)
        maker.add(right(hit), "gaussian", 5, model=model)
    words = verdict(panel_of(maker))
    assert words.headline.startswith("sturdy:tiny keeps 75% ")
    assert words.headline.endswith("gaussian.")
    assert words.details == (
        "The most robust of 2 models; the others: frail:tiny 20%.",
    )


def test_verdict_without_clean_or_corrupted_cells(maker):
    maker.add(right(10), "gaussian", 5)
    assert verdict(panel_of(maker)).headline == (
        "cav-mae:tiny has 50.0% top-1 accuracy at severity 5 (gaussian); its clean"
        " score is not known."
    )


def test_verdict_of_clean_cells_only(maker):
    maker.add(right(10))
    assert verdict(panel_of(maker)).headline == (
        "No corrupted cell is finished: nothing to say on robustness."
    )


def test_problems(simple):
    failed = simple.identity("shot", 3)
    simple.plan(failed)
    name = simple.run["cells"][-1]["id"]
    simple.run["failed"] = {name: "ValueError: no"}
    skip = {"what": "cav-mae with sar", "cells": 6, "reason": "sar needs norm"}
    simple.run["skipped"] = [skip, {"cell": failed, "reason": "left out"}]
    simple.store.write_run(simple.run)
    simple.add(right(9), "frost", 1, failures=[("a.mp4", "No audio.")])
    simple.add(right(9), "frost", 2, failures=[("a.mp4", "No audio.")])
    scores = score(simple.store, [TOP1], 0)
    assert shown(problems.failed_clips(scores)) == [
        ["events", "a.mp4", "No audio.", "2"]
    ]
    assert shown(problems.failed_cells(scores)) == [
        ["cav-mae source shot s3 seed 0", "ValueError: no", "1"]
    ]
    assert shown(problems.skipped_cells(scores)) == [
        ["cav-mae with sar", "sar needs norm", "6"],
        ["cav-mae source shot s3 seed 0", "left out", "1"],
    ]


def printed(scores, width):
    output = io.StringIO()
    console = Console(file=output, width=width, color_system=None)
    console.print(render(scores, console))
    return output.getvalue()


def test_terminal_keeps_brackets_and_refuses_control_characters(maker):
    maker.add(right(20), model="[red]m[/etc/x]\x1b[31m")
    maker.add(right(10), "[bold]gauss[/]", 5, model="[red]m[/etc/x]\x1b[31m")
    output = printed(score(maker.store, [TOP1], 0), 120)
    assert "[red]m[/etc/x]" in output
    assert "[bold]gauss[/]" in output
    assert "\x1b" not in output


def test_terminal_shows_intervals_where_they_fit(full):
    scores = score(full.store, [TOP1], 50)
    wide, narrow = printed(scores, 160), printed(scores, 60)
    interval = scores.panels[0].overall(scores.panels[0].methods[0]).estimate()
    assert Number(interval).interval in wide
    assert Number(interval).interval not in narrow
    assert str(Number(interval)) in narrow
    assert "…" not in wide
    assert "…" not in narrow


def test_terminal_shows_corruptions_of_the_source_and_the_adaptations(simple):
    output = printed(score(simple.store, [TOP1], 0), 100)
    assert "source: top-1 accuracy (%) by corruption" in output
    assert "tent: top-1 accuracy (%) by corruption" not in output
    assert "Test-time adaptation against the source model on events" in output


def test_terminal_says_what_is_not_finished(simple):
    simple.plan(simple.identity("frost", 1))
    output = printed(score(simple.store, [TOP1], 0), 100)
    assert "10 of 11 cells are finished." in output
