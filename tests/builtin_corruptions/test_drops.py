"""Fields of drops: clips share a few, and look unrelated all the same."""

from itertools import combinations

import numpy as np
import pytest

from avplug.builtin_corruptions.drops import (
    FIELDS,
    cover_field,
    drawn_cover,
    even_threshold,
    liquid,
)
from avplug.core.clip import ClipInfo
from avplug.core.randomness import KeyedRandom
from tests.builtin_corruptions.clips import load

SHAPE = (224, 224)


def law_of(severity):
    rng = KeyedRandom(("drops of", severity))
    return load("spatter").scene(ClipInfo("a", 1.0, 224, 224), severity, rng).law


@pytest.mark.parametrize("severity", [1, 3, 5])
def test_covers_of_clips_are_unrelated(severity):
    law = law_of(severity)
    covers = [
        drawn_cover(law, *SHAPE, KeyedRandom(("clip", i))).astype(float).ravel()
        for i in range(8)
    ]
    alike = [np.corrcoef(*pair)[0, 1] for pair in combinations(covers, 2)]
    assert np.abs(alike).max() < 0.15


def test_a_cover_hangs_on_its_clip_alone():
    law, rng = law_of(2), KeyedRandom(("clip", 3))
    first = drawn_cover(law, *SHAPE, rng)
    for i in range(3 * FIELDS):
        drawn_cover(law_of(1 + i % 5), 224, 230 + i, KeyedRandom(("other", i)))
    again = drawn_cover(law, *SHAPE, rng)
    assert np.array_equal(first, again)
    again[:] = 0
    assert np.array_equal(first, drawn_cover(law, *SHAPE, rng))


def test_shapes_beyond_the_usual_are_not_kept_and_equal_themselves():
    law, rng = law_of(4), KeyedRandom(("wide",))
    covers = [drawn_cover(law, 224, 1000, rng) for _ in range(2)]
    assert covers[0].shape == (224, 1000)
    assert np.array_equal(*covers)


@pytest.mark.parametrize("severity", [1, 2, 4])
def test_a_field_has_no_seam(severity):
    cover = cover_field(law_of(severity), *SHAPE, 0).astype(float)
    steps = np.abs(np.diff(cover, axis=0, append=cover[:1])).mean(axis=1)
    assert steps[-1] < steps.mean() + 5 * steps.std()


def test_drops_cover_what_they_do_in_a_published_frame():
    # The share of a frame whose edges are repeated outwards, of 800 draws.
    law = law_of(1)
    assert law.noise_mean < even_threshold(law) < law.threshold
    shares = [
        (liquid(law, *SHAPE, KeyedRandom(("share", i))) > 0)[40:-40, 40:-40].mean()
        for i in range(60)
    ]
    assert np.mean(shares) == pytest.approx(0.0374, rel=0.1)
