"""Clips check their arrays, and say what they expected."""

import dataclasses

import numpy as np
import pytest

from avplug import Clip, ClipInfo, ClipRef, InputSpec

FRAMES = np.zeros((2, 4, 6, 3), np.uint8)
TIMES = np.array([0.0, 0.04])
AUDIO = np.zeros((2, 80), np.float32)


def clip_of(frames=FRAMES, times=TIMES, audio=AUDIO, rate=1000):
    return Clip("c", frames, times, audio, rate, 0.08)


def test_info_is_what_a_scene_may_depend_on():
    assert clip_of().info == ClipInfo("c", 0.08, 4, 6, 1000, 2)


def test_info_without_a_track_is_zero():
    assert clip_of(audio=None).info == ClipInfo("c", 0.08, 4, 6, 0, 0)
    assert clip_of(frames=None, times=None).info == ClipInfo("c", 0.08, 0, 0, 1000, 2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"frames": FRAMES[..., :1]}, r"Expected frames \[T, H, W, 3\], got \[2, 4, 6"),
        ({"frames": FRAMES[0]}, r"got \[4, 6, 3\]"),
        ({"frames": FRAMES / 255}, "Expected uint8 frames, got float64"),
        ({"times": None}, "one time in seconds for each frame"),
        ({"times": TIMES[:1]}, "one time in seconds for each frame"),
        ({"audio": AUDIO[0]}, r"\[channels, samples\], got \[80\]\. Transpose it"),
        ({"audio": AUDIO.T}, r"got \[80, 2\]\. Transpose it"),
        ({"audio": AUDIO.astype(float)}, "Expected float32 audio, got float64"),
        ({"rate": 0}, "positive sample_rate"),
    ],
)
def test_wrong_arrays_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        clip_of(**change)


def test_with_media_keeps_what_is_not_given():
    louder = clip_of().with_media(audio=AUDIO + np.float32(1))
    assert louder.frames is FRAMES
    assert (louder.audio == 1).all()
    assert (louder.id, louder.duration) == ("c", 0.08)


def test_clips_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        clip_of().id = "d"


def test_samples_of_an_input_spec():
    assert InputSpec(sample_rate=16_000, seconds=10.24).samples == 163_840
    assert InputSpec(sample_rate=22_050, seconds=0.1).samples == 2205


def test_references_are_equal_by_identity_and_labels():
    assert ClipRef("a", (1,), source="here") == ClipRef("a", (1,), source="there")
    assert ClipRef("a", (1,)) != ClipRef("a", (2,))
