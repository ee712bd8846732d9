"""Impulses come as often as they should, in the picture and in the sound."""

import numpy as np
import pytest

from avplug.builtin_corruptions.impulse import AMOUNT, click_places
from avplug.core.corruption import SEVERITIES, corrupt
from avplug.core.randomness import KeyedRandom
from tests.builtin_corruptions.clips import clip, load


@pytest.mark.parametrize("severity", SEVERITIES)
def test_salt_and_pepper_have_the_same_share(severity):
    grey = np.full((8, 120, 160, 3), 128, np.uint8)
    source = clip("grey", grey, np.arange(8.0))
    spoilt = corrupt(source, load("impulse"), "impulse", severity).frames
    half, count = AMOUNT[severity - 1] / 2, grey.size
    for level in (0, 255):
        deviation = (half * (1 - half) / count) ** 0.5
        assert np.mean(spoilt == level) == pytest.approx(half, abs=4.5 * deviation)
    # No place is favoured: two frames share as many impulses as chance has it.
    both = np.mean((spoilt[::2] != 128) & (spoilt[1::2] != 128))
    assert both == pytest.approx(4 * half**2, rel=0.1)


@pytest.mark.parametrize("count", [0, 1, 5, 160_000])
@pytest.mark.parametrize("probability", [0.05, 0.5])
def test_clicks_are_independent_of_each_other(count, probability):
    places, signs = click_places(probability, count, KeyedRandom((count,)))
    assert len(places) == len(signs)
    assert len(np.unique(places)) == len(places)
    assert all(0 <= place < count for place in places)
    if count < 100:
        return
    deviation = (probability * (1 - probability) / count) ** 0.5
    assert len(places) / count == pytest.approx(probability, abs=4 * deviation)
    assert abs(signs.mean()) < 4 / len(signs) ** 0.5
    chosen = np.zeros(count)
    chosen[places] = 1
    for lag in (1, 2, 20):
        together = np.mean(chosen[lag:] * chosen[:-lag])
        assert together == pytest.approx(probability**2, rel=0.15)
