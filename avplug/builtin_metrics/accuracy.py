"""Top-1 accuracy of clips that have one label each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from avplug.core.errors import UsageError
from avplug.core.metric import Metric, Predictions


class TopOne(Metric):
    """Percentage of clips whose highest logit is that of their label.

    Each clip counts once, whatever batch it was in; the mean of per-batch accuracies,
    which some published code reports, gives a short last batch too much weight. Of
    equal logits the lowest class index wins. A clip with a NaN logit is a miss.
    """

    def compute(
        self, predictions: Predictions, weights: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the weighted accuracy in percent, float64 [R].

        Raises:
            UsageError: A clip has no label or several.
        """
        hits = self.right(predictions)
        total = weights.sum(1)
        result = np.full(len(weights), np.nan)
        right = weights[:, hits].sum(1)
        np.divide(100 * right, total, out=result, where=total > 0)
        return result

    def right(self, predictions: Predictions) -> NDArray[np.bool_]:
        """Return which clips are right, bool [N].

        Raises:
            UsageError: A clip has no label or several.
        """
        logits, targets = predictions.logits, predictions.targets
        labels = targets.sum(1)
        if (labels != 1).any():
            clip = int((labels != 1).argmax())
            raise UsageError(
                f"top1 needs one label per clip; {str(predictions.ids[clip])!r} has"
                f" {labels[clip]}.",
                "Use the metric map.",
            )
        hits: NDArray[np.bool_] = targets[np.arange(len(targets)), logits.argmax(1)]
        hits &= ~np.isnan(logits).any(1)
        return hits
