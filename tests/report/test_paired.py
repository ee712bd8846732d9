"""Paired tests against independent computations, and by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from avplug.report.paired import (
    benjamini_hochberg,
    bootstrap_p,
    clips_needed,
    holm,
    paired_test,
    points_seen,
)
from avplug.report.statistics import Bootstrap, cluster_numbers, estimate
from tests.report.stores import TOP1, predictions


def pairs(draw_seed, count, right=0.7, agree=0.6):
    rng = np.random.default_rng(draw_seed)
    first = rng.random(count) < right
    second = np.where(rng.random(count) < agree, first, rng.random(count) < right)
    return first, second


@settings(deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 300))
def test_mcnemar_equals_statsmodels(seed, count):
    first, second = pairs(seed, count)
    found = paired_test(first, second, np.arange(count))
    table = [
        [(first & second).sum(), (first & ~second).sum()],
        [(~first & second).sum(), (~first & ~second).sum()],
    ]
    assert found.exact
    assert found.p == pytest.approx(mcnemar(table, exact=True).pvalue, abs=1e-12)
    assert found.difference == pytest.approx(100 * (first.mean() - second.mean()))
    assert found.discordance == pytest.approx((first != second).mean())


def test_units_of_one_pair_each_but_one_give_nearly_mcnemars_chi_square():
    first, second = pairs(1, 400)
    units = np.arange(400)
    units[1] = 0
    first[:2] = second[:2] = True
    table = [
        [(first & second).sum(), (first & ~second).sum()],
        [(~first & second).sum(), (~first & ~second).sum()],
    ]
    plain = mcnemar(table, exact=False, correction=False).pvalue
    assert paired_test(first, second, units).p == pytest.approx(plain, abs=1e-12)


def test_a_pair_told_ten_times_is_one_witness():
    first, second = pairs(2, 60, agree=0.3)
    ten_times = [np.repeat(part, 10) for part in (first, second, np.arange(60))]
    found = paired_test(*ten_times)
    table = [[0, (first & ~second).sum()], [(~first & second).sum(), 0]]
    once = mcnemar(table, exact=False, correction=False)
    assert (found.answers, found.units) == (600, 60)
    assert found.p == pytest.approx(once.pvalue, abs=1e-12)
    naive = paired_test(*ten_times[:2], np.arange(600))
    assert naive.p < found.p


def test_the_level_holds_where_recordings_share_clips():
    rng = np.random.default_rng(3)
    units = np.repeat(np.arange(80), 5)
    seen = naive = 0
    for _ in range(1000):
        # Methods are equally good; a recording favours one of them, whichever.
        favour = np.repeat(rng.normal(0, 1, 80), 5)
        first = rng.random(400) < 0.5 + 0.15 * np.tanh(favour)
        second = rng.random(400) < 0.5 - 0.15 * np.tanh(favour)
        seen += paired_test(first, second, units).p < 0.05
        naive += paired_test(first, second, np.arange(400)).p < 0.05
    assert 0.03 <= seen / 1000 <= 0.07
    assert naive > 1.3 * seen


def test_no_answer_that_differs():
    right = np.ones(5, bool)
    for units in (np.arange(5), np.zeros(5, np.intp)):
        found = paired_test(right, right, units)
        assert found.p == 1
        assert found.difference == 0
        assert math.isnan(found.odds_ratio)


def test_effect_size_is_the_ratio_of_discordant_pairs():
    first = np.array([1, 1, 1, 1, 0, 0], bool)
    second = np.array([0, 0, 0, 1, 1, 0], bool)
    found = paired_test(first, second, np.arange(6))
    assert (found.gained, found.lost, found.odds_ratio) == (3, 1, 3)
    assert paired_test(first, first & False, np.arange(6)).odds_ratio == math.inf


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_corrections_equal_statsmodels(p):
    for mine, method in ((holm, "holm"), (benjamini_hochberg, "fdr_bh")):
        expected = multipletests(p, method=method)[1]
        np.testing.assert_allclose(mine(p), expected, atol=1e-12)


def test_an_undefined_p_is_no_test():
    assert holm([0.02, math.nan, 0.04])[::2] == [0.04, 0.04]
    assert math.isnan(holm([0.02, math.nan])[1])
    assert benjamini_hochberg([0.02, math.nan])[0] == 0.02
    assert np.isnan(benjamini_hochberg([math.nan])).all()


@pytest.mark.parametrize(("shift", "low", "high"), [(0.0, 0.03, 0.07), (0.15, 0.6, 1)])
def test_bootstrap_p_has_its_level_and_some_power(shift, low, high):
    rng = np.random.default_rng(4)
    seen = 0
    ids = [f"clip-{i}" for i in range(120)]
    bootstrap = Bootstrap(ids, 400)
    for _ in range(500):
        ease = rng.random(120)
        noise = rng.normal(0, 0.25, (2, 120))
        first = predictions(ease + noise[0] < 0.6 + shift)
        second = predictions(ease + noise[1] < 0.6)
        one = bootstrap.draws(TOP1.metric, first)
        seen += bootstrap_p(one - bootstrap.draws(TOP1.metric, second)) < 0.05
    assert low <= seen / 500 <= high


def test_bootstrap_p_of_what_is_not_there():
    assert math.isnan(bootstrap_p(np.array([1.0])))
    assert math.isnan(bootstrap_p(np.array([math.nan, 1.0])))
    assert bootstrap_p(np.zeros(50)) == 1
    assert bootstrap_p(np.ones(100)) == pytest.approx(0.02)


def test_so_many_clips_show_the_difference_as_often_as_said():
    rng = np.random.default_rng(5)
    discordance, points = 0.2, 6.0
    clips = math.ceil(clips_needed(points, discordance))
    gain = (discordance + points / 100) / 2
    kind = rng.random((2000, clips))
    first = kind < gain
    second = (kind >= gain) & (kind < discordance)
    b, c = first.sum(1), second.sum(1)
    # Connor's formula is that of the chi-square test without correction.
    seen = (b - c) ** 2 / (b + c) > 3.841
    assert seen.mean() == pytest.approx(0.8, abs=0.03)


@given(st.integers(30, 20_000), st.floats(0.02, 0.9))
def test_the_difference_that_is_seen_needs_as_many_clips(clips, discordance):
    points = points_seen(clips, discordance)
    if math.isnan(points):
        assert clips_needed(100 * discordance, discordance) > clips
    else:
        assert 0 < points <= 100 * discordance
        assert clips_needed(points, discordance) == pytest.approx(clips, rel=1e-6)


def test_without_clips_or_differences_nothing_is_seen():
    assert math.isnan(points_seen(0, 0.5))
    assert math.isnan(points_seen(500, 0.0))


def test_recordings_are_drawn_whole():
    ids = [f"clip-{i}" for i in range(40)]
    groups = {clip: f"video-{i // 4}" for i, clip in enumerate(ids)}
    together = Bootstrap(ids, 500, groups=groups)
    hits = np.repeat(np.arange(10) % 2 > 0, 4)
    draws = together.draws(TOP1.metric, predictions(hits))
    # Ten recordings, each wholly right or wrong: tenths only.
    np.testing.assert_allclose(draws % 10, 0, atol=1e-9)
    apart = Bootstrap(ids, 500).draws(TOP1.metric, predictions(hits))
    assert draws[1:].std() == pytest.approx(2 * apart[1:].std(), rel=0.15)


def test_a_clip_alone_is_no_recording_of_the_same_name():
    numbers = cluster_numbers(["a", "b", "c"], {"b": "a", "c": "a"})
    assert numbers.tolist() == [0, 1, 1]


@pytest.mark.parametrize("clustered", [False, True])
def test_coverage_over_2000_runs(clustered):
    rng = np.random.default_rng(6)
    recordings, size = (150, 3) if clustered else (250, 1)
    ids = [f"clip-{i}" for i in range(recordings * size)]
    groups = {clip: f"{i // size}" for i, clip in enumerate(ids)} if clustered else {}
    bootstrap = Bootstrap(ids, 400, groups=groups)
    inside = 0
    for _ in range(2000):
        chance = np.repeat(rng.beta(6, 4, recordings), size)
        found = estimate(
            bootstrap.draws(TOP1.metric, predictions(rng.random(len(ids)) < chance))
        )
        inside += found.low <= 60 <= found.high
    assert 0.93 <= inside / 2000 <= 0.97
