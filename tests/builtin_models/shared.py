"""Files that are next to a developer's checkout and in no user's."""

from __future__ import annotations

import pytest

from tests.media.shared import SHARED

DATA = SHARED / "data"
CLIPS = DATA / "clips"
VOCABULARY = DATA / "clip_vocabulary" / "bpe_simple_vocab_16e6.txt.gz"

LABELS = SHARED / "facts" / "labels"

needs_labels = pytest.mark.skipif(
    not LABELS.is_dir(), reason="the data sets' label lists are not here"
)
needs_vocabulary = pytest.mark.skipif(
    not VOCABULARY.is_file(), reason="OpenAI's vocabulary is not here"
)
needs_clips = pytest.mark.skipif(
    not CLIPS.is_dir(), reason="pictures and sounds of the references are not here"
)
