"""What each sense can know: eight looks, eight sounds, and nothing leaks."""

from collections import Counter, defaultdict
from itertools import combinations

import numpy as np
import pytest

from avplug.builtin_datasets.events.classes import CLASSES
from avplug.builtin_datasets.events.looks import LOOKS
from avplug.builtin_datasets.events.scene import Scene
from avplug.builtin_datasets.events.sounds import SOUNDS
from avplug.core.randomness import KeyedRandom

MOMENTS = np.array([0.3, 1.6])


def pairs_sharing(sense):
    return [
        (a, b)
        for a, b in combinations(CLASSES, 2)
        if getattr(a, sense) == getattr(b, sense)
    ]


@pytest.mark.parametrize("sense", ["look", "sound"])
def test_a_perfect_single_sense_is_right_for_8_of_12(sense):
    assert len(CLASSES) == 12
    counts = Counter(getattr(kind, sense) for kind in CLASSES)
    assert sorted(counts.values()) == [1, 1, 1, 1, 2, 2, 2, 2]


def test_both_senses_tell_all_classes_apart():
    assert len({(kind.look, kind.sound) for kind in CLASSES}) == 12
    assert {kind.look for kind in CLASSES} == set(LOOKS)
    assert {kind.sound for kind in CLASSES} == set(SOUNDS)


@pytest.mark.parametrize(("a", "b"), pairs_sharing("look"), ids=lambda kind: kind.name)
def test_look_alikes_are_the_same_picture(a, b):
    for index in range(3):
        rng = KeyedRandom(("leak", index))
        frames = [Scene(rng, kind).frames(MOMENTS, 48) for kind in (a, b)]
        np.testing.assert_array_equal(*frames)


@pytest.mark.parametrize(("a", "b"), pairs_sharing("sound"), ids=lambda kind: kind.name)
def test_sound_alikes_are_the_same_sound(a, b):
    for index in range(3):
        rng = KeyedRandom(("leak", index))
        np.testing.assert_array_equal(*(Scene(rng, kind).sound() for kind in (a, b)))


def test_timing_says_nothing_of_the_class():
    for index in range(3):
        rng = KeyedRandom(("leak", index))
        assert len({Scene(rng, kind).rhythm.times for kind in CLASSES}) == 1


def test_every_look_differs_from_every_other():
    shown = {kind.look: kind for kind in CLASSES}.values()
    rng = KeyedRandom(("apart",))
    frames = [Scene(rng, kind).frames(MOMENTS[:1], 48).astype(float) for kind in shown]
    for a, b in combinations(frames, 2):
        assert np.abs(a - b).mean() > 1


def test_a_look_fills_a_good_part_of_the_frame():
    share = defaultdict(list)
    for kind in CLASSES:
        for index in range(10):
            scene = Scene(KeyedRandom(("size", index)), kind)
            frame = scene.frames(MOMENTS[:1], 96)[0].astype(float)
            behind = scene.background(96).astype(float)
            share[kind.look].append((np.abs(frame - behind).max(2) > 25).mean())
    for look, shares in share.items():
        assert 0.06 < np.mean(shares) < 0.6, (look, np.mean(shares))
