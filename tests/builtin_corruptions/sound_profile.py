"""The 41 statistics by which a made sound is judged against measured recordings.

They are defined where the profiles of the recordings are: section 8.2 of the facts
about the corruptions. ``test_sound_profile.py`` holds them to the published values.
"""

import json
import os
from functools import cache
from pathlib import Path

import numpy as np
from scipy.signal import (
    butter,
    find_peaks,
    get_window,
    resample_poly,
    sosfiltfilt,
    stft,
    welch,
)

RATE = 16_000
REPOSITORY = Path(__file__).parents[2]
GOLDEN = Path(os.environ.get("AVPLUG_GOLDEN", REPOSITORY.parent / "shared" / "golden"))
PROFILES = GOLDEN / "corruptions" / "sound_profiles.json"

OCTAVES = {
    "oct_63": 62.5,
    "oct_125": 125,
    "oct_250": 250,
    "oct_500": 500,
    "oct_1k": 1000,
    "oct_2k": 2000,
    "oct_4k": 4000,
}
MODULATION = ((0.25, 1), (1, 2), (2, 4), (4, 8), (8, 16), (16, 32), (32, 64))
BANDS = (80, 200, 400, 800, 1600, 3200)


def prepared(samples, sample_rate):
    """Mono float64 [N] at 16 kHz, without digital silence and offset, at RMS 0.1.

    ``samples`` is [N] or, as files are read, [N, C].
    """
    mono = np.asarray(samples, np.float64)
    if mono.ndim == 2:
        mono = mono.mean(axis=1)
    if sample_rate != RATE:
        mono = resample_poly(mono, RATE, sample_rate)
    level = _rms(mono, 320, 80)
    keep = np.zeros(len(mono), bool)
    for index in np.flatnonzero(level > 1e-5 * level.max()):
        keep[80 * index : 80 * index + 320] = True
    mono = mono[keep]
    mono = mono - mono.mean()
    return mono * (0.1 / np.sqrt(np.mean(mono**2)))


def _rms(samples, window, hop):
    frames = np.lib.stride_tricks.sliding_window_view(samples, window)[::hop]
    return np.sqrt(np.mean(frames**2, axis=1))


def profile(samples, sample_rate=RATE):
    """The statistics of a sound, by name."""
    x = prepared(samples, sample_rate)
    high = sosfiltfilt(butter(4, 2000, "highpass", fs=RATE, output="sos"), x)
    return {
        **_spectrum(x),
        **_change(x),
        **_envelope(x),
        "kurtosis": _kurtosis(x),
        "kurtosis_hp2k": _kurtosis(high),
        "crest_db": 20 * np.log10(np.abs(x).max() / np.sqrt(np.mean(x**2))),
        "onsets_per_s_hp2k": _onsets(high),
        **_bands(x),
        "harmonicity": _harmonicity(x),
    }


def _spectrum(x):
    f, power = welch(x, RATE, "hann", 2048, 1024)
    total = power.sum()

    def share(low, high):
        inside = power[(f >= low) & (f < high)].sum()
        return 10 * np.log10(inside / total + 1e-12)

    half = 2**0.5
    found = {key: share(c / half, c * half) for key, c in OCTAVES.items()}
    found["oct_8k"] = share(4000 * half, np.inf)
    found["oct_lt44"] = share(0, 62.5 / half)
    centroid = (f * power).sum() / total
    running = np.cumsum(power) / total
    audible = power[(f >= 100) & (f <= 7600)]
    sloped = (f >= 125) & (f <= 6000)
    decibels = 10 * np.log10(power[sloped] + 1e-20)
    return {
        **found,
        "centroid": centroid,
        "spread": np.sqrt(((f - centroid) ** 2 * power).sum() / total),
        "rolloff85": f[np.searchsorted(running, 0.85)],
        "rolloff50": f[np.searchsorted(running, 0.5)],
        "flatness_db": 10
        * (np.log10(audible + 1e-20).mean() - np.log10(audible.mean())),
        "slope_db_oct": np.polyfit(np.log2(f[sloped]), decibels, 1)[0],
    }


def _change(x):
    f, _, bins = stft(x, RATE, "hann", 512, 256, boundary=None)
    power = np.abs(bins) ** 2
    centroid = f @ power / (power.sum(0) + 1e-20)
    decibels = 10 * np.log10(power[4:] + 1e-10)
    return {
        "centroid_frame_sd": centroid.std(),
        "flux_db": np.abs(np.diff(decibels, axis=1)).mean(),
    }


def _envelope(x):
    level = _rms(x, 320, 80)
    decibels = 20 * np.log10(level + 1e-6)
    found = {"env_sd_db": decibels.std()}
    for percent in (5, 50, 95):
        found[f"env_p{percent}_db"] = np.percentile(decibels, percent) + 20
    count = len(level)
    power = 2 * np.abs(np.fft.rfft(level / level.mean() - 1)) ** 2 / count**2
    f = np.fft.rfftfreq(count, 80 / RATE)
    for low, high in MODULATION:
        inside = power[(f >= low) & (f < high)].sum()
        found[f"mod_{low}-{high}Hz"] = np.sqrt(inside)
    return found


def _kurtosis(x):
    return np.mean(x**4) / np.mean(x**2) ** 2


def _onsets(high):
    rise = np.diff(20 * np.log10(_rms(high, 80, 40) + 1e-7))
    peaks, _ = find_peaks(rise, height=6, distance=8)
    return len(peaks) / (len(high) / RATE)


def _bands(x):
    levels = []
    for low in BANDS:
        high = {80: 200, 3200: 6400}.get(low, 2 * low)
        sections = butter(4, (low, high), "bandpass", fs=RATE, output="sos")
        levels.append(_rms(sosfiltfilt(sections, x), 320, 80))
    found = {
        f"bandenv_cv_{low}": level.std() / level.mean()
        for low, level in zip(BANDS, levels, strict=True)
    }
    alike = np.corrcoef(levels)
    count = len(BANDS)
    found["env_xcorr_mean"] = alike[np.triu_indices(count, 1)].mean()
    found["env_xcorr_adj"] = np.diag(alike, 1).mean()
    return found


def _harmonicity(x):
    window = get_window("hann", 1024)
    frames = np.lib.stride_tricks.sliding_window_view(x, 1024)[::1024] * window
    lags = slice(16, 267)

    def correlation(rows):
        spectrum = np.abs(np.fft.rfft(rows, 2048)) ** 2
        found = np.fft.irfft(spectrum)[..., :1024]
        return found / (found[..., :1] + 1e-20)

    peak = (correlation(frames) / correlation(window))[:, lags].max(axis=1)
    energy = np.sum(frames**2, axis=1)
    return (peak * energy).sum() / energy.sum()


@cache
def published():
    """The file of profiles: ``categories`` and ``files``."""
    return json.loads(PROFILES.read_text())


def deviations(category, profiles):
    """How many standard deviations the mean of ``profiles`` lies off the recordings'.

    A standard deviation is at least a quarter of the statistic's over all files, as
    a category may have few sources.

    Args:
        category: Such as ``"rain"``; a key of the file's ``categories``.
        profiles: Results of :func:`profile` for several renderings.

    Returns:
        z by statistic.
    """
    found = {}
    for key, of_category in published()["categories"][category]["profile"].items():
        everywhere = [f["profile"][key] for f in published()["files"].values()]
        sd = max(of_category["sd"], 0.25 * float(np.std(everywhere)))
        mean = np.mean([one[key] for one in profiles])
        found[key] = float((mean - of_category["mean"]) / sd)
    return found


def share_within_two(category, profiles):
    """The share of the statistics whose deviation is below 2, from 0 to 1."""
    z = deviations(category, profiles)
    return float(np.mean([abs(value) < 2 for value in z.values()]))
