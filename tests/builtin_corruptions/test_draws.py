import numpy as np
import pytest

from avplug.builtin_corruptions.draws import uniforms
from avplug.core.randomness import KeyedRandom


def test_a_stream_begins_alike_however_much_is_drawn():
    rng = KeyedRandom((0, "clip"))
    few, many = uniforms(rng, 3), uniforms(rng, 48)
    assert few.dtype == np.float64
    assert np.array_equal(few, many[:3])
    assert uniforms(rng, 0).shape == (0,)
    assert not np.array_equal(few, uniforms(rng.stream("other"), 3))


def test_they_are_the_same_on_every_machine():
    found = uniforms(KeyedRandom((1,)), 3)
    expected = [0.9012389, 0.43097611, 0.27353635]
    np.testing.assert_allclose(found, expected, atol=1e-8)


def test_they_are_uniform_and_unrelated():
    numbers = np.stack([uniforms(KeyedRandom(("u", i)), 8) for i in range(4000)])
    assert numbers.min() >= 0
    assert numbers.max() < 1
    shares = np.histogram(numbers, 10, (0, 1))[0] / numbers.size
    assert shares == pytest.approx(0.1, abs=0.008)
    related = np.corrcoef(numbers.T) - np.eye(8)
    assert np.abs(related).max() < 0.07
