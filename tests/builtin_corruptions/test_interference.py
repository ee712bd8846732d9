"""Interference: what is muted, when the picture turns, and how exactly it does."""

import hashlib

import numpy as np
import pytest
from PIL import Image

from avplug.builtin_corruptions.rotation import source_index, turn
from avplug.core.clip import Clip, ClipInfo
from avplug.core.corruption import SEVERITIES, corrupt
from avplug.core.randomness import KeyedRandom
from tests.builtin_corruptions.clips import clip, load, picture, sound
from tests.builtin_corruptions.measures import snr_db, ssim
from tests.builtin_corruptions.test_golden_statistics import (
    PICTURES,
    golden,
    needs_golden,
    pictures,
    samples,
)

#: Share that is silent in clips of 10 s: table 4.3 of the facts about the protocol.
SILENT = {1: 0.099, 2: 0.184, 3: 0.263, 4: 0.336, 5: 0.400}
#: First 16 hex digits of SHA-256 over severities 1 to 5 of ``clip()``.
HASH = "ed43c1080e8754c2"


def scene(name, severity, duration=10.0):
    info = ClipInfo(name, duration, 224, 224, 16_000, 1)
    rng = KeyedRandom((0, "interference", name))
    return load("interference").scene(info, severity, rng)


def muted(one, seconds=10.0, rate=1_000):
    """Where the sound is silent, bool [N]."""
    ones = np.ones((1, round(seconds * rate)), np.float32)
    return one.glitches.mute(ones, rate)[0] == 0


@pytest.mark.parametrize("severity", SEVERITIES)
def test_the_share_that_is_muted(severity):
    shares = [muted(scene(f"clip {i}", severity)).mean() for i in range(300)]
    assert np.mean(shares) == pytest.approx(SILENT[severity], abs=0.005)


@needs_golden
@pytest.mark.parametrize("inputs", ["synthetic_harmonic", "synthetic_chirp"])
@pytest.mark.parametrize("severity", SEVERITIES)
def test_sound_against_the_public_code(severity, inputs):
    expected = golden()["stats"]["interference"][str(severity)][inputs]["audio"]
    clean = samples(inputs)
    component = load("interference")
    spoilt = [
        corrupt(clip(f"{i}", audio=clean), component, "interference", severity, 0, "a")
        for i in range(60)
    ]
    found = np.mean([snr_db(clean, one.audio) for one in spoilt])
    assert found == pytest.approx(expected["snr_db"]["mean"], abs=0.3)
    silent = np.mean([np.mean(np.abs(one.audio) < 1e-4) for one in spoilt])
    # The public figures are of twelve draws, whose second row overlaps less than most.
    assert silent == pytest.approx(expected["silent_frac"]["mean"], abs=0.02)


@needs_golden
@pytest.mark.parametrize("severity", SEVERITIES)
def test_pictures_against_the_public_code(severity):
    component = load("interference")
    for inputs in PICTURES:
        expected = golden()["stats"]["interference"][str(severity)][inputs]["visual"]
        frames = pictures(inputs)
        found = {"mad": [], "ssim": []}
        for i in range(24):
            # One frame each: frames of one piece would share an angle.
            clean = frames[i % len(frames)][None]
            source = Clip(f"clip {i}", clean, np.array([4.2]), None, 0, 10.0)
            spoilt = corrupt(source, component, "interference", severity).frames
            found["mad"].append(np.abs(spoilt.astype(float) - clean).mean())
            found["ssim"].append(ssim(clean[0], spoilt[0]))
        for key, values in found.items():
            # Both are means over draws, and both vary.
            error = expected[key]["std"] * np.sqrt(1 / 24 + 1 / expected[key]["n"])
            assert np.mean(values) == pytest.approx(
                expected[key]["mean"], abs=3 * error
            )


@pytest.mark.parametrize("severity", SEVERITIES)
def test_every_whole_degree_is_as_likely_at_any_moment(severity):
    largest = 6 * severity + 5
    moments = np.array([0.0, 3.3, 9.9])
    angles = [scene(f"clip {i}", severity).turns(moments)[0] for i in range(1_500)]
    for degrees in np.transpose(angles):
        counts = np.bincount(np.add(degrees, largest), minlength=2 * largest + 1)
        expected = len(degrees) / (2 * largest + 1)
        assert len(counts) == 2 * largest + 1
        assert np.abs(counts - expected).max() < 5 * np.sqrt(expected)


def test_a_severity_mutes_what_the_one_before_does_and_turns_no_less():
    moments = np.arange(0, 10, 0.05)
    for i in range(40):
        scenes = [scene(f"clip {i}", severity) for severity in SEVERITIES]
        silent = np.stack([muted(one) for one in scenes])
        assert (silent[1:] >= silent[:-1]).all()
        assert (np.diff(silent.sum(axis=1)) > 0).all()
        angles = np.abs([one.turns(moments)[0] for one in scenes])
        assert (np.diff(angles, axis=0) >= 0).all()


@needs_golden
def test_each_severity_is_worse_on_average():
    clean = pictures("avrb")[:1]
    means = []
    for severity in SEVERITIES:
        component = load("interference")
        sources = [
            Clip(f"{i}", clean, np.array([2.0]), None, 0, 10.0) for i in range(40)
        ]
        spoilt = [corrupt(one, component, "interference", severity) for one in sources]
        means.append(np.mean([ssim(clean[0], one.frames[0]) for one in spoilt]))
    assert (np.diff(means) < 0).all(), means


def test_picture_and_sound_change_in_the_same_moments():
    fps, rate = 100, 8_000
    frames = np.repeat(picture(1, 48, 64)[0], 10 * fps, axis=0)
    times = np.arange(10 * fps) / fps
    heard_and_seen = heard = 0
    for i in range(4):
        source = Clip(f"{i}", frames, times, np.ones((1, 10 * rate), "f"), rate, 10.0)
        spoilt = corrupt(source, load("interference"), "interference", 3)
        turned = 1 + np.flatnonzero((np.diff(spoilt.frames, axis=0)).any((1, 2, 3)))
        borders = np.flatnonzero(np.diff(spoilt.audio[0])) / rate
        assert len(turned) <= 12
        after = np.searchsorted(times, borders, "right")
        heard += len(borders)
        heard_and_seen += np.isin(after, turned).sum()
        inside = np.setdiff1d(turned, after)
        # Where chunks overlap, a border lies within silence.
        assert (spoilt.audio[0, (inside * rate // fps) - 1] == 0).all()
    # What turns by nothing or a degree is not seen in a small frame.
    assert heard_and_seen >= 0.85 * heard


def test_sampled_frames_are_those_of_the_whole_clip():
    frames, times = picture(100, 40, 56, fps=10.0)
    whole = Clip("clip", frames, times, sound(), 16_000, 10.0)
    picks = [3, 40, 41, 99]
    part = Clip("clip", frames[picks], times[picks], sound(), 16_000, 10.0)
    component = load("interference")
    one, other = (corrupt(c, component, "interference", 4) for c in (whole, part))
    assert np.array_equal(one.frames[picks], other.frames)
    assert np.array_equal(one.audio, other.audio)


@pytest.mark.parametrize("seconds", [0.001, 0.05, 0.1, 0.15])
def test_clips_shorter_than_a_chunk_lose_half_or_more(seconds):
    count = round(16_000 * seconds)
    source = Clip("short", None, None, np.ones((2, count), "f"), 16_000, seconds)
    for severity in SEVERITIES:
        spoilt = corrupt(source, load("interference"), "interference", severity)
        assert 0.4 <= np.mean(spoilt.audio == 0) <= 1


def test_turning_is_exact():
    frame = picture(1, 31, 31)[0][0]
    out = np.empty_like(frame)
    for quarter in range(4):
        turn(frame, 90 * quarter, out)
        assert np.array_equal(out, np.rot90(frame, quarter))
    wide = picture(1, 30, 47)[0][0]
    turned = np.empty_like(wide)
    turn(wide, 180, turned)
    assert np.array_equal(turned, wide[::-1, ::-1])


@pytest.mark.parametrize("degrees", [-35, -7, 1, 30])
def test_turning_is_pillow_s_nearest_neighbour(degrees):
    frame = picture(1, 90, 120)[0][0] | 1
    out = np.empty_like(frame)
    turn(frame, degrees, out)
    expected = np.asarray(Image.fromarray(frame).rotate(degrees))
    # They differ where a place is halfway between two pixels, to the last bit.
    assert np.mean((out != expected).any(axis=2)) < 0.01
    assert (out[0, 0] == 0).all()


def test_pictures_are_equal_on_every_machine():
    component = load("interference")
    steps = [corrupt(clip(), component, "interference", s).frames for s in SEVERITIES]
    digest = hashlib.sha256(b"".join(step.tobytes() for step in steps)).hexdigest()
    assert digest[:16] == HASH


@pytest.mark.parametrize("shape", [(255, 257), (256, 256), (7, 3)])
def test_small_and_large_frames_turn_by_the_same_places(shape):
    frame = np.random.default_rng(2).integers(1, 256, (*shape, 3), np.uint8)
    turned = np.empty_like(frame)
    turn(frame, 17, turned)
    with_black = np.concatenate([frame.reshape(-1, 3), np.zeros((1, 3), np.uint8)])
    expected = with_black[source_index(17, *shape)].reshape(frame.shape)
    assert np.array_equal(turned, expected)
