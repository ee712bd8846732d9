import cv2
import numpy as np
import pytest

from avplug.builtin_corruptions.motion_blur import (
    doubling,
    half_gaussian,
    motion_blur,
)
from avplug.builtin_corruptions.rain import Rain
from avplug.builtin_corruptions.snow import Snow
from avplug.builtin_corruptions.wind import BLUR_RADIUS, BLUR_SIGMA

KERNELS = sorted(
    {*zip(BLUR_RADIUS, BLUR_SIGMA, strict=True)}
    | {(law.blur_radius, law.blur_sigma) for law in (*Snow.laws, *Rain.laws)}
)


def kernel(radius, sigma, scale=1.0):
    product = np.ones(1)
    for length, kept in doubling(radius, sigma, scale):
        longer = np.zeros(len(product) + length)
        longer[: len(product)] += kept * product
        longer[length:] += (1 - kept) * product
        product = longer
    return product


def relative_error(radius, sigma, scale):
    wanted, got = half_gaussian(radius, sigma, scale), kernel(radius, sigma, scale)
    size = max(len(wanted), len(got))
    wanted, got = (np.pad(k, (0, size - len(k))) for k in (wanted, got))
    return np.linalg.norm(got - wanted) / np.linalg.norm(wanted)


def test_a_half_gaussian_by_hand():
    weights = np.exp([0, -1 / 8, -4 / 8])
    np.testing.assert_allclose(half_gaussian(1, 2, 1.0), weights / weights.sum())
    assert len(half_gaussian(10, 4, 1.5)) == 31
    # At half the scale taps 0, 1, 2 lie at 0, 0.5 and 1.
    shared = [weights[0] + weights[1] / 2, weights[1] / 2 + weights[2]]
    np.testing.assert_allclose(half_gaussian(1, 2, 0.5)[:2], shared / weights.sum())


@pytest.mark.parametrize(("radius", "sigma"), KERNELS)
@pytest.mark.parametrize("scale", [1.0, 1.3, 360 / 224, 4.0])
def test_products_are_near_the_kernel(radius, sigma, scale):
    # Half Gaussians cut short, as snow's (12, 12) is, are the hardest.
    assert relative_error(radius, sigma, scale) < (0.12 if radius > sigma else 0.16)


def test_weights_equal_an_independent_fit():
    # Published with the prototypes of 15 taps to either side, sigma 8.
    found = [kept for _, kept in doubling(15, 8, 1.0)]
    wanted = [0.9456, 0.6976, 0.5716, 0.5332, 0.5163]
    np.testing.assert_allclose(found, wanted, atol=5e-4)


@pytest.mark.parametrize("degrees", [-135, -90, -60, -10, 0, 8, 33, 45])
def test_a_point_becomes_a_streak_along_the_angle(degrees):
    picture = np.zeros((129, 129), np.uint8)
    picture[64, 64] = 255
    streak = motion_blur(picture, doubling(15, 8, 1.0), degrees).astype(float)
    y, x = np.mgrid[:129, :129] - 64
    centre = np.array([(streak * x).sum(), (streak * y).sum()]) / streak.sum()
    # A pixel reads along the angle: light moves against it.
    assert np.degrees(np.arctan2(-centre[1], -centre[0])) == pytest.approx(
        degrees, abs=6
    )
    weights = half_gaussian(15, 8, 1.0)
    length = (weights * np.arange(len(weights))).sum()
    assert np.hypot(*centre) == pytest.approx(length, rel=0.12)


def test_borders():
    picture = np.zeros((8, 40), np.uint8)
    picture[:, 0] = 200
    blurs = doubling(10, 4, 1.0)
    assert not motion_blur(picture, blurs, 0)[:, 30:].any()
    assert motion_blur(picture, blurs, 0, cv2.BORDER_WRAP)[:, 38].all()
    flat = np.full((9, 7, 3), 77, np.uint8)
    assert np.array_equal(motion_blur(flat, blurs, 31), flat)
