"""The SNR that was meant, that of the samples, and what clipping leaves of it."""

from math import log10

import numpy as np
import pytest

from avplug.signal.mixing import mix_at_snr
from avplug.signal.noise_level import noise_level
from tests.builtin_corruptions.clips import sound


def test_literal_numbers():
    clean = np.array([[0.5, -0.5, 0.5, -0.5]], np.float32)
    spoilt = np.array([[1.5, -0.5, 0.5, -1.5]], np.float32)
    level = noise_level(clean, spoilt, -3.0)
    # Noise of 1 at two of four samples; clipping leaves half of its height.
    assert level.snr_db == pytest.approx(10 * log10(0.25 / 0.5), abs=1e-6)
    assert level.clipped_snr_db == pytest.approx(10 * log10(0.25 / 0.125), abs=1e-6)
    assert level.clipped == 0.5
    assert level.as_dict() == {
        "nominal_snr_db": -3.0,
        "snr_db": -3.01,
        "clipped_snr_db": 3.01,
        "clipped": 0.5,
    }


def test_nothing_is_clipped_within_the_limits():
    noise = np.random.default_rng(0).standard_normal((2, 8_000)).astype(np.float32)
    clean = sound(2)
    level = noise_level(clean, mix_at_snr(clean, noise, 20.0), 20.0)
    assert level.clipped == 0
    assert level.snr_db == level.clipped_snr_db == pytest.approx(20, abs=1e-3)


def test_a_clean_clip_at_full_scale_is_not_clipped_by_noise():
    clean = np.sign(sound())
    spoilt = clean.copy()
    spoilt[0, 0] = 0.5
    assert noise_level(clean, spoilt, 0.0).clipped == 0


def test_silence_and_what_did_not_change_have_no_level():
    silent, clean = np.zeros((1, 9), np.float32), sound()
    assert noise_level(silent, silent + 1, 0.0) is None
    assert noise_level(clean, clean, 0.0) is None
    assert noise_level(clean[:, :0], clean[:, :0], 0.0) is None
