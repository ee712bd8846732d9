"""What the tests share: the components by name, clips, and measures of harm."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest
from avplug_codec import avplug_corruptions

from avplug import Clip

SPECS = {spec.name: spec for spec in avplug_corruptions()}


def _load(name):
    """Return the component of that name, as avplug would make it."""
    module, kind = SPECS[name].target.split(":")
    return getattr(import_module(module), kind)()


def _factory(function):
    return pytest.fixture(name=function.__name__.removeprefix("_"))(lambda: function)


def _picture(frames=50, height=64, width=96):
    """Return drifting waves of three colours under a little texture."""
    random = np.random.default_rng(5)
    texture = random.normal(0, 6, (height, width + frames, 1))
    y, x = np.mgrid[:height, : width + frames] / 64
    shades = [np.sin(2 * np.pi * (a * x + b * y)) for a, b in ((2, 1), (1, 2), (3, -2))]
    world = 128 + 60 * np.stack(shades, 2) + texture
    views = [world[:, i : i + width] for i in range(frames)]
    return np.rint(np.stack(views)).clip(0, 255).astype(np.uint8)


def _voice(seconds=2.0, rate=16_000, channels=1):
    random = np.random.default_rng(6)
    time = np.arange(round(seconds * rate)) / rate
    pitch = 2 * np.pi * (140 * time + 6 * np.sin(2 * np.pi * 1.3 * time))
    partials = [np.sin(k * pitch) / k for k in range(1, 12)]
    loudness = 0.1 * (1.2 + np.sin(2 * np.pi * 2.1 * time))
    tone = loudness * np.sum(partials, 0)
    return (tone + random.normal(0, 0.01, (channels, len(time)))).astype(np.float32)


def _clip(name="clip", frames=50, rate=16_000, channels=1, fps=25.0):
    seconds = frames / fps
    return Clip(
        name,
        _picture(frames),
        np.arange(frames) / fps,
        _voice(seconds, rate, channels),
        rate,
        seconds,
    )


def _psnr(one, other):
    error = np.square(one.astype(np.float64) - other).mean()
    return np.inf if error == 0 else 10 * np.log10(255**2 / error)


def _snr(clean, spoilt):
    return 10 * np.log10(np.square(clean).mean() / np.square(spoilt - clean).mean())


def _delay(before, after):
    """Return by how many samples [N] came later: the peak of cross-correlation."""
    count = len(before)
    spectra = [np.fft.rfft(samples, 2 * count) for samples in (before, after)]
    likeness = np.fft.irfft(spectra[0].conj() * spectra[1], 2 * count)
    peak = int(np.argmax(likeness))
    return peak if peak < count else peak - 2 * count


load, picture, voice, clip, psnr, snr, delay = map(
    _factory, (_load, _picture, _voice, _clip, _psnr, _snr, _delay)
)
