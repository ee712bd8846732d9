"""Float WAV files that are equal when their samples are; short copies of clips."""

import numpy as np
import pytest
import soundfile

from avplug.core.clip import Clip
from avplug.core.errors import MediaError
from avplug.media import wave
from avplug.media.excerpt import excerpt
from avplug.media.sound import read_sound
from avplug.media.wave import write_wave


@pytest.mark.parametrize("channels", [1, 2, 5])
def test_every_sample_comes_back(tmp_path, channels):
    samples = np.random.default_rng(0).normal(0, 3, (channels, 1001)).astype(np.float32)
    path = tmp_path / "new" / "sound.wav"
    write_wave(path, samples, 44_100)
    back, rate = read_sound(path)
    assert rate == 44_100
    np.testing.assert_array_equal(back, samples)
    info = soundfile.info(path)
    assert (info.format, info.subtype, info.frames) == ("WAV", "FLOAT", 1001)
    assert path.stat().st_size == 58 + samples.nbytes


def test_what_cannot_be_written(tmp_path, monkeypatch):
    with pytest.raises(MediaError, match="Cannot write"):
        write_wave(tmp_path, np.zeros((1, 4), np.float32), 8_000)
    monkeypatch.setattr(wave, "_LARGEST", 60)
    with pytest.raises(MediaError, match="too long for one WAV"):
        write_wave(tmp_path / "x.wav", np.zeros((1, 4), np.float32), 8_000)
    assert not list(tmp_path.iterdir())


def clip(rate, count, size=(50, 30)):
    times = np.arange(count) / rate
    frames = np.zeros((count, size[1], size[0], 3), np.uint8)
    frames[:, :, :, 0] = np.arange(count)[:, None, None]
    audio = np.zeros((1, round(count / rate * 8_000)), np.float32)
    return Clip("x", frames, times, audio, 8_000, count / rate)


@pytest.mark.parametrize(
    ("rate", "kept"),
    [(25, [0, 3, 5, 8, 10, 13, 15, 18, 20, 23]), (5, [0, 1, 2, 3, 4]), (10, range(10))],
)
def test_an_excerpt_has_few_frames_of_the_beginning(rate, kept):
    short = excerpt(clip(rate, 3 * rate), 1.0)
    assert short.frames[:, 0, 0, 0].tolist() == list(kept)
    np.testing.assert_allclose(short.times, np.array(kept) / rate)
    assert (short.audio.shape[1], short.duration) == (8_000, 1.0)


@pytest.mark.parametrize(
    ("size", "wanted"),
    [
        ((481, 301), (150, 240)),
        ((51, 31), (30, 50)),
        ((1, 1), (1, 1)),
        ((900, 2), (1, 240)),
    ],
)
def test_an_excerpt_is_small_and_even(size, wanted):
    assert excerpt(clip(10, 2, size), 4.0).frames.shape[1:3] == wanted
