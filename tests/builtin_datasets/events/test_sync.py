"""Sound and picture happen together: what is heard at a beat is seen at it."""

import numpy as np
import pytest

from avplug.builtin_datasets.events.canvas import Canvas, Pen
from avplug.builtin_datasets.events.draw import Draw
from avplug.builtin_datasets.events.looks import LOOKS
from avplug.builtin_datasets.events.rhythm import DURATION, Rhythm
from avplug.builtin_datasets.events.sounds import SOUNDS
from avplug.builtin_datasets.events.sounds.synth import RATE
from avplug.builtin_datasets.events.stage import Palette
from avplug.core.randomness import KeyedRandom

BLACK, WHITE = np.zeros(3, np.float32), np.ones(3, np.float32)


def key(index):
    return KeyedRandom(("sync", index))


def painter(look, index, **colours):
    """A look in black on black, except for the colours given, as a function of time."""
    palette = Palette(
        **dict.fromkeys(("top", "bottom", "main", "second", "accent"), BLACK) | colours
    )
    rhythm = Rhythm.drawn(key(index))
    thing = LOOKS[look](Draw(key(index).stream("look")), rhythm, palette)

    def picture(time):
        canvas = Canvas(np.zeros((64, 64, 3), np.float32))
        thing.paint(Pen(canvas, scale=0.7), time)
        return canvas.pixels[..., 0]

    return rhythm, picture


def centre(picture):
    """Return the centre of what is white, as x and y in pixels."""
    weights = picture / picture.sum()
    return weights.sum(0) @ np.arange(64), weights.sum(1) @ np.arange(64)


def within(rhythm):
    return [
        (now, (now + then) / 2)
        for now, then in zip(rhythm.times, rhythm.times[1:], strict=False)
        if 0 <= now < DURATION
    ]


@pytest.mark.parametrize("index", range(5))
def test_the_ball_is_lowest_at_each_beat(index):
    rhythm, picture = painter("bounce", index, main=WHITE)
    for beat, between in within(rhythm):
        assert centre(picture(beat))[1] > centre(picture(between))[1] + 3


@pytest.mark.parametrize("index", range(5))
def test_the_pendulum_turns_round_at_each_beat(index):
    rhythm, picture = painter("swing", index, main=WHITE)
    for beat, between in within(rhythm):
        out = abs(centre(picture(beat))[0] - 31.5)
        assert out > abs(centre(picture(between))[0] - 31.5) + 1


@pytest.mark.parametrize("index", range(5))
def test_the_beak_is_at_the_trunk_at_each_beat(index):
    rhythm, picture = painter("peck", index, main=WHITE)
    for beat, between in within(rhythm):
        assert centre(picture(beat))[0] > centre(picture(between))[0] + 0.2


@pytest.mark.parametrize("look", ["flash", "pulse", "cross"])
def test_light_waves_or_steam_appear_at_each_beat(look):
    rhythm, picture = painter(look, 1, accent=WHITE)
    for beat, _ in within(rhythm):
        assert np.abs(picture(beat + 0.01) - picture(beat - 0.01)).sum() > 3


@pytest.mark.parametrize("look", ["flit", "spin"])
def test_motion_has_no_jumps(look):
    _, picture = painter(look, 2, main=WHITE)
    for time in np.arange(0, DURATION, 0.2):
        assert np.abs(picture(time + 1e-4) - picture(time)).sum() < 3


@pytest.mark.parametrize("sound", ["thud", "ping", "tick", "chirp", "tune"])
@pytest.mark.parametrize("index", range(3))
def test_each_beat_is_heard_when_it_happens(sound, index):
    rhythm = Rhythm.drawn(key(index))
    wave = SOUNDS[sound](key(index).stream("sound"), rhythm)
    window = round(0.04 * RATE)
    for beat in rhythm.times:
        start = round(beat * RATE)
        if window <= start < len(wave) - window:
            after = np.mean(np.diff(wave[start : start + window]) ** 2)
            before = np.mean(np.diff(wave[start - window : start]) ** 2)
            assert after > 1.1 * before


@pytest.mark.parametrize("sound", ["buzz", "whoosh"])
@pytest.mark.parametrize("index", range(3))
def test_what_goes_on_and_on_is_loudest_at_the_beats(sound, index):
    rhythm = Rhythm.drawn(key(index))
    wave = SOUNDS[sound](key(index).stream("sound"), rhythm)
    window = round(0.05 * RATE)
    loud, quiet = [], []
    for times, levels in zip(
        zip(*within(rhythm), strict=True), (loud, quiet), strict=True
    ):
        for time in times:
            part = wave[round(time * RATE) :][:window]
            levels.append(np.mean(part**2) if len(part) == window else np.nan)
    assert np.nanmean(loud) > 1.2 * np.nanmean(quiet)


@pytest.mark.parametrize("index", range(3))
def test_the_siren_ends_its_sweep_at_each_beat(index):
    rhythm = Rhythm.drawn(key(index))
    positions = rhythm.position(np.array(rhythm.times[2:5]))
    np.testing.assert_allclose(positions, [2, 3, 4])
    wave = SOUNDS["siren"](key(index).stream("sound"), rhythm)
    crossings = []
    for beat in rhythm.times:
        part = wave[
            max(round((beat - 0.03) * RATE), 0) : max(round((beat + 0.03) * RATE), 0)
        ]
        if len(part) == round(0.06 * RATE):
            spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part)), 8192))
            crossings.append(int(spectrum.argmax()))
    steps = np.sign(np.diff(crossings))
    assert np.all(steps[1:] == -steps[:-1])
    assert np.all(steps != 0)
