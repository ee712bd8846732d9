"""The codecs: what they cost and spoil at each severity, and that nothing shifts."""

from __future__ import annotations

import numpy as np
import pytest
from avplug_codec import avplug_corruptions, codecs, ffmpeg, sound
from avplug_codec.bands import telephone_band
from avplug_codec.picture import code, frame_rate

from avplug import UsageError, corrupt

CODECS = [spec.name for spec in avplug_corruptions() if spec.category == "codec"]
SOUND_CODECS = ("AAC", "MP3", "OPUS", "G722", "G711", "G723")


@pytest.mark.parametrize("name", CODECS)
def test_each_severity_costs_fewer_bits_and_is_worse(
    name, load, clip, picture, psnr, snr
):
    source, component = clip(frames=30), load(name)
    # Headers are half of a stream of tiny pictures.
    large = picture(30, 144, 192)
    sizes, pictures, sounds = [], [], []
    for severity in range(1, 6):
        spoilt = corrupt(source, component, name, severity)
        pictures.append(psnr(spoilt.frames, source.frames))
        sounds.append(snr(source.audio, spoilt.audio))
        scene = component.scene(source.info, severity, None)
        sizes.append(component.coded(large, source.times, scene).size)
    assert (np.diff(pictures) < 0).all(), pictures
    assert (np.diff(sounds) < 0).all(), sounds
    assert (np.diff(sizes) < 0).all(), sizes
    # The mildest still shows what was filmed, the strongest spoils it.
    assert pictures[0] > 27
    assert pictures[4] < pictures[0] - 5


@pytest.mark.parametrize("name", SOUND_CODECS)
@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
def test_sound_stays_where_it_is(name, rate, voice, delay):
    codec = getattr(codecs, name)
    bits = 0 if name.startswith("G7") else 48_000
    before = voice(1.0, rate)
    after = sound.code(before, rate, codec, bit_rate=bits)
    assert after.shape == before.shape
    # To a fifth of a millisecond: speech codecs move phases.
    assert abs(delay(before[0], after[0])) <= rate // 5000


def test_two_channels_stay_apart(voice):
    left, right = voice(0.5), np.zeros_like(voice(0.5))
    for codec, bits in ((codecs.AAC, 32_000), (codecs.G711, 0)):
        both = np.concatenate([left, right])
        after = sound.code(both, 16_000, codec, bit_rate=bits)
        assert np.abs(after[1]).max() < 0.02 < np.abs(after[0]).max()


def test_a_missing_encoder_is_named_and_spares_the_others(monkeypatch, load):
    has = ffmpeg._has
    monkeypatch.setattr(ffmpeg, "_has", lambda name: name != "libx265" and has(name))
    with pytest.raises(UsageError, match=r"'h265' needs the encoder libx265, which"):
        load("h265")
    load("h264")


def test_an_unknown_encoder_is_told_from_a_known_one():
    assert ffmpeg._has("mpeg4")
    assert not ffmpeg._has("no-such-encoder")


def test_the_ffmpeg_belongs_to_the_identity(load):
    facts = load("vp9").facts()
    assert set(facts) == {"pyav", "libavcodec"}
    assert facts == load("h264").facts()


@pytest.mark.parametrize(
    ("times", "rate"),
    [
        ([0.0], 25),
        ([0.5, 0.5], 25),
        (np.arange(9) * 1001 / 30000, 30),
        ([0, 10, 20], 1),
        (np.arange(9) / 1000, 120),
    ],
)
def test_the_rate_of_frames(times, rate):
    assert frame_rate(np.asarray(times, np.float64)) == rate


def test_lost_frames_show_the_one_before(picture):
    frames = picture(frames=6)
    coded = code(
        frames,
        25,
        codecs.MPEG4_PART_2,
        {"qmin": "2", "qmax": "2"},
        carry=lambda index, packet: None if index in (2, 3) else packet,
    ).frames
    assert np.array_equal(coded[2], coded[1])
    assert np.array_equal(coded[3], coded[1])
    assert not np.array_equal(coded[4], coded[3])


def test_a_line_carries_its_band_only():
    time = np.arange(16_000) / 16_000
    for frequency, gain in ((150, 0), (1000, 1), (3300, 1), (3600, 0), (6000, 0)):
        tone = np.sin(2 * np.pi * frequency * time)[None].astype(np.float32)
        inside = telephone_band(tone, 16_000)[0, 2000:-2000]
        assert np.abs(inside).max() == pytest.approx(gain, abs=0.03)
