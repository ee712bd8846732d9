"""Top-5, mean class accuracy and the mean of batches against their definitions."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from sklearn.metrics import recall_score

from avplug.builtin_metrics.accuracy import (
    MeanClassAccuracy,
    TopFive,
    TopOne,
    TopOneByBatch,
)
from avplug.core.errors import UsageError
from avplug.core.metric import Predictions
from tests.builtin_metrics.cases import (
    answers,
    check_weights_are_repetitions,
    names,
    single_label,
    value,
)


def by_sorting(predictions, count):
    """Sort the classes of each clip, the lower index first of equal logits."""
    best = np.argsort(-predictions.logits, axis=1, kind="stable")[:, :count]
    labels = predictions.targets.argmax(1)
    return (best == labels[:, None]).any(1)


@settings(deadline=None, max_examples=60)
@given(answers())
def test_top_1_and_top_5_equal_sorting(predictions):
    for metric, count in ((TopOne(), 1), (TopFive(), 5)):
        hits = by_sorting(predictions, count)
        np.testing.assert_array_equal(metric.right(predictions), hits)
        assert value(metric, predictions) == pytest.approx(100 * hits.mean())


def test_of_five_classes_every_clip_is_in_the_top_5():
    assert value(TopFive(), single_label(np.zeros((3, 5)), [0, 2, 4])) == 100


def test_a_nan_logit_is_a_miss_among_five_as_well():
    assert value(TopFive(), single_label([[9, np.nan], [9, 1]], [0, 0])) == 50


@settings(deadline=None, max_examples=60)
@given(answers())
def test_mean_class_accuracy_equals_scikit_learn(predictions):
    labels = predictions.targets.argmax(1)
    expected = recall_score(
        labels,
        predictions.logits.argmax(1),
        labels=np.unique(labels),
        average="macro",
        zero_division=0,
    )
    assert value(MeanClassAccuracy(), predictions) == pytest.approx(100 * expected)


@pytest.mark.parametrize(
    "metric", [TopFive(), MeanClassAccuracy()], ids=lambda metric: type(metric).__name__
)
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_weights_are_repetitions(metric, data):
    check_weights_are_repetitions(metric, data)


@settings(deadline=None, max_examples=60)
@given(answers(), st.integers(1, 50))
def test_the_mean_of_batches_is_what_a_loop_over_batches_gives(predictions, size):
    clips = len(predictions)
    hits = by_sorting(predictions, 1)
    edges = [*range(0, clips, size), clips]
    each = [hits[start:end].mean() for start, end in pairwise(edges)]
    batched = Predictions(
        predictions.ids,
        predictions.logits,
        predictions.targets,
        batches=np.arange(clips) // size,
    )
    assert value(TopOneByBatch(), batched) == pytest.approx(100 * np.mean(each))


def test_a_short_last_batch_counts_as_much_as_a_full_one():
    batched = single_label(
        [[1, 0]] * 4 + [[0, 1]], [0] * 5, batches=np.array([0, 0, 0, 0, 1])
    )
    assert value(TopOne(), batched) == 80
    assert value(TopOneByBatch(), batched) == 50
    weights = np.array([[2.0, 0, 0, 0, 0]])
    np.testing.assert_allclose(TopOneByBatch().compute(batched, weights), [100])


def test_the_mean_of_batches_needs_batches():
    with pytest.raises(UsageError, match="answered together"):
        value(TopOneByBatch(), single_label([[1, 0]], [0]))


@pytest.mark.parametrize(
    "metric",
    [TopFive(), MeanClassAccuracy(), TopOneByBatch()],
    ids=lambda metric: type(metric).__name__,
)
def test_refuses_several_labels(metric):
    given = Predictions(
        names(1),
        np.zeros((1, 2), np.float32),
        np.ones((1, 2), bool),
        batches=np.zeros(1, int),
    )
    with pytest.raises(UsageError, match="one label per clip"):
        value(metric, given)
