"""Scores that rank the clips of a class, and sums of weights between thresholds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from avplug.core.metric import Predictions


def scores(predictions: Predictions) -> NDArray[np.float64]:
    """Return what ranks clips, [N, C]; a NaN logit ranks last.

    The logits of a sigmoid model (a monotone map changes no ranking), the
    log-probabilities of a softmax model, whose normaliser differs from clip to clip.
    """
    logits = predictions.logits.astype(np.float64)
    if predictions.outputs == "softmax":
        logits = log_softmax(logits)
    return np.where(np.isnan(logits), -np.inf, logits)


def log_softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return log-probabilities [N, C]; a row with NaN or +inf has NaN."""
    with np.errstate(invalid="ignore"):
        shifted: NDArray[np.float64] = logits - logits.max(1, keepdims=True)
        shifted -= np.log(np.exp(shifted).sum(1, keepdims=True))
    return shifted


def binned(
    bins: NDArray[np.intp],
    clips: NDArray[np.intp],
    count: int,
    columns: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Sum the weights of the clips in each bin, [bins, R].

    Args:
        bins: Of each of these clips.
        clips: Rows of ``columns``.
        count: Of bins.
        columns: Weights [N, R].
    """
    shape = (count, len(columns))
    members = csr_array((np.ones(len(clips)), (bins, clips)), shape=shape)
    summed: NDArray[np.float64] = members @ columns
    return summed


def mean_over_classes(
    per_class: NDArray[np.float64], defined: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the mean over the classes in which it is defined, [R], times 100.

    Args:
        per_class: Shares 0..1, [C, R].
        defined: Whether the class has what it needs in that row, [C, R].
    """
    result = np.full(per_class.shape[1], np.nan)
    total = np.where(defined, per_class, 0).sum(0)
    count = defined.sum(0)
    np.divide(100 * total, count, out=result, where=count > 0)
    return result
