"""Folders of the user's recordings are understood, or refused with what they lack."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from avplug.builtin_corruptions.background import (
    BACKGROUNDS,
    add_background,
    background,
)
from avplug.builtin_corruptions.recordings import (
    CATEGORIES,
    recorded_loop,
    recording_files,
    recordings_facts,
    recordings_fingerprint,
    recordings_folder,
    without_silence,
)
from avplug.core.errors import MediaError, UsageError
from avplug.core.randomness import KeyedRandom
from avplug.signal.mixing import achieved_snr_db
from tests.builtin_corruptions.clips import SPECS, load

SHARED = Path(os.environ.get("AVPLUG_SHARED", Path(__file__).parents[3] / "shared"))
REAL = SHARED / "data" / "recordings"
RNG = KeyedRandom((0, "clip"))

needs_recordings = pytest.mark.skipif(
    not REAL.is_dir(), reason=f"no {REAL} (set AVPLUG_SHARED)"
)


def tone(path, hertz=440.0, seconds=2.0, rate=16_000, channels=1):
    """Write a sine with a little noise, so that no two stretches are alike."""
    path.parent.mkdir(parents=True, exist_ok=True)
    count = round(seconds * rate)
    wave = 0.3 * np.sin(2 * np.pi * hertz * np.arange(count) / rate)
    wave += np.random.default_rng(count).normal(0, 0.01, count)
    soundfile.write(path, np.stack([wave] * channels, axis=1), rate)
    return path


@pytest.fixture(autouse=True)
def _no_setting(monkeypatch):
    monkeypatch.delenv("AVPLUG_RECORDINGS", raising=False)
    monkeypatch.delenv("AVPLUG_RECORDINGS_MISSING", raising=False)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("AVPLUG_RECORDINGS", str(tmp_path))
    return tmp_path


def pitch(samples, rate):
    power = np.abs(np.fft.rfft(samples * np.hanning(samples.size)))
    return power.argmax() * rate / samples.size


def test_without_the_setting_sounds_are_synthesised(monkeypatch):
    assert recordings_folder() is None
    monkeypatch.setenv("AVPLUG_RECORDINGS", "")
    assert recordings_folder() is None


def test_a_folder_that_is_not_there_is_refused(monkeypatch):
    monkeypatch.setenv("AVPLUG_RECORDINGS", "nowhere")
    with pytest.raises(UsageError, match=r"='nowhere' is not a folder"):
        background("rain", 100, 16_000, RNG)


@pytest.mark.parametrize("rate", [8_000, 16_000, 48_000])
def test_the_layout_of_the_repository(folder, rate):
    tone(folder / "rain" / "one.wav", 440.0, rate=44_100, channels=2)
    heard = background("rain", 2 * rate, rate, RNG)
    assert pitch(heard, rate) == pytest.approx(440, abs=1)


def test_the_layout_of_esc50_by_name(folder):
    tone(folder / "audio" / "5-1-A-10.wav", 300.0)
    tone(folder / "audio" / "5-2-A-16.wav", 600.0)
    tone(folder / "audio" / "5-3-A-0.wav", 900.0)
    assert pitch(background("rain", 16_000, 16_000, RNG), 16_000) == 300
    assert pitch(background("wind", 16_000, 16_000, RNG), 16_000) == 600


def test_the_table_of_esc50_is_believed(folder):
    rain = tone(folder / "audio" / "shower.wav")
    wind = tone(folder / "audio" / "5-2-A-10.wav")
    table = folder / "meta" / "esc50.csv"
    table.parent.mkdir()
    with table.open("w", newline="") as file:
        rows = [("filename", "target"), (rain.name, 10), (wind.name, 16)]
        csv.writer(file).writerows(rows)
    assert recording_files(folder, "rain") == (rain,)
    assert recording_files(folder, "wind") == (wind,)


def test_a_table_of_something_else_is_refused(folder):
    (folder / "meta").mkdir()
    (folder / "meta" / "esc50.csv").write_text("name,class\na.wav,10\n")
    with pytest.raises(UsageError, match=r"not the table of ESC-50: 'filename'"):
        recording_files(folder, "rain")


def test_fire_and_siren_share_a_folder(folder):
    shared = folder / "crackling_fire_and_siren"
    fire, siren = tone(shared / "5-1-A-12.wav"), tone(shared / "5-2-A-42.wav")
    own = tone(shared / "bonfire.wav")
    assert recording_files(folder, "fire") == (fire, own)
    assert recording_files(folder, "siren") == (siren,)


def test_one_of_fire_and_siren_is_enough(folder):
    tone(folder / "audio" / "5-2-A-42.wav", 700.0)
    heard = background("fire_and_siren", 16_000, 16_000, RNG)
    assert pitch(heard, 16_000) == 700


def test_what_is_missing_is_named(folder):
    tone(folder / "rain" / "one.wav")
    with pytest.raises(UsageError) as caught:
        background("fire_and_siren", 100, 16_000, RNG)
    assert str(caught.value) == (
        f"There is no recording of fire or siren in AVPLUG_RECORDINGS={str(folder)!r}: "
        "looked for crackling_fire_and_siren/*.wav, audio/*-12.wav, audio/*-42.wav. "
        "Found there: rain. To make the sounds that are missing, set "
        "AVPLUG_RECORDINGS_MISSING=synthesise."
    )


def test_what_is_missing_can_be_synthesised(folder, monkeypatch):
    with pytest.raises(UsageError, match=r"no recording of snow .* there: nothing"):
        background("snow", 4_000, 16_000, RNG)
    monkeypatch.setenv("AVPLUG_RECORDINGS_MISSING", "synthesise")
    mixed = background("snow", 4_000, 16_000, RNG)
    monkeypatch.delenv("AVPLUG_RECORDINGS")
    assert np.array_equal(mixed, background("snow", 4_000, 16_000, RNG))


def test_an_unknown_choice_is_refused(folder, monkeypatch):
    monkeypatch.setenv("AVPLUG_RECORDINGS_MISSING", "guess")
    with pytest.raises(UsageError, match=r"'guess' is unknown. Choices: error, synth"):
        background("snow", 100, 16_000, RNG)


def test_digital_silence_is_dropped(tmp_path):
    count = 16_000
    sound = np.concatenate([np.zeros(count), np.ones(count), np.zeros(count)])
    kept = without_silence(sound.astype(np.float32), 16_000)
    # A window that holds a little of the sound is kept whole.
    assert count <= kept.size <= count + 2 * 320
    file = tmp_path / "padded.wav"
    draw = np.random.default_rng(0).normal(0, 0.1, count)
    soundfile.write(file, np.concatenate([np.zeros(count), draw]), 16_000)
    loop = recorded_loop(file, 16_000)
    assert loop.size <= count + 320 - 8_000
    assert np.mean(loop**2) == pytest.approx(1, abs=0.1)


def test_a_silent_recording_is_refused(tmp_path):
    file = tmp_path / "silent.wav"
    soundfile.write(file, np.zeros(16_000), 16_000)
    with pytest.raises(UsageError, match=r"silent\.wav' is silent"):
        recorded_loop(file, 16_000)


def test_a_damaged_recording_is_refused(folder):
    (folder / "rain").mkdir()
    (folder / "rain" / "one.wav").write_bytes(b"not a sound")
    with pytest.raises(MediaError, match=r"one\.wav' is not a sound file"):
        background("rain", 100, 16_000, RNG)


@pytest.mark.parametrize("seconds", [0.01, 0.3, 2.0])
def test_short_recordings_fill_long_clips(folder, seconds):
    tone(folder / "rain" / "one.wav", seconds=seconds)
    clean = np.random.default_rng(0).normal(0, 0.1, (2, 80_000)).astype(np.float32)
    spoilt = add_background(clean, 16_000, "rain", 10.0, RNG)
    assert achieved_snr_db(clean, spoilt) == pytest.approx(10, abs=0.1)


def test_file_and_offset_follow_the_key_and_not_the_place(tmp_path, monkeypatch):
    heard = []
    for place in ("here", "there"):
        for index in range(4):
            file = tmp_path / place / "rain" / f"{index}.wav"
            tone(file, 300.0 + 100 * index, seconds=1.5 + index)
        monkeypatch.setenv("AVPLUG_RECORDINGS", str(tmp_path / place))
        clips = (KeyedRandom((i,)) for i in range(12))
        heard.append([background("rain", 4_000, 16_000, rng) for rng in clips])
    assert np.array_equal(*heard)
    found = {round(pitch(one, 16_000), -2) for one in heard[0]}
    assert found == {300, 400, 500, 600}


def test_the_fingerprint_is_of_names_and_sizes(tmp_path, monkeypatch):
    for place in ("one", "two"):
        tone(tmp_path / place / "rain" / "a.wav")
    one, two = tmp_path / "one", tmp_path / "two"
    plain = recordings_fingerprint(one)
    assert len(plain) == 32
    assert recordings_fingerprint(two) == plain
    (two / "notes.txt").write_text("these do not matter")
    assert recordings_fingerprint(two) == plain
    tone(two / "rain" / "b.wav")
    more = recordings_fingerprint(two)
    (two / "rain" / "b.wav").rename(two / "rain" / "c.wav")
    renamed = recordings_fingerprint(two)
    tone(two / "rain" / "c.wav", seconds=3.0)
    assert len({plain, more, renamed, recordings_fingerprint(two)}) == 4
    monkeypatch.setenv("AVPLUG_RECORDINGS_MISSING", "synthesise")
    assert recordings_fingerprint(one) == f"{plain}+synthesise"


def test_facts_hold_the_fingerprint_only_with_recordings(tmp_path, monkeypatch):
    assert recordings_facts() == {}
    tone(tmp_path / "rain" / "a.wav")
    monkeypatch.setenv("AVPLUG_RECORDINGS", str(tmp_path))
    assert recordings_facts() == {"recordings": recordings_fingerprint(tmp_path)}


@needs_recordings
def test_every_sound_is_in_the_real_folder():
    assert all(recording_files(REAL, sound) for sound in CATEGORIES)
    assert len(recording_files(REAL, "siren")) == 2
    assert len(recording_files(REAL, "fire")) == 1


@needs_recordings
@pytest.mark.parametrize("sound", BACKGROUNDS)
@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_real_recordings_reach_the_snr(monkeypatch, sound, rate):
    monkeypatch.setenv("AVPLUG_RECORDINGS", str(REAL))
    clean = np.random.default_rng(0).normal(0, 0.1, (1, 6 * rate)).astype(np.float32)
    spoilt = add_background(clean, rate, sound, 10.0, RNG)
    assert achieved_snr_db(clean, spoilt) == pytest.approx(10, abs=0.1)


@pytest.mark.parametrize("name", sorted(SPECS))
def test_recordings_belong_to_the_identity_of_what_mixes_them_in(
    name, tmp_path, monkeypatch
):
    component = load(name)
    monkeypatch.delenv("AVPLUG_RECORDINGS", raising=False)
    assert component.facts() == {}
    (tmp_path / "rain").mkdir()
    soundfile.write(tmp_path / "rain" / "a.wav", np.ones(800), 8_000)
    monkeypatch.setenv("AVPLUG_RECORDINGS", str(tmp_path))
    mixes = SPECS[name].category != "digital" and name != "interference"
    assert bool(component.facts()) == mixes
