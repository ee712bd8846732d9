"""Predictions for the tests of metrics: random with ties, and degenerate ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import strategies as st

from avplug.core.metric import Predictions


def single_label(logits, labels, **facts):
    logits = np.asarray(logits, np.float32)
    targets = np.eye(logits.shape[1], dtype=bool)[np.asarray(labels, int)]
    return Predictions(names(len(logits)), logits, targets, **facts)


def names(count):
    return np.array([f"clip-{i}" for i in range(count)])


def value(metric, predictions):
    return float(metric.compute(predictions, np.ones((1, len(predictions))))[0])


@st.composite
def answers(draw, classes=None):
    """Predictions of 1 to 40 clips; few levels of logits, so that many are equal."""
    seed = draw(st.integers(0, 2**32 - 1))
    clips = draw(st.integers(1, 40))
    count = draw(st.integers(1, 9)) if classes is None else classes
    levels = draw(st.sampled_from([1, 2, 5, 1000]))
    rng = np.random.default_rng(seed)
    logits = rng.integers(-levels, levels + 1, (clips, count)) * 4 / levels
    # Of some draws only one class is there.
    labels = rng.integers(0, draw(st.integers(1, count)), clips)
    outputs = draw(st.sampled_from(["softmax", "sigmoid"]))
    return single_label(logits, labels, outputs=outputs)


@st.composite
def weights_for(draw, clips):
    """A row of ones, resamples, and a row of zeros."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    counts = rng.multinomial(clips, np.full(clips, 1 / clips), size=3)
    return np.vstack([np.ones(clips), counts, np.zeros(clips)]).astype(float)


def repeated(predictions, row):
    """Predictions in which each clip stands as often as its weight says."""
    index = np.repeat(np.arange(len(predictions)), row.astype(int))
    return Predictions(
        predictions.ids[index],
        predictions.logits[index],
        predictions.targets[index],
        predictions.outputs,
        predictions.tasks,
        None if predictions.batches is None else predictions.batches[index],
    )


def check_weights_are_repetitions(metric, data, slack=1e-12):
    """A clip of weight 2 counts as two of it do; without weight there is no number."""
    predictions = data.draw(answers())
    weights = data.draw(weights_for(len(predictions)))
    found = metric.compute(predictions, weights)
    for row, number in zip(weights[:-1], found[:-1], strict=True):
        expected = value(metric, repeated(predictions, row))
        assert number == pytest.approx(expected, abs=slack)
    assert np.isnan(found[-1])
