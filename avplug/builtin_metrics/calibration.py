"""How far confidence can be believed, of clips that have one label each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from avplug.builtin_metrics.ranking import log_softmax
from avplug.builtin_metrics.shares import single_labels, within
from avplug.core.metric import Metric, Predictions

#: Of equal width in 0..1, as Guo et al. (arXiv 1706.04599) have them.
BINS = 15


class CalibrationError(Metric):
    """Expected calibration error in percent (Guo et al. 2017, equation 3).

    ``sum over bins of |accuracy - confidence| * share of clips``, 15 bins of equal
    width, each with its upper end and without its lower one. Confidence is the
    probability of the best class: of its softmax, or its sigmoid.
    """

    higher_is_better = False

    def compute(
        self, predictions: Predictions, weights: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the weighted error in percent, float64 [R].

        NaN without weight, and where a clip with a NaN or infinite logit has weight.

        Raises:
            UsageError: A clip has no label or several.
        """
        labels = single_labels(predictions, "ece")
        hits = within(predictions.logits, labels, 1)
        logits = predictions.logits.astype(np.float64)
        if predictions.outputs == "softmax":
            confidence = np.exp(log_softmax(logits).max(1))
        else:
            confidence = expit(logits.max(1))
        known = np.asarray(np.isfinite(logits).all(1))
        edges = np.linspace(0, 1, BINS + 1)[1:-1]
        bins = np.searchsorted(edges, confidence, side="left")
        gaps = np.zeros((len(labels), BINS))
        gaps[np.arange(len(labels)), bins] = np.where(known, hits - confidence, 0)
        return 100 * _mean(np.abs(weights @ gaps).sum(1), weights, known)


class NegativeLogLikelihood(Metric):
    """Minus the log-probability of the label in nats, mean over clips.

    Of a sigmoid model, which states a probability of each class by itself, the sum over
    the classes of their binary cross-entropies.
    """

    higher_is_better = False

    def compute(
        self, predictions: Predictions, weights: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the weighted mean in nats, float64 [R].

        NaN without weight, and where a clip with a NaN or infinite logit has weight.

        Raises:
            UsageError: A clip has no label or several.
        """
        labels = single_labels(predictions, "nll")
        logits = predictions.logits.astype(np.float64)
        known = np.asarray(np.isfinite(logits).all(1))
        logits[~known] = 0
        if predictions.outputs == "softmax":
            losses = -log_softmax(logits)[np.arange(len(labels)), labels]
        else:
            signed = np.where(predictions.targets, -logits, logits)
            losses = np.logaddexp(0, signed).sum(1)
        return _mean(weights @ losses, weights, known)


def _mean(
    total: NDArray[np.float64],
    weights: NDArray[np.float64],
    known: NDArray[np.bool_],
) -> NDArray[np.float64]:
    weight = weights.sum(1)
    defined = (weight > 0) & (weights[:, ~known].sum(1) == 0)
    result = np.full(len(weights), np.nan)
    np.divide(total, weight, out=result, where=defined)
    return result
