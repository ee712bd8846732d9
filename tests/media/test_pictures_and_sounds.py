import numpy as np
import pytest
import soundfile
from hypothesis import given, strategies as st
from PIL import Image

from avplug.core.errors import MediaError
from avplug.media.pictures import fit, open_rgb, save_rgb
from avplug.media.sound import read_sound, write_sound


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK", "1", "I;16"])
def test_every_mode_becomes_rgb(tmp_path, mode):
    suffix = "tiff" if mode == "CMYK" else "png"
    path = tmp_path / f"picture.{suffix}"
    Image.new(mode, (6, 4)).save(path)
    picture = open_rgb(path)
    assert picture.shape == (4, 6, 3)
    assert picture.dtype == np.uint8


def test_a_photograph_is_turned_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (6, 4)).save(tmp_path / "p.jpg", exif=exif)
    assert open_rgb(tmp_path / "p.jpg").shape == (6, 4, 3)


def test_pictures_that_are_none(tmp_path):
    with pytest.raises(MediaError, match="There is no picture"):
        open_rgb(tmp_path / "gone.jpg")
    text = tmp_path / "text.jpg"
    text.write_text("no picture")
    with pytest.raises(MediaError, match="is not a picture"):
        open_rgb(text)
    whole = tmp_path / "whole.jpg"
    Image.effect_noise((64, 64), 90).convert("RGB").save(whole)
    whole.write_bytes(whole.read_bytes()[:-2])
    with pytest.raises(MediaError, match="truncated or damaged"):
        open_rgb(whole)


@given(st.integers(1, 90), st.integers(1, 90), st.integers(1, 40))
def test_fit_gives_the_size_asked_for(height, width, size):
    frame = np.zeros((height, width, 3), np.uint8)
    assert fit(frame, size).shape == (size, size, 3)


def test_fit_keeps_the_centre_and_leaves_fitting_frames_alone():
    frame = np.zeros((10, 30, 3), np.uint8)
    frame[:, 10:20] = 200
    assert (fit(frame, 10) == 200).all()
    assert fit(frame, 0) is frame
    square = frame[:, :10]
    assert fit(square, 10) is square


def test_a_picture_with_an_unknown_suffix_leaves_nothing(tmp_path):
    with pytest.raises(MediaError, match="Cannot write the picture"):
        save_rgb(tmp_path / "x.nothing", np.zeros((2, 2, 3), np.uint8))
    assert not list(tmp_path.iterdir())


def test_float_sound_is_kept_exactly_beyond_one(tmp_path):
    samples = np.random.default_rng(0).normal(0, 3, (2, 500)).astype(np.float32)
    write_sound(tmp_path / "x.wav", samples, 8000)
    back, rate = read_sound(tmp_path / "x.wav")
    np.testing.assert_array_equal(back, samples)
    assert rate == 8000
    assert [path.name for path in tmp_path.iterdir()] == ["x.wav"]


def test_pcm_sound_is_clipped(tmp_path):
    samples = np.array([[0.5, 2.0, -2.0]], np.float32)
    write_sound(tmp_path / "x.wav", samples, 8000, subtype="PCM_16")
    back, _ = read_sound(tmp_path / "x.wav")
    np.testing.assert_allclose(back, [[0.5, 1, -1]], atol=1e-4)


@pytest.mark.parametrize("rate", [8000, 22_050, 44_100])
def test_resampling_keeps_pitch_and_length(tmp_path, rate):
    time = np.arange(rate) / rate
    tone = np.sin(2 * np.pi * 440 * time).astype(np.float32)
    write_sound(tmp_path / "x.wav", np.stack([tone, -tone]), rate)
    back, new_rate = read_sound(tmp_path / "x.wav", 16_000, "first")
    assert new_rate == 16_000
    assert back.shape == (1, 16_000)
    expected = np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000)
    assert np.abs(back[0] - expected)[200:-200].max() < 0.01
    mixed, _ = read_sound(tmp_path / "x.wav", 16_000, "mean")
    assert np.abs(mixed).max() == 0


@pytest.mark.parametrize("subtype", ["FLOAT", "PCM_16"])
def test_a_cut_wave_is_an_error(tmp_path, subtype):
    path = tmp_path / "x.wav"
    write_sound(path, np.zeros((2, 5000), np.float32), 8000, subtype=subtype)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(MediaError, match="truncated"):
        read_sound(path)


def test_a_cut_flac_is_an_error(tmp_path):
    path = tmp_path / "x.flac"
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 30_000)
    soundfile.write(path, noise, 8000)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(MediaError):
        read_sound(path)


def test_a_wave_streamed_without_its_length_is_read(tmp_path):
    path = tmp_path / "x.wav"
    write_sound(path, np.zeros((1, 100), np.float32), 8000, subtype="PCM_16")
    content = bytearray(path.read_bytes())
    place = content.index(b"data") + 4
    content[place : place + 4] = b"\xff" * 4
    path.write_bytes(content)
    assert read_sound(path)[0].shape == (1, 100)


def test_sounds_that_are_none(tmp_path):
    with pytest.raises(MediaError, match="There is no sound file"):
        read_sound(tmp_path / "gone.wav")
    text = tmp_path / "text.wav"
    text.write_text("no sound")
    with pytest.raises(MediaError, match="is not a sound file"):
        read_sound(text)
    soundfile.write(tmp_path / "none.wav", np.zeros(0), 8000)
    with pytest.raises(MediaError, match="holds no samples"):
        read_sound(tmp_path / "none.wav")
