"""Noise reaches its nominal SNR, and silence stays as it is."""

from math import inf

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from avplug.signal.mixing import achieved_snr_db, mix_at_snr, power
from tests.builtin_corruptions.clips import sound


def noise_like(samples, seed=0):
    shape = samples.shape
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def test_literal_numbers():
    signal = np.array([[1, -1, 1, -1]], np.float32)
    noise = np.array([[2, 2, -2, -2]], np.float32)
    # Power 1 against 4: at 20 dB the noise keeps a twentieth of its height.
    expected = np.array([[1.1, -0.9, 0.9, -1.1]], np.float32)
    mixed = mix_at_snr(signal, noise, 20)
    assert mixed == pytest.approx(expected, abs=1e-7)
    assert mixed.dtype == np.float32
    assert achieved_snr_db(signal, mixed) == pytest.approx(20, abs=1e-4)


def test_powers_are_pooled_over_channels():
    signal = np.array([[3, 3], [0, 0]], np.float32)
    assert power(signal) == pytest.approx(4.5, rel=1e-15)
    mixed = mix_at_snr(signal, np.ones((2, 2), np.float32), 0)
    assert mixed - signal == pytest.approx(np.full((2, 2), 4.5**0.5), rel=1e-6)


def test_one_noise_for_all_channels():
    signal = sound(2)
    mixed = mix_at_snr(signal, noise_like(signal[:1]), 5)
    assert achieved_snr_db(signal, mixed) == pytest.approx(5, abs=1e-3)


def test_stereo_of_two_equal_channels_is_mono_twice():
    mono = sound()
    noise = noise_like(mono)
    stereo = mix_at_snr(mono.repeat(2, axis=0), noise.repeat(2, axis=0), 10)
    assert np.array_equal(stereo, mix_at_snr(mono, noise, 10).repeat(2, axis=0))


@pytest.mark.parametrize("silent", ["signal", "noise", "both"])
def test_silence_comes_back_unchanged_and_new(silent):
    signal, noise = sound(), noise_like(sound())
    if silent != "noise":
        signal = np.zeros_like(signal)
    if silent != "signal":
        noise = np.zeros_like(noise)
    mixed = mix_at_snr(signal, noise, 0)
    assert np.array_equal(mixed, signal)
    assert not np.shares_memory(mixed, signal)


def test_no_samples():
    empty = np.zeros((2, 0), np.float32)
    assert power(empty) == 0
    assert mix_at_snr(empty, empty, 10).shape == (2, 0)


def test_inputs_stay_as_they_are():
    signal, noise = sound(), noise_like(sound())
    before = signal.copy(), noise.copy()
    mix_at_snr(signal, noise, 0)
    assert np.array_equal(signal, before[0])
    assert np.array_equal(noise, before[1])


@pytest.mark.parametrize("shape", [(2, 8000), (1, 7999), (3, 8000)])
def test_noise_that_does_not_fit_is_refused(shape):
    with pytest.raises(ValueError, match=r"does not fit a signal \[1, 8000\]"):
        mix_at_snr(sound(), np.ones(shape, np.float32), 10)


def test_snr_of_nothing_changed_and_of_silence():
    samples = sound()
    assert achieved_snr_db(samples, samples) == inf
    assert achieved_snr_db(np.zeros_like(samples), samples) == -inf


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 3),
    st.integers(1, 2000),
    st.floats(-20, 60),
    st.floats(-15, 3),
    st.floats(-15, 3),
)
def test_any_level_reaches_the_snr(channels, count, snr_db, loudness, noise_level):
    signal = noise_like(np.empty((channels, count)), 1) * np.float32(10**loudness)
    noise = noise_like(signal, 2) * np.float32(10**noise_level)
    mixed = mix_at_snr(signal, noise, snr_db)
    assert achieved_snr_db(signal, mixed) == pytest.approx(snr_db, abs=0.01)


@pytest.mark.parametrize("channels", [1, 2])
def test_noise_that_is_not_needed_any_more_changes_nothing_else(channels):
    rng = np.random.default_rng(3)
    signal = rng.standard_normal((channels, 500), np.float32)
    noise = rng.standard_normal((1, 500), np.float32)
    kept = signal.copy()
    expected = mix_at_snr(signal, noise, 7.0)
    found = mix_at_snr(signal, noise, 7.0, reuse=True)
    assert np.array_equal(found, expected)
    assert np.array_equal(signal, kept)
    assert not np.shares_memory(found, signal)
