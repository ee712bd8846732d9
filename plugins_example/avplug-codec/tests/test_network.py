"""Faults of the network: as often, as long and as late as they say."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from avplug_codec.annexb import split_units
from avplug_codec.concealment import conceal
from avplug_codec.congestion import MEMORY, PACKET, lost_moments
from avplug_codec.desync import OFFSETS_MS
from avplug_codec.outages import Dropout, Freeze, Schedule, Stutter
from avplug_codec.packet_loss import SHARES, Losses

from avplug import Clip, KeyedRandom, corrupt

RNG = KeyedRandom(("test",))


@pytest.mark.parametrize("share", SHARES)
def test_as_many_packets_are_lost_as_nominal(share):
    clips = [lost_moments(RNG.stream(i), 10.0, share) for i in range(200)]
    packets = np.concatenate(clips)
    # Neighbours resemble each other: fewer independent ones than there are.
    memory = math.exp(-PACKET / MEMORY)
    independent = len(packets) * (1 - memory) / (1 + memory)
    bound = 4 * math.sqrt(share * (1 - share) / independent)
    assert packets.mean() == pytest.approx(share, abs=bound)


def test_losses_cluster_and_grow_with_severity():
    every = [lost_moments(RNG, 600.0, share) for share in SHARES]
    for milder, stronger in pairwise(every):
        assert (stronger >= milder).all()
        assert stronger.sum() > milder.sum()
    lost = every[-1]
    after_a_loss = lost[1:][lost[:-1]].mean()
    assert after_a_loss > 2 * lost.mean()
    # A longer clip begins as a shorter one does.
    assert np.array_equal(lost[:50], lost_moments(RNG, 1.0, SHARES[-1]))


def test_slices_of_lost_moments_do_not_arrive():
    header, first, second = b"\0\0\0\1\x67ab", b"\0\0\1\x65cd", b"\0\0\1\x41ef"
    packet = header + first + second
    assert [(u.data, u.is_slice) for u in split_units(packet)] == [
        (header, False),
        (first, True),
        (second, True),
    ]
    losses = Losses(np.array([False, True, False, True, True]))
    # At 25 frames a second two slices leave 20 ms apart.
    assert losses.arriving(packet, 0.0, 25) == header + first
    assert losses.arriving(packet, 0.02, 25) == header + second
    assert losses.arriving(packet, 0.06, 25) is None


def test_lost_pictures_are_worse_the_more_are_lost(load, clip, psnr, snr):
    component = load("packet-loss")
    pictures, sounds = np.zeros(5), np.zeros(5)
    for name in "abcd":
        source = clip(name, frames=100)
        for severity in range(1, 6):
            spoilt = corrupt(source, component, "packet-loss", severity)
            pictures[severity - 1] += psnr(spoilt.frames, source.frames) / 4
            sounds[severity - 1] += np.square(spoilt.audio - source.audio).mean()
    assert (np.diff(pictures) < 0).all(), pictures
    assert (np.diff(sounds) > 0).all(), sounds


def test_a_lost_tone_goes_on_in_phase_and_fades():
    rate = 8000
    tone = np.sin(2 * np.pi * 200 * np.arange(4000) / rate)[None].astype(np.float32)
    lost = np.zeros(25, bool)
    lost[10:16] = True
    concealed = conceal(tone, rate, lost, PACKET)
    assert np.array_equal(concealed[:, :1600], tone[:, :1600])
    assert np.abs(concealed - tone)[:, 1600:1680].max() < 0.01
    assert np.abs(concealed[:, 1600 + 480 : 2560]).max() == 0
    assert np.array_equal(concealed[:, 2560 + 32 :], tone[:, 2560 + 32 :])


@pytest.mark.parametrize("rate", [400, 8_000, 44_100])
def test_sound_that_is_lost_from_the_start_is_silent(rate):
    samples = np.ones((2, rate // 2), np.float32)
    lost = np.arange(25) < 3
    concealed = conceal(samples, rate, lost, PACKET)
    assert not concealed[:, : round(0.06 * rate)].any()
    assert (concealed[:, -rate // 4 :] == 1).all()


def test_the_bandwidth_collapses_within_the_clip(load, clip, picture, psnr):
    source, component = clip(frames=60), load("bandwidth")
    after, rates = [], []
    for severity in range(1, 6):
        spoilt = corrupt(source, component, "bandwidth", severity)
        scene = component.scene(source.info, severity, RNG)
        assert 0.2 <= scene.moment / source.duration <= 0.5
        quality = [
            psnr(a, b) for a, b in zip(spoilt.frames, source.frames, strict=True)
        ]
        after.append(np.mean(quality[30:]))
        assert np.mean(quality[:12]) > after[-1]
        parts = component.sent(picture(60, 144, 192), source.times, scene)
        early, late = (part.size / len(part.frames) for part in parts)
        rates.append(late)
        assert late < early
    assert (np.diff(after) < 0).all(), after
    # From one size to the next a smooth motion may become an awkward one.
    assert rates[4] < rates[2] < rates[0], rates


@pytest.mark.parametrize("kind", [Dropout, Freeze, Stutter])
def test_outages_take_their_share_and_grow(kind):
    source = Clip("c", None, None, np.ones((1, 8000), np.float32), 100, 80.0)
    moments = np.arange(80_000) / 1000
    hidden = [
        np.isfinite(kind().scene(source.info, severity, RNG).began(moments))
        for severity in range(1, 6)
    ]
    for milder, stronger in pairwise(hidden):
        assert (stronger >= milder).all()
    shares = [h.mean() for h in hidden]
    assert shares == pytest.approx(kind.shares, abs=0.02)


def schedule(*spans):
    return Schedule(np.array(spans))


def test_outages_by_hand():
    times = np.arange(6) / 10
    frames = np.arange(6, dtype=np.uint8)[:, None, None, None].repeat(3, 3)
    samples = np.arange(1, 61, dtype=np.float32)[None]
    when = schedule((0.2, 0.4))

    def seen(kind):
        return kind().video(frames, times, when, RNG)[:, 0, 0, 0].tolist()

    assert seen(Dropout) == [0, 1, 0, 0, 4, 5]
    assert seen(Freeze) == seen(Stutter) == [0, 1, 2, 2, 4, 5]
    quiet = Freeze().audio(samples, 100, when, RNG)[0]
    assert np.flatnonzero(quiet == 0).tolist() == list(range(20, 40))
    stuck = Stutter().audio(samples, 100, when, RNG)[0]
    assert stuck[20:40].tolist() == [16, 17, 18, 19, 20] * 4
    assert np.array_equal(
        np.delete(stuck, range(20, 40)), samples[0, [*range(20), *range(40, 60)]]
    )


def test_what_is_stuck_before_the_clip_began():
    frames = np.arange(3, dtype=np.uint8)[:, None, None, None].repeat(3, 3)
    samples = np.ones((1, 30), np.float32)
    when = schedule((-0.5, 0.15))
    shown = Freeze().video(frames, np.arange(3) / 10, when, RNG)
    assert shown[:, 0, 0, 0].tolist() == [0, 0, 2]
    assert Stutter().audio(samples, 100, when, RNG)[0, :15].tolist() == [0] * 15


def test_a_dropout_does_not_depend_on_which_frames_were_sampled(load, clip):
    source, component = clip(), load("dropout")
    part = Clip("clip", source.frames[::7], source.times[::7], None, 0, source.duration)
    whole = corrupt(source, component, "dropout", 4).frames[::7]
    assert np.array_equal(corrupt(part, component, "dropout", 4).frames, whole)


@pytest.mark.parametrize("severity", [1, 2, 3, 4, 5])
def test_the_offset_is_the_nominal_one(severity, load, delay):
    noise = np.random.default_rng(0).normal(0, 0.1, (2, 40_000)).astype(np.float32)
    signs = set()
    for name in "abcdef":
        source = Clip(name, None, None, noise, 8000, 5.0)
        moved = corrupt(source, load("desync"), "desync", severity)
        late = delay(noise[1], moved.audio[1]) / 8
        assert abs(late) == OFFSETS_MS[severity - 1]
        assert load("desync").distortion(source, moved) == (abs(late), abs(late))
        signs.add(late > 0)
    assert signs == {True, False}
