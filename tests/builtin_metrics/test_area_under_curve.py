"""AUC and d' against scikit-learn, with ties and degenerate classes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy.stats import norm
from sklearn.metrics import average_precision_score, roc_auc_score

from avplug.builtin_metrics.area_under_curve import AreaUnderCurve, SensitivityIndex
from avplug.builtin_metrics.average_precision import MeanAveragePrecision
from avplug.core.metric import Predictions
from tests.builtin_metrics.cases import names, value


@st.composite
def multi_label(draw):
    """Clips with any number of labels; classes may be absent or in every clip."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    clips, classes = draw(st.integers(1, 40)), draw(st.integers(1, 6))
    levels = draw(st.sampled_from([1, 2, 50]))
    logits = rng.integers(-levels, levels + 1, (clips, classes)) / levels
    share = draw(st.sampled_from([0.0, 0.1, 0.5, 1.0]))
    targets = rng.random((clips, classes)) < share
    return Predictions(names(clips), logits.astype(np.float32), targets, "sigmoid")


def by_class(score, predictions, row, needs_negative):
    found = []
    for index in range(predictions.targets.shape[1]):
        positive, logits = predictions.targets[:, index], predictions.logits[:, index]
        weight = [(row * positive).sum(), (row * ~positive).sum()]
        if weight[0] and (weight[1] or not needs_negative):
            found.append(score(positive, logits, sample_weight=row))
    return 100 * np.mean(found) if found else np.nan


@pytest.mark.parametrize(
    ("metric", "score", "needs_negative"),
    [
        (AreaUnderCurve(), roc_auc_score, True),
        (MeanAveragePrecision(), average_precision_score, False),
    ],
    ids=["auc", "map"],
)
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_equals_scikit_learn(metric, score, needs_negative, data):
    predictions = data.draw(multi_label())
    clips = len(predictions)
    rng = np.random.default_rng(clips)
    counts = rng.multinomial(clips, np.full(clips, 1 / clips), size=2)
    weights = np.vstack([np.ones(clips), counts]).astype(float)
    expected = [by_class(score, predictions, r, needs_negative) for r in weights]
    np.testing.assert_allclose(
        metric.compute(predictions, weights), expected, atol=1e-9
    )


@settings(deadline=None, max_examples=60)
@given(multi_label())
def test_d_prime_is_the_quantile_of_the_mean_auc(predictions):
    auc = by_class(roc_auc_score, predictions, np.ones(len(predictions)), True) / 100
    expected = np.sqrt(2) * norm.ppf(auc) if 1e-12 < auc < 1 - 1e-12 else np.nan
    found = value(SensitivityIndex(), predictions)
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_chance_is_a_d_prime_of_zero():
    targets = np.array([[True], [False]])
    flat = Predictions(names(2), np.zeros((2, 1), np.float32), targets, "sigmoid")
    assert value(AreaUnderCurve(), flat) == 50
    assert value(SensitivityIndex(), flat) == 0


@pytest.mark.parametrize(
    "targets", [np.zeros((3, 2)), np.ones((3, 2)), np.ones((1, 2))]
)
def test_is_undefined_without_both_kinds(targets):
    given = Predictions(
        names(len(targets)),
        np.zeros(targets.shape, np.float32),
        targets.astype(bool),
        "sigmoid",
    )
    assert np.isnan(value(AreaUnderCurve(), given))
    assert np.isnan(value(SensitivityIndex(), given))


def test_a_nan_score_ranks_last():
    logits = np.array([[np.nan], [0.0], [1.0]], np.float32)
    targets = np.array([[True], [False], [True]])
    given = Predictions(names(3), logits, targets, "sigmoid")
    assert value(AreaUnderCurve(), given) == 50
