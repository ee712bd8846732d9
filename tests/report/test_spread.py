"""The spread over seeds."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from avplug.report.scores import score
from avplug.report.spread import over_seeds, seeds
from avplug.report.table import text
from tests.report.stores import TOP1, right


def test_the_interval_is_students():
    values = [61.0, 64.5, 59.25, 63.0]
    found = over_seeds(values)
    error = stats.sem(values)
    low, high = stats.t.interval(0.95, df=3, loc=np.mean(values), scale=error)
    assert found.value == np.mean(values)
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))


def test_one_seed_has_no_interval_and_none_no_mean():
    assert math.isnan(over_seeds([50.0]).low)
    assert math.isnan(over_seeds([]).value)


def test_table_of_means_over_corruptions_and_severities(maker):
    hits = {0: (16, 10, 8, 6), 1: (12, 8, 6, 2)}
    for seed, (a1, a5, b1, b5) in hits.items():
        maker.add(right(a1), "rain", 1, seed=seed)
        maker.add(right(a5), "rain", 5, seed=seed)
        maker.add(right(b1), "snow", 1, seed=seed)
        maker.add(right(b5), "snow", 5, seed=seed)
    table = seeds(score(maker.store, [TOP1], 0).panels[0])
    row = dict(
        zip((c.key for c in table.columns), map(text, table.rows[0]), strict=True)
    )
    tops, means = [40.0, 25.0], [50.0, 35.0]
    assert row["seeds"] == "2"
    assert (row["top"], row["mean"]) == ("32.5", "42.5")
    assert row["top_std"] == f"{np.std(tops, ddof=1):.2f}"
    assert row["mean_std"] == f"{np.std(means, ddof=1):.2f}"
    assert (row["top_worst"], row["mean_worst"]) == ("25.0", "35.0")
    mean = table.rows[0][5].estimate
    assert mean.high - mean.low == pytest.approx(
        2 * stats.t.ppf(0.975, 1) * np.std(means, ddof=1) / math.sqrt(2)
    )
    assert "not over clips" in table.note


def test_a_seed_that_lacks_cells_is_left_out(maker):
    for seed in (0, 1):
        maker.add(right(10), "rain", 5, seed=seed)
        maker.add(right(20), "snow", 5, seed=seed)
    maker.add(right(0), "rain", 5, seed=2)
    table = seeds(score(maker.store, [TOP1], 0).panels[0])
    assert text(table.rows[0][1]) == "2"
    assert text(table.rows[0][2]) == "75.0"


def test_one_seed_has_no_table(full):
    assert seeds(score(full.store, [TOP1], 0).panels[0]) is None
