"""Accuracy of clips that have one label each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from avplug.builtin_metrics.ranking import binned, mean_over_classes
from avplug.builtin_metrics.shares import ShareOfClips, share, single_labels, within
from avplug.core.errors import UsageError
from avplug.core.metric import Metric, Predictions


class TopOne(ShareOfClips):
    """Percentage of clips whose highest logit is that of their label.

    Each clip counts once, whatever batch it was in; the mean of per-batch accuracies,
    which some published code reports, gives a short last batch too much weight. Of
    equal logits the lowest class index wins. A clip with a NaN logit is a miss.
    """

    def right(self, predictions: Predictions) -> NDArray[np.bool_]:
        """Return which clips are right, bool [N].

        Raises:
            UsageError: A clip has no label or several.
        """
        return within(predictions.logits, single_labels(predictions, "top1"), 1)


class TopFive(ShareOfClips):
    """Percentage of clips whose label is among the five highest logits.

    Ties and NaN as for top-1. Of five classes and fewer every clip is right.
    """

    def right(self, predictions: Predictions) -> NDArray[np.bool_]:
        """Return which clips are right, bool [N].

        Raises:
            UsageError: A clip has no label or several.
        """
        return within(predictions.logits, single_labels(predictions, "top5"), 5)


class MeanClassAccuracy(Metric):
    """Top-1 accuracy of each class's clips, mean over the classes that have a clip."""

    def compute(
        self, predictions: Predictions, weights: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the weighted mean in percent, float64 [R]; NaN without weight.

        Raises:
            UsageError: A clip has no label or several.
        """
        labels = single_labels(predictions, "class-mean")
        hits = np.flatnonzero(within(predictions.logits, labels, 1))
        columns = np.ascontiguousarray(weights.T)
        classes = predictions.targets.shape[1]
        there = binned(labels, np.arange(len(labels)), classes, columns)
        found = binned(labels[hits], hits, classes, columns)
        recall = np.divide(found, there, out=np.zeros_like(found), where=there > 0)
        return mean_over_classes(recall, there > 0)


class TopOneByBatch(Metric):
    """Top-1 accuracy of each batch, mean over the batches.

    The average of the public evaluation scripts of CAV-MAE, READ and AVRobustBench,
    for comparison with what they print: it depends on the batch size, and a short last
    batch counts as much as a full one.
    """

    def compute(
        self, predictions: Predictions, weights: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the weighted mean in percent, float64 [R].

        Batches whose clips all have the weight 0 are left out.

        Raises:
            UsageError: A clip has no label or several, or batches are not known.
        """
        if predictions.batches is None:
            raise UsageError(
                "top1-by-batch needs to know which clips were answered together.",
                "Use the metric top1.",
            )
        hits = within(
            predictions.logits, single_labels(predictions, "top1-by-batch"), 1
        )
        numbers = np.unique(predictions.batches)
        each = np.full((len(numbers), len(weights)), np.nan)
        for row, number in enumerate(numbers):
            mine = predictions.batches == number
            each[row] = share(hits[mine], weights[:, mine]) / 100
        return mean_over_classes(each, ~np.isnan(each))
