import cv2
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from avplug.builtin_corruptions.falling import FallingLayer, sheared
from avplug.builtin_corruptions.precipitation import streak_colours
from avplug.builtin_corruptions.rain import Rain
from avplug.builtin_corruptions.snow import Snow
from avplug.builtin_corruptions.streaks import expected_level, streak_layer
from avplug.builtin_corruptions.sway import Sway
from avplug.builtin_corruptions.textures import tinted
from avplug.builtin_corruptions.timeline import Drift
from avplug.core.randomness import KeyedRandom

LAWS = [*Snow.laws, *Rain.laws]


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("size", [(224, 224), (60, 90), (300, 200)])
def test_a_layer_holds_what_its_law_expects(law, size):
    layer = streak_layer(law, *size, -80, KeyedRandom(("layer",)))
    assert layer.shape == size
    assert layer.mean() == pytest.approx(expected_level(law), rel=0.05, abs=0.5)


def test_the_expected_level_is_the_mean_of_many_draws():
    # Nodes of zoom 2 in the middle of 2x2 pixels: weights 3/4 and 1/4 by row, column.
    law = Snow.laws[1]
    normals = np.random.default_rng(0).normal(law.noise_mean, law.noise_std, (4, 10**6))
    field = np.array([9, 3, 3, 1]) / 16 @ normals
    field[field < law.threshold] = 0
    mean = 255 * field.clip(0, 1).mean()
    assert expected_level(law) == pytest.approx(mean, rel=0.01)


@settings(max_examples=30, deadline=None)
@given(st.floats(0, 1e4), st.floats(-180, 180), st.floats(0.1, 5), st.integers(0, 9))
def test_a_window_is_the_torus_moved(seconds, degrees, speed, margin):
    torus = np.random.default_rng(1).integers(0, 256, (13, 17), np.uint8)
    layer = FallingLayer.of(torus, margin, degrees, speed)
    window = layer.window(seconds, -3, 17 + margin)
    assert window.shape == (13, 17 + margin)
    down, right = round(layer.down * seconds), round(layer.right * seconds)
    rolled = np.roll(torus, (down, right + 3), (0, 1))
    assert np.array_equal(window[:, :17], rolled)
    assert np.array_equal(window[:, 17:], rolled[:, :margin])


def test_a_layer_falls_against_its_blur():
    layer = FallingLayer.of(np.zeros((100, 50), np.uint8), 0, -90, 0.5)
    assert layer.down == pytest.approx(50)
    assert layer.right == pytest.approx(0)


@pytest.mark.parametrize("slope", [-0.4, 0.0, 0.03, 0.7])
def test_shearing_takes_a_stretch_of_each_row(slope):
    starts = np.rint(slope * np.arange(20)).astype(np.int64)
    starts -= starts.min()
    wide = np.random.default_rng(2).integers(0, 256, (20, 50), np.uint8)
    found = sheared(wide, starts, 30)
    for row, start in enumerate(starts):
        assert np.array_equal(found[row], wide[row, start : start + 30])


def test_a_sway_is_uniform_at_any_moment_and_continuous():
    sways = [Sway.drawn(KeyedRandom(("s", i)), -90, 30, 10) for i in range(2000)]
    for moment in (0.0, 7.3):
        angles = np.sort([float(s.at(moment)) for s in sways])
        wanted = np.linspace(-120, -60, len(angles))
        assert np.abs(angles - wanted).max() < 2.5
    path = sways[0].at(np.arange(0, 10, 0.01))
    assert np.abs(np.diff(path)).max() < 2


def test_a_sway_turns_back_at_its_limits():
    still = Drift(np.zeros(1), np.zeros(1), np.ones(1))
    for base, angle in ((0, 10), (28, 22), (-28, -18), (30, 20)):
        assert Sway(0, 30, base, still, 10.0).at(1.0) == pytest.approx(angle)


@given(steps=st.tuples(*3 * [st.integers(0, 4 * 4096)]))
def test_streaks_take_their_colour_as_opencv_scales_each_channel(steps):
    gains = tuple(step / 4096 for step in steps)
    streaks = np.arange(256, dtype=np.uint8).reshape(16, 16)
    wanted = [cv2.convertScaleAbs(streaks, None, gain, 0) for gain in gains]
    assert np.array_equal(tinted(streaks, streak_colours(gains)), cv2.merge(wanted))
