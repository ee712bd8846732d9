import numpy as np
import pytest
from PIL import Image

from avplug.core.clip import InputSpec
from avplug.core.errors import MediaError
from avplug.media.frames import read_frame_folder
from avplug.media.pair import read_pair
from avplug.media.sound import write_sound

ALL = InputSpec(size=0, sample_rate=0, frame_rule="all")


@pytest.fixture
def wav(tmp_path):
    path = tmp_path / "clip.wav"
    write_sound(path, np.full((2, 16_000), 0.25, np.float32), 8000)
    return path


@pytest.fixture
def folder(tmp_path):
    for index in (*range(10), 11):
        place = tmp_path / "frames" / f"frame_{index}"
        place.mkdir(parents=True)
        grey = Image.new("RGB", (40, 30), (index * 20,) * 3)
        grey.save(place / "clip.jpg", quality=100)
    return tmp_path / "frames"


def test_picks_are_frames_by_number(folder, wav):
    spec = InputSpec(size=24, picks=(2, 9))
    clip = read_frame_folder(folder, "clip", wav, spec)
    assert clip.frames.shape == (2, 24, 24, 3)
    assert clip.frames.mean((1, 2, 3)).tolist() == [40, 180]
    np.testing.assert_allclose(clip.times, [0.4, 1.8])
    assert clip.duration == 2
    assert clip.audio.shape == (1, 32_000)


def test_all_is_sorted_by_number_not_by_text(folder, wav):
    clip = read_frame_folder(folder, "clip", wav, ALL)
    assert clip.frames.mean((1, 2, 3)).tolist() == [*range(0, 200, 20), 220]
    assert clip.frames.shape[1:] == (30, 40, 3)


def test_another_grid_is_looked_up_in_the_tenths(folder, wav):
    spec = InputSpec(size=0, grid=3, picks=(0, 1, 2), frame_rule="centre")
    clip = read_frame_folder(folder, "clip", wav, spec)
    assert clip.frames.mean((1, 2, 3)).tolist() == [20, 100, 160]


def test_a_missing_frame_has_no_stand_in(folder, wav):
    (folder / "frame_5" / "clip.jpg").unlink()
    with pytest.raises(MediaError, match="Clip 'clip' has no frame 5"):
        read_frame_folder(folder, "clip", wav, InputSpec())
    with pytest.raises(MediaError, match="no frame 5"):
        read_frame_folder(folder, "clip", wav, ALL)


def test_a_folder_without_frames_is_an_error(tmp_path, wav):
    with pytest.raises(MediaError, match="no folder of frames"):
        read_frame_folder(tmp_path, "clip", wav, ALL)


def test_frames_of_different_sizes_are_refused(folder, wav):
    Image.new("RGB", (10, 10)).save(folder / "frame_3" / "clip.jpg")
    with pytest.raises(MediaError, match="differ in size"):
        read_frame_folder(folder, "clip", wav, ALL)


def test_a_pair_is_a_still_frame_with_its_sound(tmp_path, wav):
    Image.new("L", (64, 48), 77).save(tmp_path / "still.png")
    clip = read_pair(tmp_path / "still.png", wav, InputSpec(size=32), "x")
    assert clip.frames.shape == (1, 32, 32, 3)
    assert (clip.frames == 77).all()
    assert clip.times.tolist() == [0]
    assert clip.duration == 2


def test_a_pair_repeats_its_picture_for_several_picks(tmp_path, wav):
    Image.new("RGB", (64, 48), (1, 2, 3)).save(tmp_path / "still.png")
    spec = InputSpec(size=0, picks=(0, 5))
    clip = read_pair(tmp_path / "still.png", wav, spec, "x")
    assert clip.frames.shape == (2, 48, 64, 3)
    np.testing.assert_allclose(clip.times, [0, 1])
