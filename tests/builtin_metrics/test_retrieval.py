"""R@K against sorting all cosines, and on degenerate embeddings."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from avplug.builtin_metrics import retrieval
from avplug.builtin_metrics.retrieval import (
    AudioToVideoAt1,
    AudioToVideoAt5,
    AudioToVideoAt10,
    VideoToAudioAt1,
    VideoToAudioAt5,
    VideoToAudioAt10,
)
from avplug.core.errors import UsageError
from avplug.core.metric import Embeddings, Predictions
from tests.builtin_metrics.cases import names, value

BOTH = {
    True: (AudioToVideoAt1(), AudioToVideoAt5(), AudioToVideoAt10()),
    False: (VideoToAudioAt1(), VideoToAudioAt5(), VideoToAudioAt10()),
}


def with_embeddings(audio, video):
    count = len(audio)
    vectors = Embeddings(np.asarray(audio, np.float32), np.asarray(video, np.float32))
    return Predictions(
        names(count),
        np.zeros((count, 2), np.float32),
        np.ones((count, 2), bool),
        embeddings=vectors,
    )


@pytest.mark.parametrize("audio_asks", [True, False])
@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.booleans())
def test_equals_sorting_all_cosines(audio_asks, seed, count, ties):
    rng = np.random.default_rng(seed)
    # Corners of a cube have exactly equal cosines, again and again.
    audio, video = (
        rng.choice([-1.0, 1.0], (count, 4)) if ties else rng.normal(size=(count, 16))
        for _ in range(2)
    )
    asking, asked = (audio, video) if audio_asks else (video, audio)
    lengths = [np.linalg.norm(v, axis=1, keepdims=True) for v in (asking, asked)]
    cosines = np.round((asking / lengths[0]) @ (asked / lengths[1]).T, 9)
    order = np.argsort(-cosines, axis=1, kind="stable")
    for metric, k in zip(BOTH[audio_asks], (1, 5, 10), strict=True):
        hits = (order[:, :k] == np.arange(count)[:, None]).any(1)
        found = value(metric, with_embeddings(audio, video))
        assert found == pytest.approx(100 * hits.mean())


def test_the_two_directions_differ():
    audio, video = [[1, 0], [1, 0.1]], [[1, 0.1], [1, 0.2]]
    given = with_embeddings(audio, video)
    found = [value(BOTH[asks][0], given) for asks in (True, False)]
    assert found == [50, 50]
    given = with_embeddings([[1, 0], [0, 1]], [[1, 0], [1, 0.1]])
    assert [value(BOTH[asks][0], given) for asks in (True, False)] == [100, 50]


def test_vectors_that_are_all_equal_find_as_much_as_chance():
    same = np.full((40, 7), 0.3)
    assert value(AudioToVideoAt10(), with_embeddings(same, same)) == 25
    assert value(AudioToVideoAt1(), with_embeddings(np.zeros((40, 7)), same)) == 2.5


def test_a_single_clip_finds_itself_and_nan_finds_nothing():
    assert value(AudioToVideoAt1(), with_embeddings([[1.0]], [[-1.0]])) == 100
    spoilt = with_embeddings([[np.nan, 1], [0, 1]], [[1, 0], [0, 1]])
    np.testing.assert_array_equal(AudioToVideoAt10().right(spoilt), [False, True])


def test_the_size_of_a_block_changes_nothing(monkeypatch):
    rng = np.random.default_rng(0)
    given = with_embeddings(rng.normal(size=(50, 8)), rng.normal(size=(50, 8)))
    whole = AudioToVideoAt10().right(given)
    monkeypatch.setattr(retrieval, "_ROWS", 7)
    retrieval.ranks.cache_clear()
    np.testing.assert_array_equal(AudioToVideoAt10().right(given), whole)


def test_needs_embeddings():
    plain = Predictions(names(1), np.zeros((1, 2), np.float32), np.ones((1, 2), bool))
    with pytest.raises(UsageError, match="--retrieval"):
        value(AudioToVideoAt1(), plain)
