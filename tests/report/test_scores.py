"""Scores of a store: references, averages, pairing, and what is said aloud."""

from __future__ import annotations

import numpy as np
import pytest

from avplug.core.errors import UsageError
from avplug.report.captions import caption
from avplug.report.panel import Condition
from avplug.report.scores import score
from tests.report.stores import MAP, TOP1, predictions, right

GAUSSIAN, SHOT = Condition("gaussian", "digital"), Condition("shot", "digital")


def only_panel(maker, **options):
    (panel,) = score(maker.store, [TOP1], options.get("resamples", 50)).panels
    return panel


def test_alpha_and_rho_refer_to_the_clean_source(maker):
    maker.add(right(16))
    maker.add(right(12), tta="tent")
    maker.add(right(8), "gaussian", 5)
    maker.add(right(10), "gaussian", 5, tta="tent")
    panel = only_panel(maker)
    source, tent = panel.methods
    found = panel.at(tent, GAUSSIAN, 5)
    assert found.estimate().value == 50
    assert found.estimate("alpha").value == pytest.approx(1 - (80 - 50) / 100)
    assert found.estimate("rho").value == pytest.approx(50 / 80)
    assert panel.at(tent, None, 0).estimate("rho").value == pytest.approx(60 / 80)
    clean = panel.at(source, None, 0).estimate("rho")
    assert (clean.value, clean.low, clean.high) == (1, 1, 1)


def test_averages_weigh_corruptions_then_severities_equally(maker):
    maker.add(right(20))
    for corruption, severity, count in (
        ("gaussian", 1, 18),
        ("shot", 1, 16),
        ("gaussian", 5, 10),
        ("shot", 5, 4),
    ):
        maker.add(right(count), corruption, severity)
    panel = only_panel(maker)
    (source,) = panel.methods
    assert panel.corruptions == (GAUSSIAN, SHOT)
    assert panel.severities == (1, 5)
    assert panel.over_corruptions(source, 1).estimate().value == 85
    assert panel.over_corruptions(source, 5).estimate("rho").value == pytest.approx(
        0.35
    )
    assert panel.over_severities(source, SHOT).estimate().value == 50
    assert panel.overall(source).estimate().value == 60


def test_means_of_unfinished_corruptions_are_said_to_be_so(maker):
    maker.add(right(20))
    maker.add(right(18), "gaussian", 1)
    maker.add(right(16), "shot", 1)
    maker.add(right(10), "gaussian", 5)
    maker.plan(maker.identity("shot", 5))
    scores = score(maker.store, [TOP1], 0)
    assert scores.planned == 5
    assert scores.notes == (
        "A mean on events is over what is finished. source, severity 5: 1 of 2"
        " corruptions.",
    )


def test_seeds_are_averaged(maker):
    for seed, count in ((0, 12), (1, 8)):
        maker.add(right(20), seed=seed)
        maker.add(right(count), "gaussian", 5, seed=seed)
    panel = only_panel(maker)
    assert panel.seeds == (0, 1)
    assert panel.at(panel.methods[0], GAUSSIAN, 5).estimate().value == 50
    assert len(panel.methods) == 1


def test_a_clean_cell_of_another_seed_serves(maker):
    maker.add(right(20), seed=0)
    maker.add(right(10), "gaussian", 5, seed=7)
    panel = only_panel(maker)
    assert panel.at(panel.methods[0], GAUSSIAN, 5).estimate("rho").value == 0.5


def test_without_a_clean_source_alpha_and_rho_are_undefined_and_it_says_so(maker):
    maker.add(right(20), tta="tent")
    maker.add(right(10), "gaussian", 5)
    scores = score(maker.store, [TOP1], 20)
    assert scores.notes == (
        "cav-mae:tiny on events: the source model's clean cell is not finished, so"
        " alpha and rho are undefined.",
    )
    (panel,) = scores.panels
    for cell in panel.cells:
        assert np.isnan(cell.point.estimate("alpha").value)
        assert np.isnan(cell.point.estimate("rho").low)


def test_models_have_their_own_reference(maker):
    for model, clean, hit in (("one", 20, 10), ("two", 10, 10)):
        maker.add(right(clean), model=model)
        maker.add(right(hit), "gaussian", 5, model=model)
    panel = only_panel(maker)
    rho = [panel.over_corruptions(m, 5).estimate("rho").value for m in panel.methods]
    assert rho == [0.5, 1.0]
    assert panel.name(panel.methods[1]) == "two:tiny · source"


def test_a_model_of_one_sense_is_named(maker):
    for model, noted in (("both", None), ("eye", {"modalities": "v"})):
        maker.add(right(20), model=model, noted=noted)
        maker.add(right(10), "gaussian", 5, model=model, noted=noted)
    scores = score(maker.store, [TOP1], 0)
    assert scores.notes == (
        "eye:tiny only sees: corruptions of the sound alone are left out, since they"
        " change none of its answers.",
    )
    said = caption(scores.cells, None)
    assert "Model: eye:tiny, only sees, weights abc." in said
    assert "Model: both:tiny, weights abc." in said


def test_settings_of_one_method_are_told_apart(maker):
    maker.add(right(20))
    for lr in (0.1, 0.2):
        adaptation = {"name": "tent", "options": {"lr": lr}, "predicts": "pre"}
        maker.add(right(18), adaptation=adaptation)
    panel = only_panel(maker)
    names = [panel.name(method) for method in panel.methods]
    assert names == ["source", "tent (lr=0.1)", "tent (lr=0.2)"]


def test_failed_clips_keep_cells_paired(maker):
    hits = np.arange(20) < 15
    whole = predictions(hits)
    partial = type(whole)(whole.ids[1:], whole.logits[1:], whole.targets[1:])
    maker.add(whole)
    maker.add(partial, "gaussian", 1, failures=[("clip-0", "Cannot be read.")])
    panel = only_panel(maker)
    cell = panel.cells[1]
    assert (cell.clips, cell.failed) == (19, 1)
    assert cell.point.estimate().value == pytest.approx(100 * 14 / 19)
    # The same clips but one: rho hardly varies, though each accuracy does.
    rho, value = cell.point.estimate("rho"), cell.point.estimate()
    assert rho.high - rho.low < (value.high - value.low) / 100


def test_panels_by_data_set_and_task(maker):
    maker.add(right(20))
    maker.dataset, maker.multi_label = "sounds", True
    maker.add(right(20))
    scores = score(maker.store, [TOP1, MAP], 0)
    assert [(p.dataset, p.metric.name) for p in scores.panels] == [
        ("events", "top1"),
        ("sounds", "map"),
    ]
    assert scores.notes == (
        "map is defined for multi-label data, which events is not.",
        "top1 is defined for single-label data, which sounds is not.",
    )


def test_no_metric_suits(maker):
    maker.add(right(20))
    with pytest.raises(UsageError) as error:
        score(maker.store, [MAP], 0)
    assert str(error.value) == (
        "map is defined for multi-label data, which events is not."
        " Metrics: avplug list metric"
    )


def test_scores_do_not_depend_on_the_order_of_the_cells(full):
    before = score(full.store, [TOP1], 40).panels[0]
    full.run["cells"].reverse()
    full.store.write_run(full.run)
    after = score(full.store, [TOP1], 40).panels[0]
    found = {cell.stored.id: cell.point for cell in after.cells}
    for cell in before.cells:
        np.testing.assert_array_equal(cell.point.rho, found[cell.stored.id].rho)


def test_nothing_finished(maker):
    maker.plan(maker.identity())
    scores = score(maker.store, [TOP1], 10)
    assert (scores.panels, scores.cells, scores.planned) == ((), (), 1)
