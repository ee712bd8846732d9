"""Frost, spatter, underwater, concert and smoke: formulas, coherence, shared scenes."""

import colorsys
import csv
from dataclasses import replace
from itertools import pairwise

import cv2
import numpy as np
import pytest

from avplug.builtin_corruptions.concert import Brightener
from avplug.builtin_corruptions.drops import brightest, embossed, water_light
from avplug.builtin_corruptions.smoke import SPEED
from avplug.builtin_corruptions.timeline import Envelope
from avplug.builtin_corruptions.underwater import blur_variance
from avplug.core.clip import Clip, ClipInfo
from avplug.core.corruption import PROFILES, SEVERITIES, corrupt
from avplug.core.randomness import KeyedRandom
from tests.builtin_corruptions.clips import clip, load, picture, sound
from tests.builtin_corruptions.measures import LUMA, psnr, snr_db
from tests.builtin_corruptions.test_parameters import TABLE

NAMES = ("frost", "spatter", "underwater", "concert", "smoke")
#: Field of the scene for each parameter of the table; others have the same name.
FIELDS = {"hsv_value_shift": "value_shift"}
#: Field of the scene that moves picture and sound together.
SHARED = {"underwater": "waves", "concert": "beat", "smoke": "fire"}
INFO = ClipInfo("clip", 10.0, 224, 224, 16_000, 1)


def scene_of(name, severity=3, key="scene", profile="paper"):
    return load(name, profile).scene(INFO, severity, KeyedRandom((key,)))


def video(name, frames, times, scene):
    return load(name).video(frames, np.asarray(times), scene, KeyedRandom(("v",)))


@pytest.mark.skipif(not TABLE.is_file(), reason=f"no {TABLE} (set AVPLUG_SHARED)")
@pytest.mark.parametrize("name", NAMES)
def test_scenes_hold_the_published_parameters(name):
    with TABLE.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["corruption"] == name]
    assert {row["profile"] for row in rows} == set(PROFILES)
    for row in rows:
        field = FIELDS.get(row["parameter"], row["parameter"])
        for severity in SEVERITIES:
            scene = scene_of(name, severity, profile=row["profile"])
            assert getattr(scene, field) == float(row[f"s{severity}"]), row


@pytest.mark.parametrize("name", NAMES)
def test_what_is_drawn_does_not_depend_on_the_severity(name):
    mild, strong = (scene_of(name, severity) for severity in (1, 5))
    for field in ("place", "texture", "course"):
        assert getattr(mild, field, None) == getattr(strong, field, None)
    if name in SHARED:
        one, other = (getattr(scene, SHARED[name]) for scene in (mild, strong))
        assert np.array_equal(one.at([0, 1.5]), other.at([0, 1.5]))


@pytest.mark.parametrize("name", ["frost", "spatter", "smoke"])
@pytest.mark.parametrize("severity", [1, 3, 5])
def test_consecutive_frames_of_a_video_change_alike(name, severity):
    frames, times = picture(6, 224, 224, fps=25.0)
    spoilt = corrupt(clip("video", frames, times), load(name), name, severity).frames
    luma = ((spoilt - frames.astype(float)) @ LUMA).reshape(6, -1)
    alike = [np.corrcoef(*pair)[0, 1] for pair in pairwise(luma)]
    assert np.mean(alike) > 0.5


@pytest.mark.parametrize("name", NAMES)
def test_sampled_frames_equal_sampled_corrupted_frames(name):
    frames, times = picture(50, 60, 80)
    source = clip("video", frames, times)
    whole = corrupt(source, load(name), name, 4, modalities="v").frames
    picks = [47, 3, 25]
    part = Clip("video", frames[picks], times[picks], source.audio, 16_000, 0.5)
    sampled = corrupt(part, load(name), name, 4, modalities="v").frames
    assert np.array_equal(sampled, whole[picks])


@pytest.mark.parametrize("name", ["frost", "spatter"])
@pytest.mark.parametrize("severity", [2, 5])
def test_all_sizes_of_a_clip_show_the_same_cover(name, severity):
    component = load(name)
    covers = []
    for factor in (1, 2):
        grey = np.full((1, 224 * factor, 300 * factor, 3), 128, np.uint8)
        spoilt = corrupt(
            clip("grey", grey, np.zeros(1)), component, name, severity
        ).frames
        covers.append(cv2.resize(spoilt[0], (150, 112), interpolation=cv2.INTER_AREA))
    change = [(cover.astype(float) - 128).ravel() for cover in covers]
    assert np.corrcoef(change)[0, 1] > 0.97


@pytest.mark.parametrize(("height", "width"), [(1, 9), (200, 8), (8, 500), (17, 16)])
@pytest.mark.parametrize("name", NAMES)
def test_odd_shapes(name, height, width):
    frames, times = picture(2, height, width)
    spoilt = corrupt(clip("odd", frames, times), load(name), name, 5).frames
    assert spoilt.shape == frames.shape
    assert (spoilt != frames).any()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("profile", PROFILES)
def test_sounds_reach_their_snr(name, profile):
    source = clip("sound", audio=sound(2, 16_000))
    for severity in SEVERITIES:
        component = load(name, profile)
        spoilt = corrupt(source, component, name, severity, modalities="a")
        nominal = scene_of(name, severity, profile=profile).snr_db
        assert snr_db(source.audio, spoilt.audio) == pytest.approx(nominal, abs=0.01)


@pytest.mark.parametrize("name", SHARED)
def test_the_sound_follows_the_picture_s_envelope(name):
    samples = sound(count=48_000)
    scene = scene_of(name)
    envelope = getattr(scene, SHARED[name])
    steady = replace(scene, **{SHARED[name]: Envelope(envelope.drift, 0.0)})
    with_it, without = (
        load(name).audio(samples, 16_000, s, KeyedRandom(("a",)))[0] - samples[0]
        for s in (scene, steady)
    )
    loud = np.abs(without) > np.abs(without).max() / 4
    ratio = (with_it[loud] / without[loud]).astype(float)
    expected = envelope.sampled(48_000, 16_000)[loud]
    np.testing.assert_allclose(ratio / ratio.mean(), expected / expected.mean(), 0.01)


@pytest.mark.parametrize("name", SHARED)
def test_the_light_swings_around_the_published_value(name):
    envelopes = [getattr(scene_of(name, key=k), SHARED[name]) for k in range(200)]
    values = np.stack([e.at(np.arange(0, 10, 0.37)) for e in envelopes])
    assert values.mean() == pytest.approx(1, abs=0.01)
    # At every moment, not only over the whole clip.
    assert values.mean(0) == pytest.approx(np.ones(values.shape[1]), abs=0.03)
    assert 0.01 < values.std() < 0.15


def test_concert_raises_the_hsv_value():
    rng = np.random.default_rng(0)
    frame = rng.integers(0, 256, (40, 50, 3), np.uint8)
    frame[0, :3] = [[0, 0, 0], [255, 255, 255], [0, 0, 7]]
    found = np.empty_like(frame)
    Brightener(*frame.shape[:2])(frame, 51, found)
    for pixel, bright in zip(frame.reshape(-1, 3), found.reshape(-1, 3), strict=True):
        hue, saturation, value = colorsys.rgb_to_hsv(*pixel / 255)
        rgb = colorsys.hsv_to_rgb(hue, saturation, min(value + 0.2, 1))
        np.testing.assert_allclose(bright, 255 * np.array(rgb), atol=0.51)


def test_concert_turns_black_grey():
    black = np.zeros((1, 8, 8, 3), np.uint8)
    scene = scene_of("concert", 2)
    steady = replace(scene, beat=Envelope(scene.beat.drift, 0.0))
    assert (video("concert", black, [0.0], steady) == 51).all()


@pytest.mark.parametrize("time", [0.0, 3.3])
def test_smoke_has_an_exact_mean_and_keeps_dark_scenes_dark(time):
    scene = scene_of("smoke", 2)
    for largest in (0, 100, 255):
        frame = np.zeros((1, 90, 120, 3), np.uint8)
        frame[0, 0, 0] = largest
        spoilt = video("smoke", frame, [time], scene)
        amplitude = 2 * scene.fire.at(time)
        expected = amplitude / 2 * 255 * largest / (largest + 255 * amplitude)
        assert spoilt.mean() == pytest.approx(expected, abs=0.6)


def test_smoke_drifts_at_its_speed():
    grey = np.full((2, 200, 260, 3), 128, np.uint8)
    scene = replace(scene_of("smoke"), course=0.0, place=(0.2, 0.1))
    first, later = video("smoke", grey, [0.0, 1.0], scene)
    way = round(SPEED * 200)
    before = first[:, way:, 0].astype(float)
    after = later[:, :-way, 0].astype(float)
    assert np.corrcoef(before.ravel(), after.ravel())[0, 1] > 0.99
    assert np.corrcoef(first.ravel(), later.ravel())[0, 1] < 0.98


@pytest.mark.parametrize("size", [16, 120, 360])
def test_smoke_hides_more_where_only_the_grain_differs(size):
    frames, times = picture(1, size, size)
    for draw in range(20):
        source = clip(f"{draw}", frames, times)
        third, fourth = (
            psnr(
                frames[0],
                corrupt(source, load("smoke"), "smoke", s, modalities="v").frames[0],
            )
            for s in (3, 4)
        )
        assert fourth < third


def test_spatter_without_liquid_adds_nothing():
    light = water_light(np.zeros((20, 30), np.float32))
    assert not brightest(light, 0.6).any()


def test_the_embossing_is_the_published_filter():
    shades = np.random.default_rng(1).integers(0, 256, (30, 41), np.uint8)
    kernel = np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]])
    expected = np.zeros(shades.shape, int)
    wide = np.pad(shades.astype(int), 1, mode="reflect")
    for (row, column), weight in np.ndenumerate(kernel):
        expected += weight * wide[row : row + 30, column : column + 41]
    assert np.array_equal(embossed(shades), expected.clip(0, 255))


def test_water_is_bright_and_mud_is_dark():
    grey = np.full((1, 224, 224, 3), 128, np.uint8)
    for severity in SEVERITIES:
        spoilt = video("spatter", grey, [0.0], scene_of("spatter", severity))
        if severity <= 3:
            assert (spoilt >= grey).all()
        else:
            assert (spoilt <= grey).all()
        assert (spoilt != grey).any()


@pytest.mark.parametrize(("profile", "channel"), [("paper", 0), ("released", 2)])
def test_underwater_takes_red_or_swaps_and_takes_blue(profile, channel):
    frame = np.zeros((1, 30, 30, 3), np.uint8)
    frame[..., channel] = 255
    scene = scene_of("underwater", 1, profile=profile)
    steady = replace(scene, waves=Envelope(scene.waves.drift, 0.0))
    component = load("underwater", profile)
    (colour,) = np.unique(
        component.video(frame, np.zeros(1), steady, None)[0, 0], axis=0
    )
    # 0.85 times 0.9 (colour) times 0.9 (contrast) of 255, and 0.15 of haze 20.
    assert colour.tolist() == [179, 3, 3]


def test_the_blur_under_water_follows_the_short_side():
    at_224 = blur_variance(15, 224, 224)
    weights = cv2.getGaussianKernel(15, 2.6).ravel()
    assert at_224 == pytest.approx(weights @ (np.arange(15) - 7.0) ** 2)
    assert blur_variance(15, 896, 1600) == pytest.approx(16 * at_224, rel=0.02)
    assert blur_variance(3, 16, 16) == 0
