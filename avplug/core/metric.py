"""The contract of a metric, and the predictions that it is computed from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """What a model said of each clip of a cell, in the data set's order.

    Args:
        ids: Clip ids, [N].
        logits: float32 [N, C].
        targets: bool [N, C]; several True in a row if multi-label.
        outputs: ``"softmax"`` or ``"sigmoid"``.
    """

    ids: NDArray[np.str_]
    logits: NDArray[np.float32]
    targets: NDArray[np.bool_]
    outputs: str = "softmax"

    def __len__(self) -> int:
        return len(self.ids)


class Metric(ABC):
    """A number in percent computed from stored predictions.

    Weights make the bootstrap exact and fast: a resample of the clips is a row of
    counts, and a metric answers for many rows at once.

    Example::

        class TopOne(Metric):
            def compute(self, predictions, weights):
                best = predictions.logits.argmax(1)
                hits = predictions.targets[np.arange(len(best)), best]
                return 100 * (weights @ hits) / weights.sum(1)
    """

    higher_is_better: ClassVar[bool] = True

    @abstractmethod
    def compute(
        self, predictions: Predictions, weights: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the metric for each row of weights.

        Args:
            predictions: N clips.
            weights: float64 [R, N], not negative; all ones gives the plain metric.

        Returns:
            float64 [R], in percent; NaN where it is undefined.
        """

    def right(self, predictions: Predictions) -> NDArray[np.bool_] | None:
        """Return which clips are right, bool [N], if the metric is their share.

        None, the default, if it is no mean over clips, such as mAP; methods are then
        compared by resampling instead of by McNemar's test.
        """
        return None
