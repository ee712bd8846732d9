"""Random numbers depend on their key alone, and stay what they are."""

import numpy as np
import pytest

from avplug import KeyedRandom

ROOT = KeyedRandom((0, "corruption", "gaussian", "clip-7"))


def test_equal_keys_give_equal_numbers_in_any_order():
    first = ROOT.stream("video").bytes(100)
    ROOT.stream("audio").bytes(1000)
    again = KeyedRandom((0, "corruption", "gaussian", "clip-7", "video")).bytes(100)
    assert np.array_equal(first, again)


def test_the_numbers_themselves_are_fixed():
    # Changing them would change every published result without a trace.
    rng = KeyedRandom((0, "a"))
    assert rng.seed() == 0xAC97ECD10B9D29CD0E23590578086051
    assert rng.bytes(8).tolist() == [241, 171, 111, 142, 172, 233, 241, 56]
    assert rng.permutation(5).tolist() == [3, 0, 1, 4, 2]


@pytest.mark.parametrize(
    "other",
    [
        KeyedRandom((1, "corruption", "gaussian", "clip-7")),
        KeyedRandom(("0", "corruption", "gaussian", "clip-7")),
        KeyedRandom((0, "corruption", "gaussian", "clip-8")),
        KeyedRandom((0, "corruption", "gaussianclip-7")),
        KeyedRandom((0, "corruption", "gaussian", "clip-", "7")),
        KeyedRandom((0, "corruption", "gaussian")),
    ],
)
def test_other_keys_give_other_numbers(other):
    assert other.seed() != ROOT.seed()
    assert not np.array_equal(other.bytes(16), ROOT.bytes(16))


def test_moments_are_told_apart_to_the_microsecond():
    assert ROOT.at(0.04) == ROOT.at(0.04 + 1e-9)
    assert ROOT.at(0.04) != ROOT.at(0.040001)


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 1000])
def test_bytes_are_a_prefix_of_more_bytes(count):
    part = ROOT.bytes(count)
    assert part.dtype == np.uint8
    assert part.shape == (count,)
    assert np.array_equal(part, ROOT.bytes(2000)[:count])


def test_uint16_is_little_endian_bytes():
    pairs = ROOT.bytes(20).reshape(10, 2).astype(int)
    assert np.array_equal(ROOT.uint16(10), pairs[:, 0] + 256 * pairs[:, 1])


def test_bytes_are_uniform():
    counts = np.bincount(ROOT.bytes(256 * 400), minlength=256)
    chi_square = ((counts - 400) ** 2 / 400).sum()
    # 255 degrees of freedom: mean 255, standard deviation 22.6
    assert abs(chi_square - 255) < 5 * 22.6


def test_permutation():
    order = ROOT.permutation(500)
    assert sorted(order) == list(range(500))
    assert not np.array_equal(order, np.arange(500))
    assert np.array_equal(order, ROOT.permutation(500))


def test_generator_starts_anew_each_time():
    assert ROOT.generator().random() == ROOT.generator().random()
