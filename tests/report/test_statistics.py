"""The bootstrap on hand cases, its pairing, and the coverage of its intervals."""

from __future__ import annotations

import numpy as np
import pytest

from avplug.report import statistics
from avplug.report.statistics import (
    Bootstrap,
    absolute_robustness,
    estimate,
    relative_robustness,
)
from tests.report.stores import TOP1, predictions

METRIC = TOP1.metric


def ids(count):
    return [f"clip-{i}" for i in range(count)]


def test_first_draw_is_the_plain_metric():
    given = predictions([1, 1, 0, 1])
    draws = Bootstrap(ids(4), 25).draws(METRIC, given)
    assert draws.shape == (26,)
    assert draws[0] == 75
    # A resample of four clips has a multiple of a quarter right.
    assert set(draws[1:]) <= {0, 25, 50, 75, 100}
    assert len(set(draws[1:])) > 2


def test_all_right_has_no_spread():
    draws = Bootstrap(ids(5), 50).draws(METRIC, predictions([1] * 5))
    assert estimate(draws) == statistics.Estimate(100, 100, 100)


def test_one_clip_is_drawn_every_time():
    draws = Bootstrap(ids(1), 10).draws(METRIC, predictions([1]))
    assert (draws == 100).all()


def test_every_clip_is_drawn_equally_often():
    size, resamples = 10, 4000
    hits = np.zeros(size, bool)
    hits[7] = True
    draws = Bootstrap(ids(size), resamples).draws(METRIC, predictions(hits))
    share = draws[1:] / 100
    # Mean and variance of a multinomial share: 1/n and (1 - 1/n) / n**2.
    assert share.mean() == pytest.approx(1 / size, abs=4 * 0.095 / resamples**0.5)
    assert share.var() == pytest.approx(0.9 / size**2, rel=0.1)


def test_draws_depend_on_neither_clip_order_nor_chunks(monkeypatch):
    rng = np.random.default_rng(1)
    hits, order = rng.random(30) < 0.6, rng.permutation(30)
    given = predictions(hits)
    shuffled = type(given)(given.ids[order], given.logits[order], given.targets[order])
    draws = Bootstrap(ids(30), 40).draws(METRIC, given)
    monkeypatch.setattr(statistics, "_CHUNK_BYTES", 8 * 30 * 7)
    again = Bootstrap(reversed(ids(30)), 40).draws(METRIC, shuffled)
    np.testing.assert_array_equal(draws, again)


def test_another_seed_gives_other_draws():
    given = predictions(np.arange(50) % 2)
    one, two = (Bootstrap(ids(50), 20, s).draws(METRIC, given) for s in (0, 1))
    assert one[0] == two[0]
    assert (one != two).any()


def test_more_resamples_keep_the_first():
    given = predictions(np.arange(50) % 2)
    few, many = (Bootstrap(ids(50), r).draws(METRIC, given) for r in (10, 30))
    np.testing.assert_array_equal(few, many[:11])


def test_equal_predictions_differ_by_nothing_in_any_resample():
    bootstrap = Bootstrap(ids(40), 60)
    given = predictions(np.arange(40) % 3 > 0)
    clean, value = bootstrap.draws(METRIC, given), bootstrap.draws(METRIC, given)
    np.testing.assert_allclose(absolute_robustness(value, clean), 1)
    np.testing.assert_allclose(relative_robustness(value, clean), 1)


def test_pairing_narrows_the_interval_of_a_difference():
    rng = np.random.default_rng(2)
    ease = rng.random(300)
    bootstrap = Bootstrap(ids(300), 400)
    one = bootstrap.draws(METRIC, predictions(ease < 0.5))
    two = bootstrap.draws(METRIC, predictions(ease < 0.55))
    other = Bootstrap(ids(300), 400, 9).draws(METRIC, predictions(ease < 0.55))

    def width(draws):
        return estimate(draws).high - estimate(draws).low

    assert width(two - one) < 0.6 * width(other - one)


def test_clips_that_failed_are_left_out_of_the_cell_only():
    hits = np.arange(12) % 2 > 0
    given = predictions(hits)
    partial = type(given)(given.ids[2:], given.logits[2:], given.targets[2:])
    bootstrap = Bootstrap(ids(12), 30)
    draws = bootstrap.draws(METRIC, partial)
    assert draws[0] == 50
    everything = bootstrap.draws(METRIC, given)
    assert (draws[1:] != everything[1:]).any()


def test_without_resamples_there_is_no_interval():
    found = estimate(Bootstrap(ids(4), 0).draws(METRIC, predictions([1, 0, 1, 1])))
    assert found.value == 75
    assert np.isnan([found.low, found.high]).all()
    assert not found.excludes_zero


def test_undefined_resamples_are_left_out():
    found = estimate(np.array([5.0, np.nan, 4.0, 4.0, np.nan]))
    assert (found.value, found.low, found.high) == (5, 4, 4)
    assert np.isnan(estimate(np.array([np.nan, 1.0, 2.0])).low)


def test_percentiles_on_a_known_ladder():
    found = estimate(np.array([0.0, *range(1001)]))
    assert (found.low, found.high) == pytest.approx((25, 975))


def test_alpha_and_rho_by_hand():
    value, clean = np.array([35.54, 0.0, 5.0]), np.array([65.5, 50.0, 0.0])
    np.testing.assert_allclose(absolute_robustness(value, clean), [0.7004, 0.5, 1.05])
    np.testing.assert_allclose(
        relative_robustness(value, clean), [35.54 / 65.5, 0, np.nan]
    )


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    rng = np.random.default_rng(3)
    truth, covered, runs = 70.0, 0, 300
    bootstrap = Bootstrap(ids(150), 300)
    for _ in range(runs):
        found = estimate(bootstrap.draws(METRIC, predictions(rng.random(150) < 0.7)))
        covered += found.low <= truth <= found.high
    assert 0.91 <= covered / runs <= 0.98
