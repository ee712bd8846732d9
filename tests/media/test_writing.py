import av
import numpy as np
import pytest

from avplug.core.clip import AS_IS, Clip
from avplug.core.errors import MediaError
from avplug.media.read import read_clip
from avplug.media.write import write_clip
from tests.media import recipes

UNEVEN = np.array([0.0, 0.04, 0.1, 0.2, 0.217, 0.25])


def noise(
    *, size=(66, 50), channels=2, rate=16_000, seconds=0.29, times=UNEVEN, gain=1.0
) -> Clip:
    draw = np.random.default_rng(0)
    shape = (len(times), size[1], size[0], 3)
    frames = draw.integers(0, 256, shape, dtype=np.uint8)
    samples = draw.normal(0, gain, (channels, round(rate * seconds)))
    return Clip("noise", frames, times, samples.astype(np.float32), rate, seconds)


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv"])
@pytest.mark.parametrize("size", [(66, 50), (65, 49), (17, 90)])
def test_a_lossless_copy_is_exact(tmp_path, suffix, size):
    clip = noise(size=size, gain=5)
    path = tmp_path / f"copy.{suffix}"
    assert write_clip(clip, path, lossless=True).notes == ()
    back = read_clip(path, AS_IS, "noise")
    np.testing.assert_array_equal(back.frames, clip.frames)
    np.testing.assert_array_equal(back.audio, clip.audio)
    assert back.sample_rate == clip.sample_rate
    tolerance = 6e-4 if suffix == "mkv" else 1e-9
    np.testing.assert_allclose(back.times, clip.times, atol=tolerance)
    assert back.duration == pytest.approx(clip.duration, abs=2e-3)


@pytest.mark.parametrize("channels", range(1, 9))
@pytest.mark.parametrize("rate", [8000, 44_100])
def test_every_channel_survives_a_lossless_copy(tmp_path, channels, rate):
    clip = noise(channels=channels, rate=rate, seconds=1.7)
    write_clip(clip, tmp_path / "copy.mp4", lossless=True)
    back = read_clip(tmp_path / "copy.mp4", AS_IS, "noise", need="a")
    np.testing.assert_array_equal(back.audio, clip.audio)


def test_too_many_channels_are_refused(tmp_path):
    with pytest.raises(MediaError, match="9 channels; a file holds at most 8"):
        write_clip(noise(channels=9), tmp_path / "x.mp4")
    assert not list(tmp_path.iterdir())


def test_a_viewing_copy_plays_in_a_browser(tmp_path):
    path = tmp_path / "view.mp4"
    write_clip(noise(), path, comment='{"severity": 5}')
    content = path.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")
    with av.open(str(path)) as container:
        picture, sound = container.streams.video[0], container.streams.audio[0]
        context = picture.codec_context
        assert (context.codec_tag, context.pix_fmt) == ("avc1", "yuv420p")
        assert (context.colorspace, context.color_range) == (1, 1)
        assert (context.color_primaries, context.color_trc) == (1, 1)
        assert sound.codec_context.codec_tag == "mp4a"
        assert sound.codec_context.name == "aac"
        assert container.metadata["comment"] == '{"severity": 5}'


def test_a_viewing_copy_looks_and_sounds_alike_at_the_same_times(tmp_path):
    smooth = np.linspace(0, 255, 64 * 48 * 3).reshape(48, 64, 3).astype(np.uint8)
    sound = recipes.tone(0.5, 16_000, 2)
    clip = Clip("x", np.stack([smooth] * 6), UNEVEN, sound, 16_000, 0.5)
    write_clip(clip, tmp_path / "view.mp4")
    back = read_clip(tmp_path / "view.mp4", AS_IS, "x")
    np.testing.assert_allclose(back.times, clip.times, atol=1e-9)
    assert np.abs(back.frames.astype(int) - clip.frames).mean() < 3
    common = back.audio[:, : sound.shape[1]]
    assert np.corrcoef(common[1], sound[1])[0, 1] > 0.99


def test_odd_sizes_are_padded_by_their_edge_and_said_so(tmp_path):
    frames = np.zeros((2, 49, 65, 3), np.uint8)
    frames[:, -1], frames[:, :, -1] = 200, 200
    clip = Clip("x", frames, np.array([0.0, 0.5]), None, 0, 1.0)
    written = write_clip(clip, tmp_path / "odd.mp4")
    assert written.notes == ("padded 65x49 to 66x50: H.264 needs even sizes",)
    back = read_clip(tmp_path / "odd.mp4", AS_IS, "x", need="v")
    assert back.frames.shape == (2, 50, 66, 3)
    assert back.frames[:, -1].mean() > 180
    assert back.duration == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize(("rate", "stored"), [(10_000, 11_025), (192_000, 96_000)])
def test_rates_that_aac_lacks_are_resampled_and_said_so(tmp_path, rate, stored):
    written = write_clip(noise(rate=rate, gain=0.1), tmp_path / "x.mp4")
    assert f"sound resampled to {stored} Hz" in written.notes[0]
    back = read_clip(tmp_path / "x.mp4", AS_IS, "x")
    assert back.sample_rate == stored
    assert back.audio.shape[1] / stored == pytest.approx(0.29, abs=0.2)


def test_a_still_picture_lasts_as_long_as_its_sound(tmp_path):
    clip = noise(times=np.zeros(1), seconds=2.0)
    write_clip(clip, tmp_path / "still.mp4", lossless=True)
    back = read_clip(tmp_path / "still.mp4", AS_IS, "x", need="v")
    assert back.frames.shape[0] == 1
    assert back.duration == pytest.approx(2, abs=1e-3)


def test_a_late_first_frame_stays_late(tmp_path):
    clip = noise(times=UNEVEN + 0.2, seconds=0.6)
    write_clip(clip, tmp_path / "late.mp4", lossless=True)
    back = read_clip(tmp_path / "late.mp4", AS_IS, "x")
    np.testing.assert_allclose(back.times, clip.times, atol=1e-9)
    np.testing.assert_array_equal(back.audio, clip.audio)


def test_a_frame_rate_replaces_the_times(tmp_path):
    write_clip(noise(), tmp_path / "x.mp4", frame_rate=25, lossless=True)
    back = read_clip(tmp_path / "x.mp4", AS_IS, "x")
    np.testing.assert_allclose(back.times, np.arange(6) / 25, atol=1e-9)


def test_sound_alone(tmp_path):
    clip = Clip("x", None, None, recipes.tone(1, 16_000, 1), 16_000, 1.0)
    write_clip(clip, tmp_path / "x.mp4", lossless=True)
    back = read_clip(tmp_path / "x.mp4", AS_IS, "x", need="a")
    np.testing.assert_array_equal(back.audio, clip.audio)


@pytest.mark.parametrize("name", ["x.avi", "x.webm", "x"])
def test_a_suffix_that_cannot_hold_it_names_those_that_can(tmp_path, name):
    with pytest.raises(MediaError, match=r"\.mp4, \.mov, \.mkv"):
        write_clip(noise(), tmp_path / name)


def test_nothing_to_write(tmp_path):
    with pytest.raises(MediaError, match="neither frames nor sound"):
        write_clip(Clip("x", None, None, None, 0, 1.0), tmp_path / "x.mp4")


def test_a_failure_leaves_what_was_there(tmp_path, monkeypatch):
    from avplug.media.encoders import PictureTrack

    path = tmp_path / "x.mp4"
    path.write_text("precious")

    def full(self, frame, stamp):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(PictureTrack, "_picture", full)
    with pytest.raises(MediaError, match="No space left on device"):
        write_clip(noise(), path)
    assert path.read_text() == "precious"
    assert list(tmp_path.iterdir()) == [path]


def test_a_path_that_is_a_folder_is_an_error(tmp_path):
    (tmp_path / "x.mp4").mkdir()
    with pytest.raises(MediaError, match="Cannot write"):
        write_clip(noise(), tmp_path / "x.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["x.mp4"]
