"""Checks of a metric: predictions that lack something, and those of other tasks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from avplug.core.components import MetricSpec
from avplug.testing.checks import (
    NotApplicable,
    Subject,
    left_to,
    promise,
    require,
    trying,
)
from avplug.testing.metrics import (
    CLIPS,
    chosen,
    computed,
    one_value_per_row,
    predictions,
)


@promise("metric")
def nothing_to_count(subject: Subject) -> None:
    """Weights of nought, and no clips at all, give a value or NaN, without raising."""
    said = predictions(subject)
    for label, clips, weights in (
        ("weights of nought", said, np.zeros((1, CLIPS))),
        ("no clips", chosen(said, slice(0)), np.ones((1, 0))),
        ("one clip", chosen(said, slice(1)), np.ones((1, 1))),
    ):
        with trying(label):
            values = computed(subject, clips, weights)
        require(
            np.shape(values)[-1:] == (1,) and not np.isinf(values).any(),
            f"{label} gave {values}",
        )


@promise("metric")
def not_a_number(subject: Subject) -> None:
    """A clip whose logits and embeddings are NaN raises nothing."""
    said = chosen(predictions(subject), np.arange(CLIPS))
    assert said.embeddings is not None
    for drawn in (said.logits, said.embeddings.audio, said.embeddings.video):
        drawn[3] = np.nan
    values = computed(subject, said, np.ones((1, CLIPS)))
    require(np.shape(values) == (1,), f"one row of weights gave {np.shape(values)}")


@promise("metric")
def what_is_not_known(subject: Subject) -> None:
    """Without batches, and without embeddings unless it needs them, it has a value."""
    spec = subject.spec
    assert isinstance(spec, MetricSpec)
    said = replace(predictions(subject), batches=None)
    if "embeddings" not in spec.needs:
        said = replace(said, embeddings=None)
    with trying("without batches, and embeddings that it does not need"):
        values = computed(subject, said, np.ones((1, CLIPS)))
    with left_to(subject, one_value_per_row):
        require(
            np.shape(values) == (1,) and not np.isinf(values).any(),
            f"with neither known it gave {values}",
        )


@promise("metric")
def any_task(subject: Subject) -> None:
    """Where it is for any task, several labels and several tasks raise nothing."""
    spec = subject.spec
    assert isinstance(spec, MetricSpec)
    if spec.task != "any":
        raise NotApplicable(f"it is for {spec.task} alone")
    for task in ("multi-label", "multi-task"):
        said = predictions(replace(subject, spec=replace(spec, task=task)))
        with trying(f"{task} predictions"):
            values = computed(subject, said, np.ones((1, CLIPS)))
        with left_to(subject, one_value_per_row):
            told = f"{task}: {values}; state the task that it is for"
            require(np.shape(values) == (1,) and not np.isinf(values).any(), told)
