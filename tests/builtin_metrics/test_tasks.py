"""Verb, noun and action accuracy against trying every action."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from avplug.builtin_metrics.accuracy import TopOne
from avplug.builtin_metrics.tasks import (
    ActionTopFive,
    ActionTopOne,
    NounTopFive,
    NounTopOne,
    VerbTopFive,
    VerbTopOne,
)
from avplug.core.errors import UsageError
from avplug.core.metric import Predictions
from tests.builtin_metrics.cases import names, value


@st.composite
def kitchen(draw):
    """Verbs and nouns of 1 to 12 clips; whole logits, so that sums are exact."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    clips, verbs, nouns = (draw(st.integers(1, most)) for most in (12, 8, 9))
    levels = draw(st.sampled_from([1, 3, 100]))
    logits = rng.integers(-levels, levels + 1, (clips, verbs + nouns))
    verb, noun = rng.integers(0, verbs, clips), rng.integers(0, nouns, clips)
    targets = np.zeros(logits.shape, bool)
    targets[np.arange(clips), verb] = True
    targets[np.arange(clips), verbs + noun] = True
    tasks = {"verb": verbs, "noun": nouns}
    return Predictions(
        names(clips), logits.astype(np.float32), targets, "softmax", tasks
    )


def first(scores, own, count):
    order = np.argsort(-scores, kind="stable")[:count]
    return own in order


@settings(deadline=None, max_examples=60)
@given(kitchen())
def test_equals_trying_everything(predictions):
    verbs, nouns = predictions.tasks.values()
    expected = {
        metric: [] for metric in ("verb1", "verb5", "noun1", "noun5", "act1", "act5")
    }
    for logits, targets in zip(predictions.logits, predictions.targets, strict=True):
        verb, noun = targets[:verbs].argmax(), targets[verbs:].argmax()
        actions = (logits[:verbs, None] + logits[None, verbs:]).ravel()
        for count in (1, 5):
            expected[f"verb{count}"].append(first(logits[:verbs], verb, count))
            expected[f"noun{count}"].append(first(logits[verbs:], noun, count))
            expected[f"act{count}"].append(first(actions, verb * nouns + noun, count))
    metrics = (
        VerbTopOne(),
        VerbTopFive(),
        NounTopOne(),
        NounTopFive(),
        ActionTopOne(),
        ActionTopFive(),
    )
    for metric, hits in zip(metrics, expected.values(), strict=True):
        np.testing.assert_array_equal(metric.right(predictions), hits, repr(metric))


def test_a_head_of_the_size_of_epic_kitchens():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(50, 397)).astype(np.float32)
    targets = np.zeros((50, 397), bool)
    targets[np.arange(50), logits[:, :97].argmax(1)] = True
    targets[np.arange(50), 97 + np.argsort(-logits[:, 97:], 1)[:, 1]] = True
    given = Predictions(
        names(50), logits, targets, "softmax", {"verb": 97, "noun": 300}
    )
    assert value(VerbTopOne(), given) == 100
    assert value(NounTopOne(), given) == value(ActionTopOne(), given) == 0
    assert value(NounTopFive(), given) == 100
    sums = (logits[:, :97, None] + logits[:, None, 97:]).reshape(50, -1)
    own = (logits * targets).sum(1)
    expected = (sums > own[:, None]).sum(1) < 5
    assert 0 < expected.sum() < 50
    np.testing.assert_array_equal(ActionTopFive().right(given), expected)


def test_a_nan_spoils_its_task_and_the_action_only():
    logits = np.array([[np.nan, 1, 5, 0]], np.float32)
    targets = np.array([[False, True, True, False]])
    given = Predictions(names(1), logits, targets, "softmax", {"verb": 2, "noun": 2})
    assert value(NounTopOne(), given) == 100
    for metric in (VerbTopOne(), VerbTopFive(), ActionTopOne(), ActionTopFive()):
        assert value(metric, given) == 0


def test_says_what_is_wrong():
    logits, both = np.zeros((1, 4), np.float32), np.array([[True, False, True, False]])
    plain = Predictions(names(1), logits, both)
    with pytest.raises(UsageError, match="have one task"):
        value(VerbTopOne(), plain)
    with pytest.raises(UsageError, match="needs one label"):
        value(TopOne(), plain)
    other = Predictions(names(1), logits, both, "softmax", {"noun": 2, "mood": 2})
    with pytest.raises(UsageError, match="have no verb; their tasks are noun, mood"):
        value(VerbTopOne(), other)
    odd = Predictions(names(1), logits, both, "softmax", {"verb": 3, "noun": 1})
    with pytest.raises(UsageError, match="'clip-0' has not one verb"):
        value(ActionTopOne(), odd)
