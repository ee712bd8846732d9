"""Cross-modal retrieval: does a clip's sound find its picture, and the other way round?

Each clip of a cell asks with the vector of one sense, and the clips of the cell are
ranked by the cosine with their vectors of the other. R@K is the percentage of clips
that find their own among the first K.
"""

from __future__ import annotations

from functools import lru_cache
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from avplug.builtin_metrics.shares import ShareOfClips
from avplug.core.errors import UsageError
from avplug.core.metric import Embeddings, Predictions

#: Cosines that differ by less are equal: that much is rounding in float32.
TIE = 1e-6

_ROWS = 1024
_NEVER = np.iinfo(np.intp).max


class RecallAtK(ShareOfClips):
    """R@K in one direction.

    Of equal cosines the earlier clip comes first, so that K of N clips find their own
    where all vectors are equal. A vector of zeros has the cosine 0 with any; one with a
    NaN finds nothing. Weights choose who asks: all clips of the cell are always there
    to be found, in a bootstrap as well.
    """

    audio_asks: ClassVar[bool]
    k: ClassVar[int]

    def right(self, predictions: Predictions) -> NDArray[np.bool_]:
        """Return which clips find their own, bool [N].

        Raises:
            UsageError: The run kept no embeddings.
        """
        if predictions.embeddings is None:
            raise UsageError(
                "Retrieval needs the embeddings of both senses, which were not kept.",
                "Run a model that has them with --retrieval.",
            )
        return ranks(predictions.embeddings, self.audio_asks) < self.k


# Six metrics and every part of a bootstrap ask for the same two.
@lru_cache(maxsize=2)
def ranks(embeddings: Embeddings, audio_asks: bool) -> NDArray[np.intp]:
    """Return how many clips come before each clip's own, [N]; endless for a NaN."""
    pair = (_unit(embeddings.audio), _unit(embeddings.video))
    asking, asked = pair if audio_asks else pair[::-1]
    count = len(asking)
    numbers = np.arange(count)
    found = np.empty(count, np.intp)
    for start in range(0, count, _ROWS):
        rows = numbers[start : start + _ROWS]
        cosines = asking[rows] @ asked.T
        own = cosines[np.arange(len(rows)), rows][:, None]
        ahead = cosines > own + TIE
        tied = (np.abs(cosines - own) <= TIE) & (numbers < rows[:, None])
        found[rows] = np.where(np.isnan(own[:, 0]), _NEVER, (ahead | tied).sum(1))
    return found


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: NDArray[np.float32] = vectors / np.maximum(lengths, 1e-12)
    return unit


class AudioToVideoAt1(RecallAtK):
    """Percentage of sounds whose own picture is the nearest."""

    audio_asks, k = True, 1


class AudioToVideoAt5(AudioToVideoAt1):
    """Percentage of sounds whose own picture is among the nearest five."""

    k = 5


class AudioToVideoAt10(AudioToVideoAt1):
    """Percentage of sounds whose own picture is among the nearest ten."""

    k = 10


class VideoToAudioAt1(RecallAtK):
    """Percentage of pictures whose own sound is the nearest."""

    audio_asks, k = False, 1


class VideoToAudioAt5(VideoToAudioAt1):
    """Percentage of pictures whose own sound is among the nearest five."""

    k = 5


class VideoToAudioAt10(VideoToAudioAt1):
    """Percentage of pictures whose own sound is among the nearest ten."""

    k = 10
