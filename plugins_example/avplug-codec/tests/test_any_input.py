"""Every corruption on every kind of clip: pure, repeatable, of the same shape."""

from __future__ import annotations

import numpy as np
import pytest
from avplug_codec import avplug_corruptions

from avplug import Clip, corrupt

NAMES = [spec.name for spec in avplug_corruptions()]
#: Frames, height, width, frames per second; rate, channels, samples.
CLIPS = {
    "smallest": (1, 1, 1, 25, 8_000, 1, 1),
    "16 x 16": (3, 16, 16, 25, 16_000, 1, 4_000),
    "odd, stereo": (4, 31, 97, 10, 44_100, 2, 5_000),
    "portrait, five channels": (2, 180, 101, 1, 48_000, 5, 900),
    "many small frames": (40, 20, 36, 300, 400, 1, 80),
}


def made(frames, height, width, fps, rate, channels, samples):
    random = np.random.default_rng(3)
    return Clip(
        "clip",
        random.integers(0, 256, (frames, height, width, 3), np.uint8),
        np.arange(frames) / fps,
        random.normal(0, 0.3, (channels, samples)).astype(np.float32),
        rate,
        max(frames / fps, samples / rate),
    )


@pytest.mark.parametrize("kind", CLIPS)
@pytest.mark.parametrize("name", NAMES)
def test_any_clip(name, kind, load):
    source, component = made(*CLIPS[kind]), load(name)
    frames, audio = source.frames.copy(), source.audio.copy()
    for severity in (1, 5):
        spoilt = corrupt(source, component, name, severity)
        assert spoilt.frames.shape == frames.shape
        assert spoilt.audio.shape == audio.shape
        assert np.isfinite(spoilt.audio).all()
        again = corrupt(source, load(name), name, severity)
        assert np.array_equal(spoilt.frames, again.frames)
        assert np.array_equal(spoilt.audio, again.audio)
        assert not np.shares_memory(spoilt.frames, source.frames)
    assert np.array_equal(source.frames, frames)
    assert np.array_equal(source.audio, audio)


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_sense_stays_missing(name, load):
    both = made(*CLIPS["16 x 16"])
    deaf = Clip("clip", both.frames, both.times, None, 0, both.duration)
    blind = Clip("clip", None, None, both.audio, 16_000, both.duration)
    assert corrupt(deaf, load(name), name, 3).audio is None
    assert corrupt(blind, load(name), name, 3).frames is None


@pytest.mark.parametrize("name", NAMES)
def test_silence_stays_quiet(name, load):
    silent = Clip("clip", None, None, np.zeros((2, 8_000), np.float32), 16_000, 0.5)
    heard = corrupt(silent, load(name), name, 5).audio
    assert np.abs(heard).max() < 1e-3


def test_what_needs_all_frames_says_so(load):
    needed = {name: load(name).whole_clip for name in NAMES}
    alone = {name for name, whole in needed.items() if not whole}
    assert alone == {"dropout", "desync"}
