"""Top-1 accuracy on hand cases."""

from __future__ import annotations

import numpy as np
import pytest

from avplug.builtin_metrics.accuracy import TopOne
from avplug.core.errors import UsageError
from avplug.core.metric import Predictions


def predictions(logits, labels):
    logits = np.asarray(logits, np.float32)
    ids = np.array([f"clip-{i}" for i in range(len(logits))])
    return Predictions(ids, logits, np.eye(logits.shape[1], dtype=bool)[labels])


def test_weights_count_clips():
    given = predictions([[1, 0], [0, 1], [1, 0]], [0, 1, 1])
    weights = np.array([[1, 1, 1], [3, 0, 0], [0, 0, 2], [1, 0, 3]], float)
    np.testing.assert_allclose(TopOne().compute(given, weights), [200 / 3, 100, 0, 25])


def test_is_undefined_without_weight():
    assert np.isnan(TopOne().compute(predictions([[1, 0]], [0]), np.zeros((1, 1))))


def test_ties_go_to_the_lowest_index_and_nan_is_a_miss():
    given = predictions([[0, 0], [0, 0], [np.nan, 0], [0, np.nan]], [0, 1, 0, 1])
    ones = np.eye(4)
    np.testing.assert_allclose(TopOne().compute(given, ones), [100, 0, 0, 0])


@pytest.mark.parametrize(("row", "count"), [([True, True], 2), ([False, False], 0)])
def test_refuses_clips_without_exactly_one_label(row, count):
    given = Predictions(
        np.array(["a", "it's"]),
        np.zeros((2, 2), np.float32),
        np.array([[True, False], row]),
    )
    with pytest.raises(UsageError) as error:
        TopOne().compute(given, np.ones((1, 2)))
    assert str(error.value) == (
        f'top1 needs one label per clip; "it\'s" has {count}. Use the metric map.'
    )


def test_inputs_are_left_alone():
    given = predictions([[1, 0], [0, 1]], [0, 0])
    weights = np.ones((1, 2))
    for array in (given.logits, given.targets, weights):
        array.flags.writeable = False
    assert TopOne().compute(given, weights)[0] == 50
