"""Numbers from a codebook: their law is exact, and they are hardly related."""

import hashlib

import numpy as np
import pytest

from avplug.builtin_corruptions.codebook import (
    BYTES,
    FLOATS,
    byte_book,
    draw_bytes,
    drawn_normals,
)
from avplug.core.randomness import KeyedRandom
from avplug.signal.quantiles import normal_table


def drawn_bytes(table, words):
    out = np.empty(BYTES * words.size, np.uint8)
    draw_bytes(byte_book(table), words, out)
    return out.reshape(-1, BYTES)


def every_word():
    return np.arange(1 << 16, dtype=np.uint16)


def test_each_of_the_numbers_has_the_law_of_the_table():
    table = (np.arange(1 << 16) ** 2 % 251).astype(np.uint8)
    wanted = np.bincount(table, minlength=256)
    for column in drawn_bytes(table, every_word()).T:
        assert np.array_equal(np.bincount(column, minlength=256), wanted)


def test_numbers_of_one_word_are_hardly_related():
    table = (np.arange(1 << 16) >> 8).astype(np.uint8)
    correlations = np.corrcoef(drawn_bytes(table, every_word()).T)
    assert np.abs(correlations - np.eye(BYTES)).max() < 5 / 256


def test_noise_is_white_and_normal():
    noise = drawn_normals(KeyedRandom(("noise",)), 400_000).astype(np.float64)
    assert noise.mean() == pytest.approx(0, abs=5e-3)
    assert np.mean(noise**2) == pytest.approx(1, abs=5e-3)
    assert np.mean(noise**4) == pytest.approx(3, abs=0.05)
    assert set(np.abs(noise).astype(np.float32)) <= set(normal_table())
    for lag in range(1, 3 * FLOATS):
        # Five standard deviations of the mean, and the books' own correlation.
        assert np.mean(noise[lag:] * noise[:-lag]) == pytest.approx(0, abs=0.015)
    power = np.abs(np.fft.rfft(noise)) ** 2 / noise.size
    assert [half.mean() for half in np.array_split(power, 16)] == pytest.approx(
        [1] * 16, abs=0.04
    )


@pytest.mark.parametrize("count", [0, 1, 3, 4, 5])
def test_any_number_of_them_begins_alike(count):
    rng = KeyedRandom(("noise",))
    assert np.array_equal(drawn_normals(rng, count), drawn_normals(rng, 9)[:count])


def test_the_book_is_equal_on_every_machine():
    table = (np.arange(1 << 16) >> 8).astype(np.uint8)
    digest = hashlib.sha256(byte_book(table).tobytes()).hexdigest()
    assert digest[:16] == "9b83ef8d33549ac6"
