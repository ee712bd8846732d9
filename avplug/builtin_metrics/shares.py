"""Clips that are right: ranks among classes, and weighted shares."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avplug.core.errors import UsageError
from avplug.core.metric import Metric, Predictions


class ShareOfClips(Metric):
    """A percentage of clips that are right, each clip counting once."""

    def compute(
        self, predictions: Predictions, weights: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the weighted share in percent, float64 [R]; NaN without weight.

        Raises:
            UsageError: The metric is not defined for these predictions.
        """
        return share(self.right(predictions), weights)

    @abstractmethod
    def right(self, predictions: Predictions) -> NDArray[np.bool_]:
        """Return which clips are right, bool [N]."""


def share(hits: NDArray[np.bool_], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the weighted share of hits [N] in percent, [R]; NaN without weight."""
    total = weights.sum(1)
    result = np.full(len(weights), np.nan)
    np.divide(100 * weights[:, hits].sum(1), total, out=result, where=total > 0)
    return result


def single_labels(predictions: Predictions, metric: str) -> NDArray[np.intp]:
    """Return the label of each clip, [N].

    Raises:
        UsageError: A clip has no label or several.
    """
    labels = predictions.targets.sum(1)
    if (labels != 1).any():
        clip = int((labels != 1).argmax())
        raise UsageError(
            f"{metric} needs one label per clip; {str(predictions.ids[clip])!r} has"
            f" {labels[clip]}.",
            "Use the metric map.",
        )
    found: NDArray[np.intp] = predictions.targets.argmax(1)
    return found


def within(
    logits: NDArray[np.floating[Any]], labels: NDArray[np.intp], count: int
) -> NDArray[np.bool_]:
    """Return whether fewer than ``count`` classes come before the label's, [N].

    Of equal logits the lowest class index comes first. A clip with a NaN logit is a
    miss.
    """
    own = np.take_along_axis(logits, labels[:, None], 1)
    earlier = np.arange(logits.shape[1]) < labels[:, None]
    before = (logits > own) | ((logits == own) & earlier)
    hits: NDArray[np.bool_] = before.sum(1) < count
    hits &= ~np.isnan(logits).any(1)
    return hits
