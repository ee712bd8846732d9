"""Mean average precision of clips that may have several labels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from avplug.core.metric import Metric, Predictions


class MeanAveragePrecision(Metric):
    """Average precision in percent, mean over the classes that have a positive.

    AP of a class is the sum over thresholds k, from the highest score down, of
    ``(recall_k - recall_{k-1}) * precision_k``: no interpolation, and clips with equal
    scores enter together, as scikit-learn defines it. Scores are the logits of a
    sigmoid model (a monotone map changes no ranking) and the log-probabilities of a
    softmax model, whose normaliser differs from clip to clip. A NaN score ranks last.
    """

    def compute(
        self, predictions: Predictions, weights: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the weighted mAP in percent, float64 [R]; NaN without a positive."""
        scores = _scores(predictions)
        columns = np.ascontiguousarray(weights.T)
        total, classes = np.zeros(len(weights)), np.zeros(len(weights))
        for index in np.flatnonzero(predictions.targets.any(0)):
            precision = _average_precision(
                scores[:, index], predictions.targets[:, index], columns
            )
            defined = ~np.isnan(precision)
            total[defined] += precision[defined]
            classes += defined
        result = np.full(len(weights), np.nan)
        np.divide(100 * total, classes, out=result, where=classes > 0)
        return result


def _scores(predictions: Predictions) -> NDArray[np.float64]:
    logits = predictions.logits.astype(np.float64)
    if predictions.outputs == "softmax":
        top = logits.max(1, keepdims=True)
        with np.errstate(invalid="ignore"):
            logits = logits - top
            logits -= np.log(np.exp(logits).sum(1, keepdims=True))
    return np.where(np.isnan(logits), -np.inf, logits)


def _average_precision(
    scores: NDArray[np.float64],
    positive: NDArray[np.bool_],
    columns: NDArray[np.float64],
) -> NDArray[np.float64]:
    """AP in 0..1 of one class, [R], for weights [N, R]; NaN without a positive.

    Only scores of positives change the recall, so they are the only thresholds; each
    clip falls in the bin of the highest threshold that it reaches.
    """
    thresholds = np.unique(scores[positive])[::-1]
    bins = np.searchsorted(-thresholds, -scores, side="left")
    clips = np.flatnonzero(bins < len(thresholds))
    hits = np.flatnonzero(positive)
    reached = _binned(bins[clips], clips, len(thresholds), columns).cumsum(0)
    gained = _binned(bins[hits], hits, len(thresholds), columns)
    found = gained.cumsum(0)
    precision = np.divide(found, reached, out=np.zeros_like(found), where=reached > 0)
    result = np.full(columns.shape[1], np.nan)
    area = (gained * precision).sum(0)
    np.divide(area, found[-1], out=result, where=found[-1] > 0)
    return result


def _binned(
    bins: NDArray[np.intp],
    clips: NDArray[np.intp],
    count: int,
    columns: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Sum the weights of the clips in each bin, [bins, R]."""
    shape = (count, len(columns))
    members = csr_array((np.ones(len(clips)), (bins, clips)), shape=shape)
    summed: NDArray[np.float64] = members @ columns
    return summed
