import numpy as np
import pytest
from hypothesis import given, strategies as st

from avplug.builtin_corruptions.timeline import Drift, Envelope, pixel_scale
from avplug.core.randomness import KeyedRandom


def drifts(count=300, **options):
    return [Drift.drawn(KeyedRandom(("drift", i)), **options) for i in range(count)]


def test_a_drift_has_zero_mean_and_unit_variance_over_clips():
    values = np.stack([d.at(np.arange(0, 10, 0.5)) for d in drifts()])
    assert abs(values.mean()) < 0.1
    assert values.std() == pytest.approx(1, abs=0.05)
    assert np.abs(values).max() < 6


def test_it_forgets_over_tau():
    def correlation(tau, gap):
        values = np.stack([d.at([0.0, gap]) for d in drifts(tau=tau)])
        return np.corrcoef(values.T)[0, 1]

    assert correlation(1.0, 0.04) > 0.97
    assert correlation(1.0, 1.0) == pytest.approx(np.exp(-1), abs=0.2)
    assert correlation(0.3, 1.0) < correlation(3.0, 1.0)


@given(st.lists(st.floats(0, 1000), min_size=1, max_size=20))
def test_a_moment_has_one_value_whatever_is_asked_with_it(moments):
    drift = Drift.drawn(KeyedRandom(("one",)))
    together = drift.at(moments)
    alone = np.array([drift.at(moment) for moment in moments])
    np.testing.assert_allclose(together, alone, atol=1e-12)


@pytest.mark.parametrize("depth", [0.0, 0.2, 0.5])
def test_an_envelope_is_positive_with_mean_one(depth):
    envelopes = [Envelope.drawn(KeyedRandom(("e", i)), depth) for i in range(400)]
    values = np.stack([e.at(np.arange(0, 10, 0.5)) for e in envelopes])
    assert (values > 0).all()
    assert values.mean() == pytest.approx(1, abs=0.05)
    assert values.std() == pytest.approx(depth, abs=0.12 * depth + 0.05 * depth**2)


def test_the_sound_follows_the_same_curve_as_the_picture():
    envelope = Envelope.drawn(KeyedRandom(("e",)), 0.4)
    sound = envelope.sampled(16000 * 3, 16000)
    assert sound.dtype == np.float32
    frames = np.arange(0, 3, 0.04)
    heard = sound[np.round(frames * 16000).astype(int)]
    np.testing.assert_allclose(heard, envelope.at(frames), rtol=1e-3)
    assert envelope.sampled(1, 8000).shape == (1,)


def test_lengths_in_pixels_follow_the_short_side():
    assert pixel_scale(224, 224) == 1
    assert pixel_scale(360, 640) == pixel_scale(640, 360) == pytest.approx(360 / 224)
