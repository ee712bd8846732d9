"""Clips that flip and classes that lose: counted by hand, and equal to the panel."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from avplug.bench.store import Store
from avplug.core.metric import Predictions
from avplug.report.classes import class_scores, class_table
from avplug.report.flips import flipped_clips, flips_by_corruption, flips_table
from avplug.report.outcomes import ClassNames, read_outcomes, viewed
from avplug.report.scores import score
from tests.report.stores import MAP, TOP1, StoreMaker, predictions

NAMES = ClassNames(["cat", "dog", "owl"])


def outcomes(maker, metric=TOP1):
    (panel,) = score(maker.store, [metric], 0).panels
    return panel, read_outcomes(panel)


def values(row):
    return [getattr(getattr(v, "estimate", None), "value", v) for v in row]


@pytest.fixture
def known(maker):
    """Six clips of three classes: what is lost and gained is known."""
    maker.add(predictions([1, 1, 1, 1, 0, 0]))
    maker.add(predictions([1, 0, 0, 1, 0, 1]), "fog", 1)
    maker.add(predictions([0, 0, 1, 1, 0, 1]), "fog", 5)
    maker.add(predictions([1, 0, 1, 1, 0, 0]), "rain", 1)
    maker.add(predictions([1, 0, 1, 0, 1, 0]), "rain", 5)
    return maker


def test_flips_are_counted_against_the_clean_cell(known):
    _, found = outcomes(known)
    (row,) = flips_table(found).rows
    # At severity 5 fog loses clips 0 and 1, rain 1 and 3; each gains one.
    assert values(row) == ["source", 6, 4, 2.0, 1.0, 7 / 4, 3 / 4]
    fog, rain = flips_by_corruption(found).rows
    assert values(fog) == ["source", "fog", 2.0, 1.0, 2.0, 1.0]
    assert values(rain) == ["source", "rain", 2.0, 1.0, 1.5, 0.5]


def test_clips_are_named_by_how_often_they_flip(known):
    (one,) = outcomes(known)[1]
    rows = flipped_clips(one, NAMES).rows
    assert rows[0] == ("clip-1", "dog", 4, "4 of 4", "owl", "fog s1")
    assert [row[0] for row in rows] == ["clip-1", "clip-0", "clip-2", "clip-3"]
    gained = flipped_clips(one, NAMES, gained=True).rows
    assert gained[0] == ("clip-5", "owl", 2, "2 of 4", "fog s1")


def test_what_failed_is_no_flip(maker):
    maker.add(predictions([1, 1, 1]))
    ids = ["clip-0", "clip-2"]
    maker.add(
        Predictions(
            np.array(ids), np.eye(3, dtype=np.float32)[[0, 0]], np.eye(3)[[0, 2]] > 0
        ),
        "fog",
        5,
        failures=[("clip-1", "Cannot be read.")],
    )
    (one,) = outcomes(maker)[1]
    assert one.there.tolist() == [[True, False, True]]
    assert one.lost.tolist() == [[False, False, True]]
    assert flipped_clips(one, NAMES).rows == (
        ("clip-2", "owl", 1, "1 of 1", "cat", "fog s5"),
    )


def test_classes_that_lose_most_come_first(known):
    _, found = outcomes(known)
    rows = class_scores(found, NAMES)
    assert [row.name for row in rows] == ["dog", "cat", "owl"]
    dog, cat, owl = rows
    assert (dog.clips, dog.clean, dog.top, dog.mean) == (2, 50.0, 25.0, 12.5)
    assert (cat.clean, cat.mean, cat.hardest) == (100.0, 81.25 - 6.25, "fog")
    assert owl.change == owl.mean - owl.clean
    assert class_table(found, rows).rows[0][0] == "dog"


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40))
def test_classes_add_up_to_the_panel(tmp_path_factory, seed, count):
    rng = np.random.default_rng(seed)
    maker = StoreMaker(Store(tmp_path_factory.mktemp("run")))
    maker.add(predictions(rng.random(count) < 0.9))
    for name in ("fog", "rain"):
        for severity in (1, 5):
            maker.add(predictions(rng.random(count) < 0.6), name, severity)
    panel, found = outcomes(maker)
    (method,) = panel.methods
    rows = class_scores(found, NAMES)
    weights = [row.clips for row in rows]
    for part, whole in (
        ("clean", panel.at(method, None, 0)),
        ("top", panel.over_corruptions(method, 5)),
        ("mean", panel.overall(method)),
    ):
        mean = np.average([getattr(row, part) for row in rows], weights=weights)
        assert mean == pytest.approx(whole.estimate().value)


def test_the_first_seed_is_shown_and_said(known):
    known.add(predictions([1] * 6), seed=1)
    known.add(predictions([0] * 6), "fog", 5, seed=1)
    _, found = outcomes(known)
    assert all(cell.seed == 0 for cell in found[0].cells)
    assert "Seed 0 of 2 seeds." in flips_table(found).note


def test_a_mean_over_classes_is_not_viewed_clip_by_clip(maker):
    maker.multi_label = True
    maker.add(predictions([1, 1, 0]))
    maker.add(predictions([1, 0, 0]), "fog", 5)
    assert viewed(score(maker.store, [MAP], 0).panels) == []


def test_classes_that_a_run_does_not_name_have_numbers():
    assert NAMES[2] == "owl"
    assert NAMES[3] == "class 3"
    assert ClassNames(())[0] == "class 0"
