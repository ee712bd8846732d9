"""mAP against scikit-learn, with weights, ties and degenerate classes."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from avplug.builtin_metrics.average_precision import MeanAveragePrecision
from avplug.core.metric import Predictions


def predictions(logits, targets, outputs="sigmoid"):
    ids = np.array([f"clip-{i}" for i in range(len(logits))])
    return Predictions(
        ids, np.asarray(logits, np.float32), np.asarray(targets, bool), outputs
    )


def reference(scores, targets, weights):
    """The definition of the issue, from scikit-learn one class and row at a time."""
    rows = []
    for row in weights:
        aps = [
            average_precision_score(targets[:, c], scores[:, c], sample_weight=row)
            for c in range(targets.shape[1])
            if (row * targets[:, c]).sum() > 0
        ]
        rows.append(100 * np.mean(aps) if aps else np.nan)
    return np.array(rows)


@pytest.mark.parametrize("levels", [None, 7, 2, 1], ids=str)
@pytest.mark.parametrize("clips", [1, 2, 9, 120])
def test_equals_scikit_learn_with_weights_and_ties(clips, levels):
    rng = np.random.default_rng(clips)
    scores = rng.normal(size=(clips, 6)).astype(np.float32)
    if levels:
        scores = np.round(scores * levels / 4).clip(-levels, levels).astype(np.float32)
    targets = rng.random((clips, 6)) < 0.3
    targets[:, 0] = False
    targets[:, 1] = True
    counts = rng.multinomial(clips, np.full(clips, 1 / clips), size=20)
    weights = np.vstack([np.ones(clips), counts, rng.random((5, clips))])
    result = MeanAveragePrecision().compute(predictions(scores, targets), weights)
    np.testing.assert_allclose(result, reference(scores, targets, weights), atol=1e-10)


def test_one_class():
    targets = np.array([[True], [False], [True], [False]])
    scores = np.array([[4], [3], [2], [1]])
    result = MeanAveragePrecision().compute(
        predictions(scores, targets), np.ones((1, 4))
    )
    np.testing.assert_allclose(result, 100 * (1 / 1 + 2 / 3) / 2)


def test_equal_scores_enter_together():
    targets = np.array([[True], [False], [False], [False]])
    result = MeanAveragePrecision().compute(
        predictions(np.zeros((4, 1)), targets), np.ones((1, 4))
    )
    np.testing.assert_allclose(result, 25.0)


def test_is_undefined_without_any_positive():
    none = predictions(np.zeros((3, 2)), np.zeros((3, 2)))
    assert np.isnan(MeanAveragePrecision().compute(none, np.ones((2, 3)))).all()


def test_a_resample_without_a_class_leaves_that_class_out():
    targets = np.array([[True, False], [False, True]])
    scores = np.array([[1, 9], [2, 1]])
    weights = np.array([[1.0, 1.0], [0.0, 1.0]])
    result = MeanAveragePrecision().compute(predictions(scores, targets), weights)
    np.testing.assert_allclose(result, [50.0, 100.0])


def test_softmax_models_are_ranked_by_probability():
    logits = np.array([[5.0, 9.0], [1.0, 0.0]])
    targets = np.array([[False, True], [True, False]])
    metric, ones = MeanAveragePrecision(), np.ones((1, 2))
    softmax = metric.compute(predictions(logits, targets, "softmax"), ones)
    sigmoid = metric.compute(predictions(logits, targets), ones)
    np.testing.assert_allclose(softmax, 100.0)
    np.testing.assert_allclose(sigmoid, 75.0)


def test_nan_and_infinite_scores_rank_at_the_ends():
    logits = [[np.nan], [0.0], [np.inf], [-1.0]]
    targets = [[True], [True], [False], [False]]
    result = MeanAveragePrecision().compute(
        predictions(logits, targets), np.ones((1, 4))
    )
    np.testing.assert_allclose(result, 100 * (1 / 2 + 2 / 4) / 2)


def test_inputs_are_left_alone():
    given = predictions([[1, 2], [3, 4]], [[1, 0], [0, 1]], "softmax")
    weights = np.ones((1, 2))
    for array in (given.logits, given.targets, weights):
        array.flags.writeable = False
    assert MeanAveragePrecision().compute(given, weights)[0] > 0
