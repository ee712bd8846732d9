"""The contract of a metric, and the predictions that it is computed from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Embeddings:
    """Vectors of both senses of each clip, in one space.

    Args:
        audio: Of the sound, float32 [N, D].
        video: Of the picture, float32 [N, D].
    """

    audio: NDArray[np.float32]
    video: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """What a model said of each clip of a cell, in the data set's order.

    Args:
        ids: Clip ids, [N].
        logits: float32 [N, C].
        targets: bool [N, C]; several True in a row if multi-label.
        outputs: ``"softmax"`` or ``"sigmoid"``.
        tasks: Classes of each task in the order of the logits, where there are several,
            such as ``{"verb": 97, "noun": 300}``; see :class:`Dataset`.
        batches: Number of the batch that each clip was answered in, [N]; None where
            that is not known.
        embeddings: None where the run kept none.
    """

    ids: NDArray[np.str_]
    logits: NDArray[np.float32]
    targets: NDArray[np.bool_]
    outputs: str = "softmax"
    tasks: Mapping[str, int] = field(default_factory=dict)
    batches: NDArray[np.intp] | None = None
    embeddings: Embeddings | None = None

    def __len__(self) -> int:
        return len(self.ids)


def task_of(multi_label: bool, tasks: Mapping[str, int]) -> str:
    """Return the kind of task that a data set is, as metrics and methods state it."""
    if tasks:
        return "multi-task"
    return "multi-label" if multi_label else "single-label"


class Metric(ABC):
    """A number computed from stored predictions.

    Weights make the bootstrap exact and fast: a resample of the clips is a row of
    counts, and a metric answers for many rows at once.

    Attributes:
        higher_is_better: False for an error or a distance.

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
            float64 [R], in the unit that its descriptor states, by default percent;
            NaN where it is undefined.
        """

    def right(self, predictions: Predictions) -> NDArray[np.bool_] | None:
        """Return which clips are right, bool [N], if the metric is their share.

        None, the default, if it is no mean over clips, such as mAP; methods are then
        compared by resampling instead of by McNemar's test.
        """
        return None
