"""Backgrounds reach their SNR on any clip, follow the envelope, and never vary."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import numpy as np
import pytest

from avplug.builtin_corruptions import bank
from avplug.builtin_corruptions.background import (
    BACKGROUNDS,
    add_background,
    background,
)
from avplug.builtin_corruptions.bank import LOOPS, SECONDS, SOUNDS, bank_loop
from avplug.builtin_corruptions.loops import looped, resampled_loop, stretch
from avplug.builtin_corruptions.timeline import Envelope
from avplug.core.randomness import KeyedRandom
from avplug.signal.mixing import achieved_snr_db
from tests.waiting import LONG

RNG = KeyedRandom((0, "clip"))
#: Run in a fresh process: hashes of loops and backgrounds, in the order given.
HASHES = """
import hashlib, json, sys
from avplug.builtin_corruptions.background import background
from avplug.builtin_corruptions.bank import bank_loop
from avplug.core.randomness import KeyedRandom

found = {}
for name in sys.argv[1].split(","):
    loop = bank_loop(name, 3, 16_000)
    heard = background(name, 9_000, 22_050, KeyedRandom((0, "clip")))
    found[name] = hashlib.sha256(loop.tobytes() + heard.tobytes()).hexdigest()
print(json.dumps(found, sort_keys=True))
"""


@pytest.fixture(autouse=True)
def _synthesised(monkeypatch):
    monkeypatch.delenv("AVPLUG_RECORDINGS", raising=False)


def noise(channels, count):
    draw = np.random.default_rng(count).standard_normal((channels, count))
    return (draw * 0.1).astype(np.float32)


@pytest.mark.parametrize("sound", BACKGROUNDS)
@pytest.mark.parametrize("snr_db", [40.0, 0.0])
def test_every_background_reaches_its_snr(sound, snr_db):
    clean = noise(1, 32_000)
    spoilt = add_background(clean, 16_000, sound, snr_db, RNG)
    assert spoilt.dtype == np.float32
    assert spoilt.shape == clean.shape
    assert achieved_snr_db(clean, spoilt) == pytest.approx(snr_db, abs=0.1)


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 44_100, 48_000])
@pytest.mark.parametrize("seconds", [0.05, 1.0, 30.0])
def test_the_snr_holds_at_any_rate_and_length(rate, seconds):
    clean = noise(1, int(rate * seconds))
    spoilt = add_background(clean, rate, "rain", 10.0, RNG)
    assert achieved_snr_db(clean, spoilt) == pytest.approx(10, abs=0.1)


@pytest.mark.parametrize("channels", [1, 2, 5])
def test_all_channels_hear_the_same(channels):
    clean = noise(channels, 8_000)
    added = add_background(clean, 16_000, "wind", 3.0, RNG) - clean
    assert achieved_snr_db(clean, clean + added) == pytest.approx(3, abs=0.1)
    assert np.allclose(added, added[:1], atol=1e-6)


def test_one_sample_and_none():
    one = np.array([[0.5]], np.float32)
    spoilt = add_background(one, 16_000, "rain", 10.0, RNG)
    assert achieved_snr_db(one, spoilt) == pytest.approx(10, abs=0.1)
    assert add_background(one[:, :0], 16_000, "rain", 10.0, RNG).shape == (1, 0)


def test_silence_stays_silent_and_nothing_is_changed_in_place():
    silence = np.zeros((2, 1_000), np.float32)
    spoilt = add_background(silence, 16_000, "snow", 0.0, RNG)
    assert not spoilt.any()
    assert spoilt is not silence
    clean = noise(1, 1_000)
    clean.flags.writeable = False
    assert not np.shares_memory(clean, add_background(clean, 16_000, "snow", 0.0, RNG))


def test_a_loud_clip_is_not_clipped():
    loud = np.full((1, 4_000), 1, np.float32)
    assert np.abs(add_background(loud, 16_000, "rain", 0.0, RNG)).max() > 1


def test_an_unknown_background_is_refused():
    with pytest.raises(ValueError, match=r"no background 'hail'; there are rain, wind"):
        add_background(noise(1, 10), 16_000, "hail", 0.0, RNG)


def test_the_envelope_is_followed():
    envelope = Envelope.drawn(KeyedRandom((7, "gusts")), depth=0.6, tau=2.0)
    count, rate = 160_000, 16_000
    clean = noise(1, count)
    even = add_background(clean, rate, "rain", 0.0, RNG) - clean
    gusty = add_background(clean, rate, "rain", 0.0, RNG, envelope) - clean
    wanted = even * envelope.sampled(count, rate)
    assert np.corrcoef(gusty[0], wanted[0])[0, 1] > 0.99999
    assert achieved_snr_db(clean, clean + gusty) == pytest.approx(0, abs=0.1)


def test_clips_differ_and_one_clip_never_does():
    heard = [background("rain", 4_000, 16_000, KeyedRandom((i,))) for i in range(20)]
    alike = np.abs(np.corrcoef(heard)[np.triu_indices(20, 1)])
    assert alike.max() < 0.5
    again = background("rain", 4_000, 16_000, KeyedRandom((3,)))
    assert np.array_equal(heard[3], again)


def test_a_clip_hears_the_same_at_any_rate():
    """Frequencies below the lower rate's limit are the same sound."""
    low = background("wind", 16_000, 8_000, RNG)
    high = background("wind", 32_000, 16_000, RNG)
    assert np.corrcoef(low, high[::2])[0, 1] > 0.99


@pytest.mark.parametrize("part", [0, 1])
def test_fire_and_siren_are_both_heard(part):
    names = BACKGROUNDS["fire_and_siren"]
    assert names == ("fire", "siren")
    shares = []
    for clip in range(20):
        rng = KeyedRandom((clip,))
        heard = background("fire_and_siren", 160_000, 16_000, rng)
        draws = rng.stream("background", names[part]).generator().random(3)
        loop = bank_loop(names[part], int(draws[0] * LOOPS), 16_000)
        alone = stretch(loop, draws[1], heard.size)
        shares.append(abs(np.corrcoef(heard, alone)[0, 1]))
    # 6 dB below the other is a correlation of 0.45, 6 dB above it of 0.89.
    assert 0.35 < min(shares) < 0.6
    assert 0.8 < max(shares) < 0.97


@pytest.mark.parametrize("sound", SOUNDS)
@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_loops_have_no_click_where_they_close(sound, rate):
    loop = bank_loop(sound, 0, rate)
    assert loop.size == SECONDS * rate
    assert not loop.flags.writeable
    # A jump is white: it would stand out above 6 kHz in the 8 ms around the seam. (With
    # no cross-fade crowd, underwater and wind are 3 to 30 times the median there.)
    width = round(0.008 * rate)
    treble = np.fft.rfftfreq(width, 1 / rate) > 6_000

    def brightness(start):
        piece = np.take(loop, np.arange(start, start + width), mode="wrap")
        return np.abs(np.fft.rfft(piece * np.hanning(width)))[treble].max()

    others = range(width, loop.size - width, loop.size // 97)
    assert brightness(-width // 2) < 2 * np.median([brightness(i) for i in others])


def test_a_loop_fades_its_end_into_its_beginning():
    ramp = np.arange(100, dtype=np.float32)
    loop = looped(ramp, 20)
    assert loop.size == 80
    assert loop[0] == pytest.approx(ramp[80], abs=4)
    assert loop[19] == pytest.approx(ramp[19], abs=4)
    assert np.array_equal(loop[20:], ramp[20:80])


def test_a_resampled_loop_is_seamless():
    time = np.arange(2 * 16_000) / 16_000
    tone = np.sin(2 * np.pi * 440 * time).astype(np.float32)
    turned = resampled_loop(tone, 16_000, 44_100)
    expected = np.sin(2 * np.pi * 440 * np.arange(2 * 44_100) / 44_100)
    # The ripple of the resampler's filter.
    assert np.abs(turned - expected).max() < 5e-3
    assert np.array_equal(turned[:100], resampled_loop(tone, 16_000, 44_100)[:100])


def test_a_stretch_goes_round_as_often_as_needed():
    loop = np.arange(10, dtype=np.float32)
    assert stretch(loop, 0.2, 3).tolist() == [2, 3, 4]
    assert stretch(loop, 0.8, 25).tolist() == [(8 + i) % 10 for i in range(25)]


def hashes(names):
    command = [sys.executable, "-c", HASHES, ",".join(names)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout


def test_fresh_processes_in_any_order_make_the_same_bits():
    names = ["rain", "wind", "snow", "frost", "water_drops", "underwater"]
    forth, back = hashes(names), hashes(names[::-1])
    assert forth == back
    assert len(set(json.loads(forth).values())) == len(names)


def test_threads_make_each_loop_once(monkeypatch):
    made = []
    plain = bank.renderer

    def counted(sound):
        made.append(sound)
        return plain(sound)

    monkeypatch.setattr(bank, "renderer", counted)
    bank._made.cache_clear()
    with ThreadPoolExecutor(8) as pool:
        loops = list(pool.map(lambda i: bank_loop("wind", i % 2, 16_000), range(16)))
    assert made == ["wind", "wind"]
    assert all(np.array_equal(loops[i], loops[i % 2]) for i in range(16))
    bank._made.cache_clear()
    assert np.array_equal(bank_loop("wind", 1, 16_000), loops[1])


def test_a_loop_that_is_being_made_holds_up_no_other(monkeypatch):
    begun, go_on, plain = Event(), Event(), bank.renderer

    def slow(sound):
        begun.set()
        assert go_on.wait(LONG)
        return plain(sound)

    bank._made.cache_clear()
    bank_loop("rain", 0, 16_000)
    monkeypatch.setattr(bank, "renderer", slow)
    with ThreadPoolExecutor(2) as pool:
        wind = pool.submit(bank_loop, "wind", 0, 16_000)
        assert begun.wait(LONG)
        rain = pool.submit(bank_loop, "rain", 0, 16_000)
        try:
            assert rain.result(30).size
            assert not wind.done()
        finally:
            go_on.set()
        assert wind.result(60).size
