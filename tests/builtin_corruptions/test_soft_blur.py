"""Short filters in a row come near a Gaussian of any width."""

import cv2
import numpy as np
import pytest
from hypothesis import given, strategies as st

from avplug.builtin_corruptions.soft_blur import (
    BINOMIAL,
    SoftBlur,
    filters_for,
    variance,
)


def response(wanted, side=101):
    """What a point of full brightness becomes, float64 [side, side], of sum 1."""
    point = np.zeros((side, side, 3), np.uint8)
    point[side // 2, side // 2] = 255
    # Each filter rounds; faint light would be lost. A wide point is not.
    point[side // 2 - 4 : side // 2 + 5, side // 2 - 4 : side // 2 + 5] = 255
    spread = SoftBlur(point.shape, wanted)(point)[..., 0].astype(float)
    return spread / spread.sum()


def test_filters_by_hand():
    assert filters_for(0.0) == ()
    assert filters_for(0.478) == (BINOMIAL,)
    # 0.5 and twice 8 / 12.
    assert filters_for(1.8) == (BINOMIAL, 3, 3)
    assert variance((BINOMIAL, 3, 5)) == pytest.approx(0.5 + 8 / 12 + 24 / 12)


@given(st.floats(0.4, 150))
def test_variances_are_close_and_rows_short(wanted):
    row = filters_for(wanted)
    assert abs(variance(row) - wanted) < max(0.26, 0.08 * wanted)
    assert len(row) <= 4
    boxes = [side for side in row if side != BINOMIAL]
    assert max(boxes, default=5) <= 5 or len(boxes) == 3


@pytest.mark.parametrize("wanted", [1.8, 3.8, 6.5, 16.6])
def test_it_is_as_wide_as_a_gaussian_and_as_round(wanted):
    spread = response(wanted)
    far = np.arange(101) - 50.0
    wide = 80 / 12  # of the point's own nine pixels
    across = spread.sum(axis=0) @ far**2 - wide
    assert across == pytest.approx(wanted, rel=0.08)
    assert np.allclose(spread, spread.T, atol=1e-4)


@pytest.mark.parametrize("wanted", [0.5, 1.055, 1.8, 3.8, 6.5, 16.6])
def test_it_is_near_the_gaussian(wanted):
    rng = np.random.default_rng(0)
    noise = cv2.resize(rng.integers(0, 256, (30, 40, 3), np.uint8), (160, 120))
    exact = cv2.GaussianBlur(noise.astype(np.float32), (0, 0), wanted**0.5)
    got = SoftBlur(noise.shape, wanted)(noise)
    assert np.abs(got - exact).mean() < 0.06 * exact.std()


def test_flat_frames_stay_and_none_is_changed():
    frame = np.full((40, 50, 3), 77, np.uint8)
    frame.flags.writeable = False
    blur = SoftBlur(frame.shape, 6.5)
    assert np.array_equal(blur(frame), frame)
    assert SoftBlur(frame.shape, 0.0)(frame) is frame
