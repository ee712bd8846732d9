"""What mosaic promises: coarser with severity, any size, a function of time."""

from __future__ import annotations

import numpy as np
import pytest
from avplug_mosaic import avplug_corruptions
from avplug_mosaic.mosaic import Mosaic, pixelate

from avplug import Clip, corrupt


def clip_of(height=112, width=150, frames=4, rate=16_000, channels=1, seconds=1.0):
    random = np.random.default_rng(7)
    return Clip(
        "clip",
        random.integers(0, 256, (frames, height, width, 3), np.uint8),
        np.arange(frames) / 25,
        random.normal(0, 0.2, (channels, round(rate * seconds))).astype(np.float32),
        rate,
        seconds,
    )


def test_descriptor_names_the_class():
    (spec,) = avplug_corruptions()
    assert spec.name == "mosaic"
    assert spec.target == f"{Mosaic.__module__}:{Mosaic.__name__}"
    assert spec.profiles == Mosaic.profiles


def test_pixelate_by_hand():
    frame = np.zeros((3, 3, 3), np.uint8)
    frame[:2, :2] = [[[10], [20]], [[30], [41]]]
    frame[2, 2] = 9
    blocks = pixelate(frame, 2)[..., 0]
    assert blocks.tolist() == [[25, 25, 0], [25, 25, 0], [0, 0, 9]]


def test_sound_is_held_by_hand():
    ramp = np.arange(10, dtype=np.float32)[None]
    clip = Clip("c", None, None, ramp, 2000, 0.005)
    held = corrupt(clip, Mosaic(), "mosaic", 5).audio
    assert held.tolist() == [[0, 0, 0, 0, 4, 4, 4, 4, 8, 8]]


def test_a_sample_is_never_held_from_the_future():
    ramp = np.arange(44_100, dtype=np.float32)[None]
    clip = Clip("c", None, None, ramp, 44_100, 1.0)
    for severity in range(1, 6):
        held = corrupt(clip, Mosaic(), "mosaic", severity).audio
        assert (held <= ramp).all()
        assert len(np.unique(held)) == Mosaic().scene(clip.info, severity, None).rate


def test_each_severity_is_worse():
    clip = clip_of()
    worse = [corrupt(clip, Mosaic(), "mosaic", severity) for severity in range(1, 6)]
    picture = [np.square(c.frames.astype(float) - clip.frames).mean() for c in worse]
    sound = [np.square(c.audio - clip.audio).mean() for c in worse]
    assert (np.diff([0, *picture]) > 0).all()
    assert (np.diff([0, *sound]) > 0).all()


def test_sampling_before_equals_sampling_after():
    clip = clip_of(frames=6)
    part = Clip(
        "clip", clip.frames[1::2], clip.times[1::2], clip.audio, 16_000, clip.duration
    )
    whole = corrupt(clip, Mosaic(), "mosaic", 3).frames[1::2]
    assert np.array_equal(corrupt(part, Mosaic(), "mosaic", 3).frames, whole)


@pytest.mark.parametrize("severity", [1, 5])
@pytest.mark.parametrize(
    ("height", "width", "frames", "rate", "channels", "seconds"),
    [(16, 16, 1, 8000, 1, 0.01), (97, 31, 2, 44_100, 2, 0.3), (1, 1, 1, 400, 1, 1)],
)
def test_any_size_keeps_shape_and_dtype(
    severity, height, width, frames, rate, channels, seconds
):
    clip = clip_of(height, width, frames, rate, channels, seconds)
    out = corrupt(clip, Mosaic(), "mosaic", severity)
    assert out.frames.shape == clip.frames.shape
    assert out.frames.dtype == np.uint8
    assert out.audio.shape == clip.audio.shape
    assert out.audio.dtype == np.float32


def test_silence_and_even_colour_stay():
    clip = Clip(
        "c",
        np.full((1, 20, 30, 3), 77, np.uint8),
        np.zeros(1),
        np.zeros((2, 0), np.float32),
        16_000,
        0.0,
    )
    out = corrupt(clip, Mosaic(), "mosaic", 4)
    assert (out.frames == 77).all()
    assert out.audio.shape == (2, 0)
