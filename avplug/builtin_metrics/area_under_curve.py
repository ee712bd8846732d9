"""Area under the ROC curve of clips that may have several labels, and d'."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from avplug.builtin_metrics.ranking import binned, mean_over_classes, scores
from avplug.core.metric import Metric, Predictions


class AreaUnderCurve(Metric):
    """AUC in percent, mean over the classes that have a positive and a negative.

    AUC of a class is the chance that a positive clip scores higher than a negative one,
    a tie counting half. Scores as for mAP; a NaN score ranks last.
    """

    def compute(
        self, predictions: Predictions, weights: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the weighted AUC in percent, float64 [R]; NaN without such a class."""
        ranked = scores(predictions)
        columns = np.ascontiguousarray(weights.T)
        targets = predictions.targets
        classes = np.flatnonzero(targets.any(0) & ~targets.all(0))
        area = np.empty((len(classes), len(weights)))
        for row, index in enumerate(classes):
            area[row] = _area(ranked[:, index], targets[:, index], columns)
        return mean_over_classes(area, ~np.isnan(area))


class SensitivityIndex(AreaUnderCurve):
    """d', sqrt(2) times the normal quantile of the mean AUC.

    As AudioSet's models report it: of the mean over classes, not the mean of each
    class's own. Classes that are separated perfectly, or perfectly the wrong way round,
    have an infinite d', which is told as undefined.
    """

    def compute(
        self, predictions: Predictions, weights: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return d' without unit, float64 [R]; NaN where it is undefined."""
        found: NDArray[np.float64] = np.sqrt(2) * ndtri(
            super().compute(predictions, weights) / 100
        )
        return np.where(np.isfinite(found), found, np.nan)


def _area(
    ranked: NDArray[np.float64],
    positive: NDArray[np.bool_],
    columns: NDArray[np.float64],
) -> NDArray[np.float64]:
    """AUC in 0..1 of one class, [R]; NaN without a positive or a negative.

    Thresholds are the scores of positives, ascending. A negative falls in bin 2i + 1 if
    it equals the i-th, in bin 2i if it lies below that and above the one before.
    """
    thresholds = np.unique(ranked[positive])
    hits, others = np.flatnonzero(positive), np.flatnonzero(~positive)
    low = np.searchsorted(thresholds, ranked, "left")
    high = np.searchsorted(thresholds, ranked, "right")
    count = len(thresholds)
    gained = binned(low[hits], hits, count, columns)
    beaten = binned((low + high)[others], others, 2 * count + 1, columns)
    below, ties = beaten.cumsum(0)[0:-1:2], beaten[1::2]
    pairs = gained.sum(0) * beaten.sum(0)
    result = np.full(columns.shape[1], np.nan)
    wins = (gained * (below + ties / 2)).sum(0)
    np.divide(wins, pairs, out=result, where=pairs > 0)
    return result
