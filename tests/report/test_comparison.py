"""Two methods on the same clips: pairing, tests, aggregates, words."""

from __future__ import annotations

import math

import numpy as np
import pytest
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from avplug.bench.store import Store
from avplug.core.errors import UsageError
from avplug.report.comparison import compare
from avplug.report.comparison_table import comparison_table, finding, sentence
from avplug.report.sides import find_sides
from avplug.report.table import text
from tests.report.stores import MAP, TOP1, StoreMaker, predictions


def run(folder, hits, corruptions=("rain", "snow"), severities=(1, 5), **changes):
    """A run in which ``hits(corruption, severity)`` says which clips are right."""
    maker = StoreMaker(Store(folder))
    maker.add(predictions(hits(None, 0)), **changes)
    for corruption in corruptions:
        for severity in severities:
            maker.add(
                predictions(hits(corruption, severity)), corruption, severity, **changes
            )
    return folder


def hits_of(seed, right=0.6, count=120):
    """Clips that are hard stay hard, whatever the method."""
    ease = np.random.default_rng(0).random(count)

    def hits(corruption, severity):
        key = [seed, len(corruption or ""), sum(map(ord, corruption or "")), severity]
        noise = np.random.default_rng(key).normal(0, 0.15, count)
        return ease + noise < right - 0.03 * severity

    return hits


def both(tmp_path, first, second, **options):
    folders = [run(tmp_path / "a", first), run(tmp_path / "b", second)]
    return compare(*find_sides(folders, ()), TOP1, resamples=200, **options)


def test_rows_equal_independent_computations(tmp_path):
    first, second = hits_of(1), hits_of(2, right=0.7)
    found = both(tmp_path, first, second)
    clean, rain, snow, everything = found.rows
    names = [row.name for row in found.rows]
    assert names == ["clean", "rain", "snow", "all corruptions"]
    one, two = first(None, 0), second(None, 0)
    table = [[0, (two & ~one).sum()], [(~two & one).sum(), 0]]
    assert clean.p == pytest.approx(mcnemar(table, exact=True).pvalue)
    assert clean.gain.value == pytest.approx(100 * (two.mean() - one.mean()))
    assert math.isnan(clean.adjusted)
    rains = [second("rain", s).mean() - first("rain", s).mean() for s in (1, 5)]
    assert rain.gain.value == pytest.approx(100 * np.mean(rains))
    assert rain.gain.low < rain.gain.value < rain.gain.high
    # One clip under two severities is one witness: the sums' own variance.
    sums = sum(
        second("rain", s).astype(int) - first("rain", s).astype(int) for s in (1, 5)
    )
    from scipy.stats import chi2

    assert rain.p == pytest.approx(chi2.sf(sums.sum() ** 2 / (sums**2).sum(), 1))
    adjusted = multipletests([rain.p, snow.p], method="holm")[1]
    assert [rain.adjusted, snow.adjusted] == pytest.approx(list(adjusted))
    assert everything.gain.value == pytest.approx(
        (rain.gain.value + snow.gain.value) / 2
    )
    assert (everything.cells, found.clips, found.dropped) == (4, 120, 0)


def test_swapped_sides_change_the_sign_only(tmp_path):
    one = both(tmp_path / "x", hits_of(1), hits_of(2, right=0.7))
    two = both(tmp_path / "y", hits_of(2, right=0.7), hits_of(1))
    for a, b in zip(one.rows, two.rows, strict=True):
        assert a.gain.value == pytest.approx(-b.gain.value)
        assert a.gain.low == pytest.approx(-b.gain.high, abs=1e-9)
        assert a.p == pytest.approx(b.p)


def test_equal_runs_differ_by_nothing(tmp_path):
    found = both(tmp_path, hits_of(1), hits_of(1))
    for row in found.rows:
        assert (row.gain.value, row.gain.low, row.gain.high, row.p) == (0, 0, 0, 1)
        assert finding(found, row, 0.0) == "open"
        assert finding(found, row, 0.5) == "equal"
    assert "cannot be told from" in sentence(found)
    assert "is as good as" in sentence(found, 0.5)


def test_words_follow_the_numbers(tmp_path):
    found = both(tmp_path, hits_of(1, right=0.4), hits_of(2, right=0.9))
    assert [finding(found, row, 0.0) for row in found.rows] == ["better"] * 4
    assert [finding(found, row, 80.0) for row in found.rows] == ["equal"] * 4
    said = sentence(found)
    assert said.startswith("b is better than a (all corruptions: +")
    assert "Of 2 corruptions it is better on 2, worse on 0." in said
    table = comparison_table(found)
    assert [text(value) for value in table.rows[0][-1:]] == ["better"]
    assert "answers on one clip taken together" in table.note


def test_clips_that_one_lacks(tmp_path):
    full = run(tmp_path / "a", hits_of(1))
    part = run(tmp_path / "b", lambda c, s: hits_of(2)(c, s)[:100])
    sides = find_sides([full, part], ())
    with pytest.raises(UsageError, match=r"20 are in one of them only, 100 in both"):
        compare(*sides, TOP1, resamples=10)
    found = compare(*sides, TOP1, resamples=10, intersect=True)
    assert (found.clips, found.dropped) == (100, 20)
    clean = hits_of(2)(None, 0)[:100].mean() - hits_of(1)(None, 0)[:100].mean()
    assert found.rows[0].gain.value == pytest.approx(100 * clean)
    assert "20 clips that only one has are left out" in comparison_table(found).note


def test_cells_that_one_lacks_are_counted(tmp_path):
    full = run(tmp_path / "a", hits_of(1))
    part = run(tmp_path / "b", hits_of(2), corruptions=("rain",))
    found = compare(*find_sides([full, part], ()), TOP1, resamples=10)
    assert [row.name for row in found.rows] == ["clean", "rain"]
    assert found.unpaired == 2


def test_nothing_in_common(tmp_path):
    one = run(tmp_path / "a", hits_of(1), seed=0)
    two = run(tmp_path / "b", hits_of(1), seed=1)
    with pytest.raises(UsageError, match="no finished cell in common"):
        compare(*find_sides([one, two], ()), TOP1)


def test_other_data_cannot_be_compared(tmp_path):
    one = run(tmp_path / "a", hits_of(1))
    other = StoreMaker(Store(tmp_path / "b"), dataset="vggsound")
    other.add(predictions([1, 0]))
    with pytest.raises(UsageError, match="was shown events, b vggsound"):
        compare(*find_sides([one, tmp_path / "b"], ()), TOP1)


def test_recordings_are_one_witness(tmp_path):
    folders = [run(tmp_path / "a", hits_of(1)), run(tmp_path / "b", hits_of(2, 0.7))]
    apart = compare(*find_sides(folders, ()), TOP1, resamples=300)
    for folder in folders:
        store = Store(folder)
        groups = {f"clip-{i}": f"video-{i % 12}" for i in range(120)}
        store.write_run({**store.run, "groups": groups})
    together = compare(*find_sides(folders, ()), TOP1, resamples=300)
    assert together.clustered
    assert together.rows[0].test.units == 12
    assert not together.rows[0].test.exact
    assert apart.rows[0].test.units == 120
    assert "answers on one recording taken together" in comparison_table(together).note


def test_a_metric_that_counts_no_clips_is_resampled(tmp_path):
    makers = [
        StoreMaker(Store(tmp_path / name), multi_label=True) for name in ("a", "b")
    ]
    for maker, right in zip(makers, (0.4, 0.8), strict=True):
        maker.add(predictions(hits_of(1, right)(None, 0)))
    found = compare(
        *find_sides([tmp_path / "a", tmp_path / "b"], ()), MAP, resamples=200
    )
    (clean,) = found.rows
    assert clean.test is None
    assert clean.p == pytest.approx(2 / 201)
    assert comparison_table(found).note.count("paired bootstrap") == 2


def test_visible_difference_shrinks_with_clips(tmp_path):
    few = both(tmp_path / "few", hits_of(1, count=240), hits_of(2, count=240))
    many = both(tmp_path / "many", hits_of(1, count=3840), hits_of(2, count=3840))
    ratio = few.rows[0].visible / many.rows[0].visible
    assert ratio == pytest.approx(4, rel=0.35)


def test_choosing_methods_of_one_run(tmp_path):
    maker = StoreMaker(Store(tmp_path / "r"))
    for tta, right in (("source", 0.5), ("tent", 0.6), ("tent2", 0.7)):
        maker.add(predictions(hits_of(1, right)(None, 0)), tta=tta)
    sides = find_sides([tmp_path / "r"], ("source", "tent"))
    assert [side.label for side in sides] == ["source", "tent"]
    with pytest.raises(UsageError, match="3 methods"):
        find_sides([tmp_path / "r"], ())
    with pytest.raises(UsageError, match="'tent\\*' is more than one method"):
        find_sides([tmp_path / "r"], ("source", "tent*"))
    with pytest.raises(UsageError, match="'nope' is no method"):
        find_sides([tmp_path / "r"], ("source", "nope"))


def test_choosing_methods_of_two_runs(tmp_path):
    folders = []
    for name, right in (("a", 0.5), ("b", 0.6)):
        maker = StoreMaker(Store(tmp_path / name))
        for tta in ("source", "tent"):
            maker.add(predictions(hits_of(1, right)(None, 0)), tta=tta)
        folders.append(tmp_path / name)
    assert [s.label for s in find_sides(folders, ())] == ["a", "b"]
    sides = find_sides(folders, ("source", "*tent"))
    assert [side.label for side in sides] == ["source", "tent"]
    assert [side.cells[0].cell["adaptation"]["name"] for side in sides] == [
        "source",
        "tent",
    ]
    with pytest.raises(UsageError, match="3 methods are named, of two runs"):
        find_sides(folders, ("source", "tent", "tent"))
    sides = find_sides(folders, ("tent",))
    assert {side.cells[0].cell["adaptation"]["name"] for side in sides} == {"tent"}


def test_a_run_without_cells(tmp_path):
    Store(tmp_path).write_run({"cells": []})
    with pytest.raises(UsageError, match="no finished cell"):
        find_sides([tmp_path], ())
