"""ECE and NLL against torchmetrics, torch and their definitions."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st
from torchmetrics.functional.classification import multiclass_calibration_error

from avplug.builtin_metrics.calibration import (
    BINS,
    CalibrationError,
    NegativeLogLikelihood,
)
from tests.builtin_metrics.cases import (
    answers,
    check_weights_are_repetitions,
    single_label,
    value,
)


def probabilities(predictions):
    logits = torch.from_numpy(predictions.logits).double()
    if predictions.outputs == "softmax":
        return logits.softmax(1)
    return logits.sigmoid()


@settings(deadline=None, max_examples=60)
@given(answers())
def test_ece_is_what_a_loop_over_the_bins_gives(predictions):
    said = probabilities(predictions).numpy()
    confidence = said.max(1)
    right = predictions.logits.argmax(1) == predictions.targets.argmax(1)
    error = 0.0
    for index in range(BINS):
        low, high = index / BINS, (index + 1) / BINS
        mine = (confidence > low) & (confidence <= high)
        # Where a confidence is an edge, rounding decides: no claim is made there.
        if (np.abs(confidence * BINS - np.round(confidence * BINS)) < 1e-9).any():
            return
        if mine.any():
            gap = abs(right[mine].mean() - confidence[mine].mean())
            error += gap * mine.mean()
    assert value(CalibrationError(), predictions) == pytest.approx(100 * error)


def test_ece_equals_torchmetrics():
    rng = np.random.default_rng(0)
    predictions = single_label(3 * rng.normal(size=(500, 10)), rng.integers(0, 10, 500))
    expected = multiclass_calibration_error(
        probabilities(predictions),
        torch.from_numpy(predictions.targets.argmax(1)),
        num_classes=10,
        n_bins=BINS,
        norm="l1",
    )
    assert value(CalibrationError(), predictions) == pytest.approx(
        100 * float(expected), abs=1e-3
    )


@settings(deadline=None, max_examples=60)
@given(answers())
def test_nll_equals_torch(predictions):
    logits = torch.from_numpy(predictions.logits).double()
    if predictions.outputs == "softmax":
        labels = torch.from_numpy(predictions.targets.argmax(1))
        expected = torch.nn.functional.cross_entropy(logits, labels)
    else:
        targets = torch.from_numpy(predictions.targets).double()
        expected = torch.nn.functional.binary_cross_entropy_with_logits(
            logits, targets, reduction="none"
        )
        expected = expected.sum(1).mean()
    found = value(NegativeLogLikelihood(), predictions)
    assert found == pytest.approx(float(expected), abs=1e-9)


METRICS = [CalibrationError(), NegativeLogLikelihood()]


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: type(metric).__name__)
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_weights_are_repetitions(metric, data):
    check_weights_are_repetitions(metric, data, slack=1e-9)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: type(metric).__name__)
def test_a_logit_that_is_not_finite_makes_it_undefined_where_it_counts(metric, bad):
    given = single_label([[bad, 0], [1, 0]], [0, 0])
    found = metric.compute(given, np.array([[1.0, 1.0], [0.0, 1.0]]))
    assert np.isnan(found[0])
    assert np.isfinite(found[1])


def test_a_model_of_one_class_is_sure_and_right():
    given = single_label([[3.0], [-2.0]], [0, 0])
    assert value(CalibrationError(), given) == 0
    assert value(NegativeLogLikelihood(), given) == 0


def test_less_is_better():
    assert not any(metric.higher_is_better for metric in METRICS)
