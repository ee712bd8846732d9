"""Checks of a metric: order, weights, nothing, and which way is up."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from avplug.core.components import MetricSpec
from avplug.core.metric import Predictions
from avplug.testing.checks import Subject, promise, quiet as stays_quiet, require

_CLIPS, _CLASSES = 40, 10


def predictions(subject: Subject, logits: str = "drawn") -> Predictions:
    """Return what a model might have said of forty clips of the metric's task.

    Args:
        subject: Whose descriptor states the task.
        logits: ``"drawn"``, or ``"right"`` or ``"wrong"`` for the most part.
    """
    spec = subject.spec
    assert isinstance(spec, MetricSpec)
    random = np.random.default_rng((subject.seed, 5))
    targets = np.zeros((_CLIPS, _CLASSES), np.bool_)
    targets[np.arange(_CLIPS), np.arange(_CLIPS) % _CLASSES] = True
    if spec.task == "multi-label":
        targets |= random.random(targets.shape) < 0.2
    gain = {"drawn": 1.0, "right": 2.5, "wrong": -2.5}[logits]
    drawn = random.normal(0, 1, targets.shape) + gain * targets
    ids = np.array([f"clip-{index:02d}" for index in range(_CLIPS)])
    outputs = "sigmoid" if spec.task == "multi-label" else "softmax"
    return Predictions(ids, drawn.astype(np.float32), targets, outputs)


def _rows(subject: Subject, count: int = 6) -> NDArray[np.float64]:
    """Return weights as a bootstrap draws them, and one row of ones."""
    random = np.random.default_rng((subject.seed, 6))
    weights = random.integers(0, 4, (count, _CLIPS)).astype(np.float64)
    weights[0] = 1
    return weights


def _compute(
    subject: Subject, said: Predictions, weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    values: NDArray[np.float64] = subject.make().compute(said, weights)
    return values


def _close(one: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    return bool(np.allclose(one, other, rtol=1e-9, atol=1e-7, equal_nan=True))


@promise("metric")
def one_value_per_row(subject: Subject) -> str:
    """It returns a float64 for each row of weights."""
    values = _compute(subject, predictions(subject), _rows(subject))
    require(
        isinstance(values, np.ndarray)
        and values.shape == (6,)
        and values.dtype == np.float64,
        f"six rows gave {getattr(values, 'dtype', type(values).__name__)} "
        f"{list(np.shape(values))}",
    )
    return f"{values[0]:.2f} on drawn logits"


@promise("metric")
def order_of_clips(subject: Subject) -> None:
    """The order of the clips does not matter."""
    said, weights = predictions(subject), _rows(subject)
    order = np.random.default_rng((subject.seed, 7)).permutation(_CLIPS)
    turned = replace(
        said,
        ids=said.ids[order],
        logits=said.logits[order],
        targets=said.targets[order],
    )
    one = _compute(subject, said, weights)
    two = _compute(subject, turned, weights[:, order])
    require(_close(one, two), f"{one[0]:.6g} became {two[0]:.6g} in another order")


@promise("metric")
def rows_apart(subject: Subject) -> None:
    """Rows of weights computed together equal each computed alone."""
    said, weights = predictions(subject), _rows(subject)
    together = _compute(subject, said, weights)
    alone = np.concatenate([_compute(subject, said, row[None]) for row in weights])
    require(_close(together, alone), f"{together} together, {alone} alone")


@promise("metric")
def weights_count(subject: Subject) -> None:
    """A weight of two means the clip twice, a weight of nought not at all."""
    said, weights = predictions(subject), _rows(subject)[1:2]
    index = np.repeat(np.arange(_CLIPS), weights[0].astype(int))
    written_out = replace(
        said,
        ids=np.array([f"{said.ids[i]}/{place}" for place, i in enumerate(index)]),
        logits=said.logits[index],
        targets=said.targets[index],
    )
    one = _compute(subject, said, weights)
    two = _compute(subject, written_out, np.ones((1, len(index))))
    require(_close(one, two), f"{one[0]:.6g} weighted, {two[0]:.6g} written out")


@promise("metric")
def nothing_to_count(subject: Subject) -> None:
    """Weights of nought, and no clips at all, give a value or NaN, without raising."""
    said = predictions(subject)
    none = replace(
        said, ids=said.ids[:0], logits=said.logits[:0], targets=said.targets[:0]
    )
    for label, clips, weights in (
        ("weights of nought", said, np.zeros((1, _CLIPS))),
        ("no clips", none, np.ones((1, 0))),
    ):
        values = _compute(subject, clips, weights)
        require(
            np.shape(values)[-1:] == (1,) and not np.isinf(values).any(),
            f"{label} gave {values}",
        )


@promise("metric")
def not_a_number(subject: Subject) -> None:
    """A clip whose logits are NaN raises nothing."""
    said = predictions(subject)
    logits = said.logits.copy()
    logits[3] = np.nan
    values = _compute(subject, replace(said, logits=logits), np.ones((1, _CLIPS)))
    require(np.shape(values) == (1,), f"one row of weights gave {np.shape(values)}")


@promise("metric")
def direction(subject: Subject) -> str:
    """Right answers score better than wrong ones, as ``higher_is_better`` says."""
    ones = np.ones((1, _CLIPS))
    right, wrong = (
        float(np.ravel(_compute(subject, predictions(subject, which), ones))[0])
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
def pure(subject: Subject) -> None:
    """Predictions and weights stay as they are."""
    said, weights = predictions(subject), _rows(subject)
    before = predictions(subject), _rows(subject)
    _compute(subject, said, weights)
    for name in ("ids", "logits", "targets"):
        same = np.array_equal(getattr(said, name), getattr(before[0], name))
        require(same, f"it wrote to the {name}")
    require(np.array_equal(weights, before[1]), "it wrote to the weights")


@promise("metric")
def stateless(subject: Subject) -> None:
    """What it computed before changes nothing."""
    metric, ones = subject.make(), np.ones((1, _CLIPS))
    fresh = metric.compute(predictions(subject), ones)
    metric.compute(predictions(subject, "wrong"), ones)
    again = metric.compute(predictions(subject), ones)
    require(_close(fresh, again), f"{fresh} became {again} after other predictions")


@promise("metric")
def quiet(subject: Subject) -> None:
    """It writes nothing to stdout."""
    stays_quiet(lambda: _compute(subject, predictions(subject), _rows(subject)))
