import numpy as np
import pytest

from avplug.core.batch import check_clip
from avplug.core.clip import Clip, InputSpec
from avplug.media.fitting import as_is, every_frame, fit_clip, shown_at


def whole(channels=2):
    frames = np.random.default_rng(0).integers(0, 255, (1, 90, 160, 3), np.uint8)
    time = np.arange(44_100) / 44_100
    tone = np.sin(2 * np.pi * 440 * time).astype(np.float32)
    audio = np.stack([tone * (i + 1) / channels for i in range(channels)])
    return Clip("c", frames, np.zeros(1), audio, 44_100, 1.0)


@pytest.mark.parametrize("channels", ["first", "mean"])
def test_a_whole_clip_becomes_what_the_spec_asks_for(channels):
    spec = InputSpec(size=32, sample_rate=16_000, channels=channels)
    fitted = fit_clip(whole(), spec)
    check_clip(fitted, spec)
    assert fitted.audio.shape == (1, 16_000)
    level = {"first": 0.5, "mean": 0.75}[channels]
    assert np.abs(fitted.audio[0, 2000:-2000]).max() == pytest.approx(level, rel=0.02)


def test_the_spec_of_a_whole_clip_keeps_the_moments():
    spec = InputSpec(grid=4, picks=(0, 3), frame_rule="centre")
    kept = as_is(spec)
    assert (kept.grid, kept.picks, kept.frame_rule) == (4, (0, 3), "centre")
    assert (kept.size, kept.sample_rate, kept.channels) == (0, 0, "all")
    same = fit_clip(whole(), kept)
    assert np.array_equal(same.frames, whole().frames)
    assert np.array_equal(same.audio, whole().audio)


def test_a_whole_clip_is_sampled_by_what_it_shows():
    spec = InputSpec(size=32, grid=4, picks=(0, 3))
    every = every_frame(spec)
    assert (every.frame_rule, every.size, every.picks) == ("all", 32, ())
    frames = np.arange(5, dtype=np.uint8)[:, None, None, None].repeat(3, 3)
    clip = Clip("c", frames, np.array([0.5, 1, 2, 3, 4]), None, 0, 5.0)
    times = np.array([0.0, 1.0, 1.99, 2.0, 9.0])
    sampled = shown_at(clip, times)
    assert sampled.frames[:, 0, 0, 0].tolist() == [0, 1, 1, 2, 4]
    assert sampled.times is times
