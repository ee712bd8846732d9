"""Mean corruption error on numbers that can be followed by hand."""

from __future__ import annotations

import numpy as np
import pytest

from avplug.core.registry import get_registry
from avplug.report.corruption_error import (
    baseline_of,
    corruption_error,
    corruption_error_table,
)
from avplug.report.html import page
from avplug.report.markdown import markdown
from avplug.report.metrics import find_metrics
from avplug.report.scores import score
from tests.report.stores import TOP1, right


@pytest.fixture
def two(maker):
    """Of 20 clips, source and tent are right of so many: two corruptions, s1 and s5."""
    counts = {
        "source": {"clean": 18, "rain": (16, 10), "snow": (14, 12)},
        "tent": {"clean": 17, "rain": (16, 14), "snow": (14, 8)},
    }
    for tta, found in counts.items():
        maker.add(right(found["clean"]), tta=tta)
        for name in ("rain", "snow"):
            for severity, count in zip((1, 5), found[name], strict=True):
                maker.add(right(count), name, severity, tta=tta)
    return maker


def panel_of(maker, resamples=0, metrics=(TOP1,)):
    return score(maker.store, metrics, resamples).panels[0]


def test_the_definition_by_hand(two):
    panel = panel_of(two)
    source, tent = panel.methods
    assert baseline_of(panel) == source
    found = corruption_error(panel, tent, source)
    # Errors in percent: source rain 20 + 50, snow 30 + 40; tent 20 + 30, 30 + 60.
    assert found.plain[0] == pytest.approx((50 / 2 + 90 / 2) / 2)
    assert found.mean[0] == pytest.approx(100 * (50 / 70 + 90 / 70) / 2)
    # Over the clean errors, 10 of the source and 15 of tent, twice each.
    assert found.relative[0] == pytest.approx(100 * (20 / 50 + 60 / 50) / 2)
    assert found.corruptions == 2


def test_the_baseline_has_100_and_resamples_are_paired(two):
    panel = panel_of(two, 200)
    source = panel.methods[0]
    found = corruption_error(panel, source, source)
    np.testing.assert_allclose(found.mean, 100)
    defined = ~np.isnan(found.relative)
    np.testing.assert_allclose(found.relative[defined], 100)


def test_only_cells_that_both_have_count(maker):
    maker.add(right(10), "rain", 1)
    maker.add(right(5), "rain", 5)
    maker.add(right(15), "rain", 1, tta="tent")
    maker.add(right(15), "snow", 1, tta="tent")
    panel = panel_of(maker)
    source, tent = panel.methods
    found = corruption_error(panel, tent, source)
    assert found.mean[0] == pytest.approx(100 * 25 / 50)
    assert found.corruptions == 1
    # The clean cells are not finished.
    assert np.isnan(found.relative[0])


def test_a_baseline_without_an_error_gives_no_ratio(maker):
    maker.add(right(20))
    maker.add(right(20), "rain", 5)
    panel = panel_of(maker)
    found = corruption_error(panel, panel.methods[0], panel.methods[0])
    assert found.plain[0] == 0
    assert np.isnan(found.mean[0])
    assert np.isnan(found.relative[0])


def test_nothing_corrupted_has_no_table(maker):
    maker.add(right(20))
    assert corruption_error_table(panel_of(maker)) is None


def test_a_metric_of_which_less_is_better_has_none(two):
    metrics = find_metrics(get_registry(), ["nll"])
    assert corruption_error_table(panel_of(two, 0, metrics)) is None


def test_the_report_names_the_baseline(two):
    scores = score(two.store, [TOP1], 5)
    for text in (page(scores), markdown(scores)):
        assert "Corruption error on events" in text
        assert "divided by those of cav-mae:tiny source" in text


def test_batches_are_told_with_their_size(maker):
    identity = maker.identity()
    maker.plan(identity)
    record = {
        "seconds": {"total": 1.0},
        "clips": {"evaluated": 20, "failed": 0},
        "run": {"batch_size": 8},
    }
    maker.store.put(identity, right(18), record)
    metrics = find_metrics(get_registry(), ["top1-by-batch", "top1"])
    scores = score(maker.store, metrics, 0)
    values = [panel.cells[0].point.value[0] for panel in scores.panels]
    assert values == [pytest.approx(100 * (1 + 1 + 1 / 2) / 3), 90]
    assert any("batches of 8 clips" in note for note in scores.notes)
