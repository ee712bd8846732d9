"""Every built-in corruption x severity x profile on every kind of input."""

import numpy as np
import pytest

from avplug.core.clip import Clip
from avplug.core.corruption import SEVERITIES, corrupt
from avplug.core.errors import UsageError
from tests.builtin_corruptions.clips import (
    PAIRS,
    SPECS,
    WITHOUT_CHANCE,
    load,
    picture,
    sound,
)

SIZES = {
    "224x224": (2, 224, 224),
    "640x360": (1, 360, 640),
    "361x203": (2, 203, 361),
    "portrait": (1, 320, 180),
    "16x16": (3, 16, 16),
    "one frame": (1, 64, 64),
    "300 frames": (300, 16, 20),
}
RATES = (8_000, 16_000, 44_100, 48_000)
SOUNDS = {
    **{
        f"{rate} Hz, {channels} channels": (sound(channels, rate // 4), rate)
        for rate in RATES
        for channels in (1, 2)
    },
    **{f"0.05 s at {rate} Hz": (sound(count=rate // 20), rate) for rate in RATES},
    "silence": (np.zeros((1, 8_000), np.float32), 16_000),
    "stereo silence": (np.zeros((2, 11_025), np.float32), 44_100),
    "full scale": (np.sign(sound(1, 8_000)), 16_000),
    "stereo full scale": (np.sign(sound(2, 12_000)), 48_000),
    "constant": (np.full((1, 4_000), 0.5, np.float32), 16_000),
    "1 sample": (np.full((2, 1), -0.25, np.float32), 16_000),
    "faint": (sound(count=4_000) * np.float32(1e-20), 16_000),
}
CELLS = [(*pair, severity) for pair in PAIRS for severity in SEVERITIES]


def check_keeps_its_input(source, name, profile, severity):
    """Corrupt a clip, assert what always holds, and return the result."""
    before = [None if a is None else a.copy() for a in (source.frames, source.audio)]
    spoilt = corrupt(source, load(name, profile), name, severity)
    after = (source.frames, source.audio)
    for old, same, new in zip(
        before, after, (spoilt.frames, spoilt.audio), strict=True
    ):
        if old is None:
            assert new is None
            continue
        assert np.array_equal(old, same)
        assert new.shape == old.shape
        assert new.dtype == old.dtype
        assert np.isfinite(new).all()
        assert not np.shares_memory(new, same)
    assert (spoilt.id, spoilt.sample_rate) == (source.id, source.sample_rate)
    return spoilt


@pytest.mark.parametrize(("name", "profile", "severity"), CELLS)
def test_any_picture(name, profile, severity):
    for label, (count, height, width) in SIZES.items():
        frames, times = picture(count, height, width, fps=30.0)
        source = Clip(label, frames, times, None, 0, count / 30)
        spoilt = check_keeps_its_input(source, name, profile, severity)
        assert not np.array_equal(spoilt.frames, frames), label


@pytest.mark.parametrize(("name", "profile", "severity"), CELLS)
def test_any_sound(name, profile, severity):
    for label, (samples, rate) in SOUNDS.items():
        source = Clip(label, None, None, samples, rate, samples.shape[1] / rate)
        spoilt = check_keeps_its_input(source, name, profile, severity)
        if not samples.any():
            assert not spoilt.audio.any(), label


@pytest.mark.parametrize(("name", "profile", "severity"), CELLS)
def test_both_tracks_and_neither(name, profile, severity):
    frames, times = picture(2, 40, 60)
    both = Clip("both", frames, times, sound(2, 12_000), 48_000, 0.25)
    spoilt = check_keeps_its_input(both, name, profile, severity)
    assert not np.array_equal(spoilt.frames, frames)
    for nothing in (
        Clip("no tracks", None, None, None, 0, 1.0),
        Clip("no frames", frames[:0], times[:0], both.audio[:, :0], 48_000, 1.0),
    ):
        check_keeps_its_input(nothing, name, profile, severity)


@pytest.mark.parametrize(("name", "profile"), PAIRS)
def test_4k(name, profile):
    frames = np.tile(picture(1, 216, 384)[0], (1, 10, 10, 1))
    assert frames.shape == (1, 2160, 3840, 3)
    source = Clip("4k", frames, np.zeros(1), sound(), 16_000, 0.5)
    check_keeps_its_input(source, name, profile, 5)


@pytest.mark.parametrize(("name", "profile"), PAIRS)
def test_views_that_are_not_contiguous(name, profile):
    frames, times = picture(4, 40, 60)
    audio = sound(2, 4_000)
    sliced = Clip(
        "view", frames[::2, ::-1, 4:-4], times[::2], audio[:, ::2], 8_000, 0.25
    )
    copied = Clip(
        "view",
        np.ascontiguousarray(sliced.frames),
        sliced.times,
        np.ascontiguousarray(sliced.audio),
        8_000,
        0.25,
    )
    first = check_keeps_its_input(sliced, name, profile, 3)
    second = check_keeps_its_input(copied, name, profile, 3)
    assert np.array_equal(first.frames, second.frames)
    assert np.array_equal(first.audio, second.audio)


@pytest.mark.parametrize("name", SPECS)
def test_one_modality_alone(name):
    frames, times = picture()
    source = Clip("clip", frames, times, sound(), 16_000, 0.5)
    both = corrupt(source, load(name), name, 4)
    seen = corrupt(source, load(name), name, 4, modalities="v")
    heard = corrupt(source, load(name), name, 4, modalities="a")
    assert np.array_equal(seen.frames, both.frames)
    assert np.array_equal(heard.audio, both.audio)
    assert seen.audio is source.audio
    assert heard.frames is source.frames


@pytest.mark.parametrize("severity", [0, 6, -1])
def test_other_severities_are_refused(severity):
    frames, times = picture()
    source = Clip("clip", frames, times, sound(), 16_000, 0.5)
    with pytest.raises(UsageError, match="is not one of 1, 2, 3, 4, 5"):
        corrupt(source, load("gaussian"), "gaussian", severity)


DIGITAL = [name for name, spec in SPECS.items() if spec.category == "digital"]
NOISES = [name for name in DIGITAL if name not in WITHOUT_CHANCE]


@pytest.mark.parametrize("name", NOISES)
def test_channels_get_noise_of_their_own_at_one_level(name):
    # Equal channels: what differs is the noise.
    samples = np.repeat(sound(count=16_000), 2, axis=0) / 8
    source = Clip("twins", None, None, samples, 16_000, 1.0)
    noise = corrupt(source, load(name), name, 3).audio - samples
    assert abs(np.corrcoef(noise)[0, 1]) < 0.1
    left, right = np.sqrt(np.mean(np.square(noise), axis=1))
    assert left == pytest.approx(right, rel=0.1)


def test_low_pass_changes_nothing_at_or_above_half_the_rate():
    samples = sound(2, 4_000)
    source = Clip("clip", None, None, samples, 8_000, 0.5)
    component = load("compression", "released")
    for severity in (1, 2, 3):
        spoilt = corrupt(source, component, "compression", severity)
        assert np.array_equal(spoilt.audio, samples)
    assert not np.array_equal(
        corrupt(source, component, "compression", 4).audio, samples
    )
