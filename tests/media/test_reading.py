import random
import sys
from pathlib import Path

import numpy as np
import pytest

from avplug.core.clip import AS_IS, InputSpec
from avplug.core.errors import MediaError, MissingExtraError, UsageError
from avplug.media.read import read_clip, tracks_of
from tests.media import recipes
from tests.media.recipes import number_of


def numbers(clip):
    return [number_of(frame) for frame in clip.frames]


def words_of(path: Path, **options) -> str:
    with pytest.raises(MediaError) as caught:
        read_clip(path, AS_IS, "clip", **options)
    assert str(path) in str(caught.value)
    return str(caught.value)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    path = tmp_path_factory.mktemp("source") / "source.mp4"
    return recipes.video(path, moov_first=True)


@pytest.fixture(scope="module")
def moov_last(tmp_path_factory):
    return recipes.video(tmp_path_factory.mktemp("last") / "last.mp4")


def test_every_frame_and_sample_as_they_are(source):
    clip = read_clip(source, AS_IS, "name")
    assert clip.id == "name"
    assert numbers(clip) == list(range(90))
    assert clip.frames.shape == (90, 64, 128, 3)
    np.testing.assert_allclose(clip.times, np.arange(90) / 30, atol=1e-9)
    assert clip.sample_rate == 44_100
    assert clip.audio.shape[0] == 2
    assert clip.duration == pytest.approx(3, abs=0.03)


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv", "avi", "ts", "flv"])
def test_any_container(tmp_path, suffix):
    clip = read_clip(recipes.video(tmp_path / f"x.{suffix}", count=30), AS_IS, "x")
    assert numbers(clip) == list(range(30))
    assert np.diff(clip.times).min() > 0.03


def test_frames_that_an_edit_list_hides_are_not_shown(source, tmp_path):
    path = recipes.cut_by_copy(source, tmp_path / "cut.mp4", first=37)
    clip = read_clip(path, AS_IS, "cut", need="v")
    assert numbers(clip) == list(range(37, 90))
    assert clip.times[0] == 0
    assert clip.duration == pytest.approx(53 / 30, abs=1e-6)
    tenths = read_clip(path, InputSpec(0, picks=(0, 5, 9)), "cut", need="v")
    assert numbers(tenths) == [37, 37 + 25, 37 + 46]


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
def test_frames_that_cannot_be_decoded_are_not_counted(tmp_path, suffix):
    whole = recipes.video(
        tmp_path / "whole.mp4", count=42, sound=False, key_frame_each=12
    )
    path = recipes.without_key_frame(whole, tmp_path / f"cut.{suffix}")
    clip = read_clip(path, AS_IS, "x", need="v")
    first, last = number_of(clip.frames[0]), number_of(clip.frames[-1])
    assert 0 < first <= 12
    assert numbers(clip) == list(range(first, last + 1))
    halves = read_clip(path, InputSpec(0, grid=2, picks=(0, 1)), "x", need="v")
    assert numbers(halves) == [first, first + len(clip.frames) // 2 - 1]


def test_a_stream_without_times_is_refused(tmp_path):
    path = recipes.video(tmp_path / "raw.h264", count=5, sound=False)
    assert "says of no frame when to show it" in words_of(path, need="v")


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_rotation_is_applied(source, tmp_path, degrees):
    path = recipes.turned(source, tmp_path / "turned.mp4", degrees)
    plain = read_clip(source, AS_IS, "x", need="v")
    clip = read_clip(path, AS_IS, "x", need="v")
    np.testing.assert_array_equal(
        clip.frames[7], np.rot90(plain.frames[7], degrees // 90)
    )


def test_variable_frame_rate_keeps_true_times_and_picks_by_time(tmp_path):
    draw = random.Random(1)
    stamps = [0]
    while len(stamps) < 60:
        stamps.append(stamps[-1] + draw.choice([17, 33, 50, 100]))
    path = recipes.video(tmp_path / "vfr.mp4", milliseconds=stamps, sound=False)
    clip = read_clip(path, AS_IS, "x", need="v")
    np.testing.assert_allclose(clip.times, np.array(stamps) / 1000, atol=1e-9)
    middle = read_clip(path, InputSpec(0, picks=(5,)), "x", need="v")
    shown = np.searchsorted(clip.times, clip.duration / 2, side="right") - 1
    assert numbers(middle) == [shown - 1]


def test_a_part_of_a_file_begins_at_time_zero(source):
    clip = read_clip(source, AS_IS, "x", start=1, end=2)
    assert numbers(clip) == list(range(30, 60))
    assert clip.times[0] == 0
    assert clip.audio.shape == (2, 44_100)
    assert clip.duration == 1
    whole = read_clip(source, AS_IS, "x")
    np.testing.assert_array_equal(clip.audio, whole.audio[:, 44_100:88_200])


def test_a_part_late_in_a_long_file_is_found_by_seeking(tmp_path):
    stamps = [number * 1000 for number in range(120)]
    path = recipes.video(tmp_path / "long.mp4", milliseconds=stamps, sound_rate=8000)
    clip = read_clip(path, AS_IS, "x", start=100, end=105)
    assert numbers(clip) == [100, 101, 102, 103, 104]
    # The tone repeats each second, so silence or a shift would show.
    assert clip.audio.shape == (2, 40_000)
    expected = recipes.tone(5, 8000)
    assert np.corrcoef(clip.audio[0], expected[0])[0, 1] > 0.99


def test_a_part_beyond_the_end_shows_no_frames(source):
    assert "shows no frames from 5 s to 9 s" in words_of(source, start=5, end=9)


def test_a_part_that_ends_before_it_begins_is_refused(source):
    with pytest.raises(UsageError, match="no part from 2 s to 1"):
        read_clip(source, AS_IS, "x", start=2, end=1)


@pytest.mark.parametrize(
    ("layout", "channels"), [("mono", 1), ("stereo", 2), ("5.1", 6), ("7.1", 8)]
)
def test_channels_are_kept_chosen_or_mixed(tmp_path, layout, channels):
    path = recipes.video(tmp_path / "x.mp4", count=9, layout=layout, sound_rate=48_000)
    every = read_clip(path, InputSpec(0, 0, channels="all"), "x").audio
    first = read_clip(path, InputSpec(0, 0, channels="first"), "x").audio
    mean = read_clip(path, InputSpec(0, 0, channels="mean"), "x").audio
    assert every.shape[0] == channels
    np.testing.assert_array_equal(first, every[:1])
    np.testing.assert_allclose(mean, every.mean(0, keepdims=True), atol=1e-6)


def test_resampling_keeps_the_last_samples(source):
    whole = read_clip(source, AS_IS, "x").audio.shape[1]
    clip = read_clip(source, InputSpec(), "x")
    assert clip.sample_rate == 16_000
    assert clip.audio.shape == (1, int(np.ceil(whole * 16_000 / 44_100)))
    time = np.arange(40_000) / 16_000
    tone = 0.5 * np.sin(2 * np.pi * 440 * time)
    # AAC needs a moment to settle on a tone.
    assert np.abs(clip.audio[0, 16_000:40_000] - tone[16_000:]).max() < 0.02


def test_frames_are_resized_and_cut_to_a_square(source):
    clip = read_clip(source, InputSpec(size=32, picks=(0, 9)), "x")
    assert clip.frames.shape == (2, 32, 32, 3)


@pytest.mark.parametrize("pix_fmt", ["yuv444p", "yuv420p10le", "gray"])
def test_pixel_formats_and_odd_sizes(tmp_path, pix_fmt):
    size = (129, 65) if pix_fmt == "yuv444p" else (128, 64)
    path = recipes.video(tmp_path / "x.mp4", count=5, size=size, pix_fmt=pix_fmt)
    clip = read_clip(path, AS_IS, "x")
    assert clip.frames.shape == (5, size[1], size[0], 3)
    assert numbers(clip) == [0, 1, 2, 3, 4]


def test_what_is_not_needed_is_not_read(source):
    sound = read_clip(source, AS_IS, "x", need="a")
    assert sound.frames is None
    assert sound.audio is not None
    picture = read_clip(source, AS_IS, "x", need="v")
    assert picture.audio is None
    assert picture.frames is not None


def test_a_missing_track_is_named(tmp_path):
    mute = recipes.video(tmp_path / "mute.mp4", count=3, sound=False)
    blind = recipes.sound_only(tmp_path / "blind.mp4")
    assert "has no audio track. It holds only a picture." in words_of(mute)
    assert "has no video track. It holds only sound." in words_of(blind)
    assert (tracks_of(mute), tracks_of(blind)) == ("v", "a")
    assert read_clip(blind, AS_IS, "x", need="a").audio.shape[0] == 1


@pytest.mark.parametrize("need", ["av", "a", "v"])
@pytest.mark.parametrize("damage", [recipes.half, recipes.holed, recipes.rotten])
@pytest.mark.parametrize("which", ["source", "moov_last"])
def test_damage_is_an_error_never_silence(request, tmp_path, which, damage, need):
    path = damage(request.getfixturevalue(which), tmp_path / "damaged.mp4")
    assert "is truncated or damaged: " in words_of(path, need=need)


@pytest.mark.parametrize("suffix", ["mkv", "avi", "ts", "flv"])
@pytest.mark.parametrize("damage", [recipes.half, recipes.holed, recipes.rotten])
def test_damage_in_other_containers(tmp_path, suffix, damage):
    whole = recipes.video(tmp_path / f"whole.{suffix}")
    path = damage(whole, tmp_path / f"damaged.{suffix}")
    assert "is truncated or damaged: " in words_of(path)


def test_files_that_hold_no_media(source, tmp_path):
    head = tmp_path / "head.mp4"
    head.write_bytes(source.read_bytes()[:40])
    assert "neither a picture nor a sound track" in words_of(head)
    text = tmp_path / "text.mp4"
    text.write_text("not a film\n" * 50)
    assert "is not a media file" in words_of(text)
    empty = tmp_path / "empty.mp4"
    empty.touch()
    assert "is empty" in words_of(empty)
    assert "does not exist" in words_of(tmp_path / "gone.mp4")
    assert "is a folder" in words_of(tmp_path)


def test_a_cover_picture_is_no_video(tmp_path):
    import av

    path = tmp_path / "song.mp3"
    with av.open(str(path), "w") as container:
        track = container.add_stream("mp3", rate=44_100, layout="mono")
        cover = container.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 64, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        frame = av.AudioFrame.from_ndarray(recipes.tone(1, 44_100, 1), "fltp", "mono")
        frame.sample_rate = 44_100
        container.mux(track.encode(frame) + track.encode())
        picture = av.VideoFrame.from_ndarray(recipes.picture(0, 64, 64), "rgb24")
        container.mux(cover.encode(picture) + cover.encode())
    assert tracks_of(path) == "a"


def test_without_pyav_the_extra_is_named(monkeypatch, source):
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(MissingExtraError, match=r'pip install "avplug\[video\]"'):
        read_clip(source, AS_IS, "x")
