"""Checks of a metric: order, weights, nothing, and which way is up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avplug.core.components import MetricSpec
from avplug.core.metric import Embeddings, Metric, Predictions
from avplug.testing.checks import (
    NotApplicable,
    Subject,
    global_seed,
    left_to,
    promise,
    quiet as stays_quiet,
    require,
)
from avplug.testing.elsewhere import same_elsewhere
from avplug.testing.surroundings import leaves_as_it_was

#: Clips of the predictions.
CLIPS = 40
_CLASSES, _BATCH = 10, 6
#: Classes of each task where there are several: enough that five best are not all.
_TASKS = {"verb": 12, "noun": 15}


def predictions(subject: Subject, logits: str = "drawn") -> Predictions:
    """Return what a model might have said of forty clips of the metric's task.

    They have all that a metric can ask for: batches, and embeddings of both senses.

    Args:
        subject: Whose descriptor states the task.
        logits: ``"drawn"``, or ``"right"`` or ``"wrong"`` for the most part; clips
            then find their own other sense, or another's.
    """
    spec = subject.spec
    assert isinstance(spec, MetricSpec)
    random = np.random.default_rng((subject.seed, 5))
    tasks = _TASKS if spec.task == "multi-task" else {}
    targets = np.concatenate(
        [_one_of(classes) for classes in tasks.values() or (_CLASSES,)], axis=1
    )
    if spec.task == "multi-label":
        targets |= random.random(targets.shape) < 0.2
    gain = {"drawn": 1.0, "right": 5.0, "wrong": -2.5}[logits]
    drawn = random.normal(0, 1, targets.shape) + gain * targets
    heard, noise = random.normal(0, 1, (2, CLIPS, 8))
    return Predictions(
        np.array([f"clip-{index:02d}" for index in range(CLIPS)]),
        drawn.astype(np.float32),
        targets,
        "sigmoid" if spec.task == "multi-label" else "softmax",
        tasks,
        np.arange(CLIPS) // _BATCH,
        Embeddings(heard.astype(np.float32), (gain * heard + noise).astype(np.float32)),
    )


def _one_of(classes: int) -> NDArray[np.bool_]:
    """Return targets of clips that have one class each, [N, classes]."""
    return np.eye(classes, dtype=np.bool_)[np.arange(CLIPS) % classes]


def chosen(said: Predictions, index: Any) -> Predictions:
    """Return the predictions of some clips, in the order of the index."""
    assert said.batches is not None
    assert said.embeddings is not None
    return replace(
        said,
        ids=said.ids[index],
        logits=said.logits[index],
        targets=said.targets[index],
        batches=said.batches[index],
        embeddings=Embeddings(
            said.embeddings.audio[index], said.embeddings.video[index]
        ),
    )


def _rows(subject: Subject, count: int = 6) -> NDArray[np.float64]:
    """Return weights as a bootstrap draws them, and one row of ones."""
    random = np.random.default_rng((subject.seed, 6))
    weights = random.integers(0, 4, (count, CLIPS)).astype(np.float64)
    weights[0] = 1
    return weights


def computed(
    subject: Subject, said: Predictions, weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return what the metric says for each row of weights."""
    values: NDArray[np.float64] = subject.make().compute(said, weights)
    return values


def _close(one: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    return bool(np.allclose(one, other, rtol=1e-9, atol=1e-7, equal_nan=True))


@promise("metric")
def one_value_per_row(subject: Subject) -> str:
    """It returns a float64 for each row of weights."""
    values = computed(subject, predictions(subject), _rows(subject))
    require(
        isinstance(values, np.ndarray)
        and values.shape == (6,)
        and values.dtype == np.float64,
        f"six rows gave {getattr(values, 'dtype', type(values).__name__)} "
        f"{list(np.shape(values))}",
    )
    return f"{values[0]:.2f} on drawn logits"


@promise("metric")
def repeatable(subject: Subject) -> None:
    """The same predictions give the same value, whatever global generators hold."""
    values = []
    for number in (1, 2):
        with global_seed(number):
            values.append(computed(subject, predictions(subject), _rows(subject)))
    require(_close(*values), f"two runs gave {values[0][0]:.9g} and {values[1][0]:.9g}")


@promise("metric")
def order_of_clips(subject: Subject) -> None:
    """The order of the clips does not matter."""
    said, weights = predictions(subject), _rows(subject)
    order = np.random.default_rng((subject.seed, 7)).permutation(CLIPS)
    one = computed(subject, said, weights)
    two = computed(subject, chosen(said, order), weights[:, order])
    with left_to(subject, repeatable, pure):
        require(_close(one, two), f"{one[0]:.6g} became {two[0]:.6g} in another order")


@promise("metric")
def rows_apart(subject: Subject) -> None:
    """Rows of weights computed together equal each computed alone."""
    said, weights = predictions(subject), _rows(subject)
    together = computed(subject, said, weights)
    alone = np.concatenate([computed(subject, said, row[None]) for row in weights])
    with left_to(subject, repeatable, pure):
        require(_close(together, alone), f"{together} together, {alone} alone")


@promise("metric")
def weights_count(subject: Subject) -> None:
    """A weight of two means the clip twice, a weight of nought not at all."""
    spec = subject.spec
    assert isinstance(spec, MetricSpec)
    if "embeddings" in spec.needs:
        raise NotApplicable("weights choose who asks; all clips are there to be found")
    said, weights = predictions(subject), _rows(subject)[1:2]
    index = np.repeat(np.arange(CLIPS), weights[0].astype(int))
    written_out = replace(
        chosen(said, index),
        ids=np.array([f"{said.ids[i]}/{place}" for place, i in enumerate(index)]),
    )
    one = computed(subject, said, weights)
    two = computed(subject, written_out, np.ones((1, len(index))))
    with left_to(subject, repeatable):
        require(_close(one, two), f"{one[0]:.6g} weighted, {two[0]:.6g} written out")


@promise("metric")
def direction(subject: Subject) -> str:
    """Right answers score better than wrong ones, as ``higher_is_better`` says."""
    ones = np.ones((1, CLIPS))
    right, wrong = (
        float(np.ravel(computed(subject, predictions(subject, which), ones))[0])
        for which in ("right", "wrong")
    )
    higher = getattr(subject.target, "higher_is_better", True)
    require(
        right > wrong if higher else right < wrong,
        f"higher_is_better is {higher}; right answers got {right:.4g}, wrong ones "
        f"{wrong:.4g}",
    )
    return f"right {right:.4g}, wrong {wrong:.4g}"


@promise("metric")
def unit(subject: Subject) -> None:
    """In percent, where it says so: at most 100, and no share of one."""
    spec = subject.spec
    assert isinstance(spec, MetricSpec)
    if spec.unit != "%" or not getattr(subject.target, "higher_is_better", True):
        raise NotApplicable("it is no percentage of which more is better")
    ones = np.ones((1, CLIPS))
    best = float(computed(subject, predictions(subject, "right"), ones)[0])
    with left_to(subject, direction):
        require(
            1 < best <= 100 + 1e-6,
            f"its unit is '%', and answers that are right for the most part get "
            f"{best:.4g}",
        )


@promise("metric")
def right_clips(subject: Subject) -> str:
    """Where it tells which clips are right, it is their share in percent."""
    metric: Metric = subject.make()
    said, weights = predictions(subject), _rows(subject)
    right = metric.right(said)
    if right is None:
        raise NotApplicable("it does not tell which clips are right")
    require(
        right.dtype == np.bool_ and right.shape == (CLIPS,),
        f"right is {right.dtype} {list(right.shape)}",
    )
    values = computed(subject, said, weights)
    shares = 100 * (weights @ right) / weights.sum(1)
    with left_to(subject, repeatable, unit):
        told = f"it is {values[0]:.6g}, their share {shares[0]:.6g}"
        require(_close(values, shares), told)
    return f"{int(right.sum())} of {CLIPS} clips are right"


@promise("metric")
def pure(subject: Subject) -> None:
    """Predictions and weights stay as they are."""
    said, weights = predictions(subject), _rows(subject)
    before = predictions(subject), _rows(subject)
    computed(subject, said, weights)
    for name, one, two in zip(
        ("ids", "logits", "targets", "batches", "vectors", "vectors"),
        _arrays(said),
        _arrays(before[0]),
        strict=True,
    ):
        require(np.array_equal(one, two), f"it wrote to the {name}")
    require(np.array_equal(weights, before[1]), "it wrote to the weights")


def _arrays(said: Predictions) -> tuple[NDArray[Any], ...]:
    vectors = said.embeddings
    assert vectors is not None
    assert said.batches is not None
    own = said.ids, said.logits, said.targets, said.batches
    return (*own, vectors.audio, vectors.video)


@promise("metric")
def stateless(subject: Subject) -> None:
    """What it computed before changes nothing."""
    metric, ones = subject.make(), np.ones((1, CLIPS))
    fresh = metric.compute(predictions(subject), ones)
    metric.compute(predictions(subject, "wrong"), ones)
    again = metric.compute(predictions(subject), ones)
    with left_to(subject, repeatable, pure):
        told = f"{fresh} became {again} after other predictions"
        require(_close(fresh, again), told)


@promise("metric")
def quiet(subject: Subject) -> None:
    """It writes nothing to stdout."""
    stays_quiet(lambda: computed(subject, predictions(subject), _rows(subject)))


def values_of_rows(subject: Subject) -> Mapping[str, NDArray[Any]]:
    """Return the metric for rows of weights."""
    return {"values": computed(subject, predictions(subject), _rows(subject))}


@promise("metric")
def elsewhere(subject: Subject) -> None:
    """Made anew in another process, of another hash seed, it gives the same value."""
    with left_to(subject, repeatable):
        same_elsewhere(subject, values_of_rows, slack=1e-9)


@promise("metric")
def surroundings(subject: Subject) -> None:
    """It leaves the process as it was: folder, environment, generators, settings."""
    leaves_as_it_was(lambda: values_of_rows(subject))
