"""Mean average precision of clips that may have several labels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from avplug.builtin_metrics.ranking import binned, mean_over_classes, scores
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
        ranked = scores(predictions)
        columns = np.ascontiguousarray(weights.T)
        classes = np.flatnonzero(predictions.targets.any(0))
        precision = np.empty((len(classes), len(weights)))
        for row, index in enumerate(classes):
            positive = predictions.targets[:, index]
            precision[row] = _average_precision(ranked[:, index], positive, columns)
        return mean_over_classes(precision, ~np.isnan(precision))


def _average_precision(
    ranked: NDArray[np.float64],
    positive: NDArray[np.bool_],
    columns: NDArray[np.float64],
) -> NDArray[np.float64]:
    """AP in 0..1 of one class, [R], for weights [N, R]; NaN without a positive.

    Only scores of positives change the recall, so they are the only thresholds; each
    clip falls in the bin of the highest threshold that it reaches.
    """
    thresholds = np.unique(ranked[positive])[::-1]
    bins = np.searchsorted(-thresholds, -ranked, side="left")
    clips = np.flatnonzero(bins < len(thresholds))
    hits = np.flatnonzero(positive)
    reached = binned(bins[clips], clips, len(thresholds), columns).cumsum(0)
    gained = binned(bins[hits], hits, len(thresholds), columns)
    found = gained.cumsum(0)
    precision = np.divide(found, reached, out=np.zeros_like(found), where=reached > 0)
    result = np.full(columns.shape[1], np.nan)
    area = (gained * precision).sum(0)
    np.divide(area, found[-1], out=result, where=found[-1] > 0)
    return result
