"""The data set ``folder``: clips of every kind are loaded; damage is the clip's own."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from avplug.builtin_datasets.folder.dataset import Folder
from avplug.core.clip import AS_IS, InputSpec
from avplug.core.errors import MediaError
from avplug.media.sound import write_sound
from tests.media.recipes import number_of, tone, video

SPEC = InputSpec(32, 16_000, 1.0, 10, (5,), "centre")
REPOSITORY = Path(__file__).parents[3]
SHARED = Path(os.environ.get("AVPLUG_SHARED", REPOSITORY.parent / "shared"), "data")

ROWS = """\
file,label,id,group,start,end,wav
clip.mp4,dog,,,,,
clip.mp4,cat | dog,part,,1,2,
clip.mp4,cat,,,0.5,1.5,sound.wav
sub/still.png,cat,still,home,,,sound.wav
gone.mp4,dog,gone,,,,
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("folder")
    video(folder / "clip.mp4")
    (folder / "sub").mkdir()
    Image.new("RGB", (40, 20), (200, 30, 30)).save(folder / "sub/still.png")
    write_sound(folder / "sound.wav", tone(1.2, 8_000, 1), 8_000)
    (folder / "clips.csv").write_text(ROWS)
    return folder


@pytest.fixture(scope="module")
def clips(root):
    dataset = Folder(root=root)
    return dataset, {ref.id: ref for ref in dataset.clips}


def test_the_list_is_understood(clips):
    dataset, by_id = clips
    assert dataset.labels == ("cat", "dog")
    assert dataset.multi_label
    assert list(by_id) == ["clip.mp4", "part", "clip.mp4@0.5-1.5", "still", "gone"]
    assert [ref.labels for ref in dataset.clips] == [(1,), (0, 1), (0,), (0,), (1,)]
    groups = [ref.group for ref in dataset.clips]
    assert groups == ["", "clip.mp4", "clip.mp4", "home", ""]


def test_a_video(clips):
    dataset, by_id = clips
    clip = dataset.load(by_id["clip.mp4"], AS_IS)
    assert clip.id == "clip.mp4"
    assert [number_of(frame) for frame in clip.frames] == list(range(90))
    assert clip.sample_rate == 44_100
    assert clip.audio.shape[1] / 44_100 == pytest.approx(3, abs=0.1)


def test_a_part_of_a_video(clips):
    dataset, by_id = clips
    clip = dataset.load(by_id["part"], AS_IS)
    assert [number_of(frame) for frame in clip.frames] == list(range(30, 60))
    assert clip.times[0] == pytest.approx(0)
    assert clip.audio.shape[1] / clip.sample_rate == pytest.approx(1, abs=0.05)


def test_a_part_of_a_video_with_another_sound(clips):
    dataset, by_id = clips
    clip = dataset.load(by_id["clip.mp4@0.5-1.5"], AS_IS)
    assert [number_of(frame) for frame in clip.frames] == list(range(15, 45))
    assert clip.sample_rate == 8_000
    # Half a second is cut from the front; the file ends before the part does.
    np.testing.assert_allclose(clip.audio, tone(1.2, 8_000, 1)[:, 4_000:], atol=1e-6)
    assert clip.duration == pytest.approx(1, abs=0.05)


def test_a_picture_with_its_sound(clips):
    dataset, by_id = clips
    clip = dataset.load(by_id["still"], SPEC)
    assert clip.id == "still"
    assert clip.frames.shape == (1, 32, 32, 3)
    assert clip.frames[0, 16, 16].tolist() == [200, 30, 30]
    assert clip.audio.shape == (1, 19_200)


def test_a_missing_file_fails_when_loaded(clips):
    dataset, by_id = clips
    with pytest.raises(MediaError, match=r"gone\.mp4"):
        dataset.load(by_id["gone"], SPEC)


def test_a_sound_that_is_over_before_the_part_starts(root):
    (root / "late.csv").write_text("file,label,start,wav\nclip.mp4,a,2,sound.wav\n")
    dataset = Folder(root=root / "late.csv")
    with pytest.raises(MediaError, match=r"sound\.wav' has no sound at 2 s"):
        dataset.load(dataset.clips[0], SPEC)


def test_the_fingerprint_knows_files_and_parts(root, tmp_path):
    def fingerprint(rows, size):
        (tmp_path / "clips.csv").write_text(f"file,label,start\n{rows}")
        (tmp_path / "a.mp4").write_bytes(b"x" * size)
        return Folder(root=tmp_path).fingerprint()

    first = fingerprint("a.mp4,x,\n", 10)
    assert fingerprint("a.mp4,x,\n", 10) == first
    assert fingerprint("a.mp4,x,\n", 11) != first
    assert fingerprint("a.mp4,y,\n", 10) != first
    assert fingerprint("a.mp4,x,1\n", 10) != first
    (tmp_path / "a.mp4").unlink()
    assert Folder(root=tmp_path).fingerprint() != first


@pytest.fixture
def bench(tmp_path):
    """The authors' layout with paths of the authors' machine."""
    for index in range(10):
        folder = tmp_path / f"media/eval_frames/frame_{index}"
        folder.mkdir(parents=True)
        Image.new("RGB", (24, 24), (20 * index, 0, 0)).save(
            folder / "v_1.jpg", quality=95
        )
    (tmp_path / "media/eval_audio").mkdir()
    write_sound(tmp_path / "media/eval_audio/v_1.wav", tone(2, 8_000, 1), 8_000)
    row = {
        "video_id": "v_1",
        "wav": "/home/someone/data/eval_audio/v_1.wav",
        "video_path": "/home/someone/data/eval_frames",
        "labels": "/m/1,/m/2",
    }
    lost = row | {"video_id": "v_2", "wav": "/lost/v_2.wav", "labels": "/m/2"}
    path = tmp_path / "severity_0.json"
    path.write_text(json.dumps({"data": [row, lost]}))
    (tmp_path / "classes.csv").write_text(
        'index,mid,display_name\n0,/m/2,Bark\n1,/m/1,"Speech, loud"\n'
    )
    return tmp_path


def test_the_json_of_the_benchmark(bench):
    dataset = Folder(
        root=bench / "severity_0.json", classes="classes.csv", media=bench / "media"
    )
    assert dataset.labels == ("Bark", "Speech, loud")
    assert dataset.multi_label
    assert [ref.labels for ref in dataset.clips] == [(1, 0), (0,)]
    clip = dataset.load(dataset.clips[0], InputSpec(24, 0, 0, 10, (5,), "cav-mae"))
    assert clip.id == "v_1"
    assert clip.frames[0, 12, 12, 0] == pytest.approx(100, abs=3)
    assert clip.audio.shape == (1, 16_000)
    with pytest.raises(MediaError, match=r"no '/lost/v_2\.wav', nor its last parts"):
        dataset.load(dataset.clips[1], SPEC)
    before = dataset.fingerprint()
    write_sound(bench / "media/eval_audio/v_1.wav", tone(1, 8_000, 1), 8_000)
    assert dataset.fingerprint() != before


def test_without_a_label_list_the_json_names_the_classes(bench):
    dataset = Folder(root=bench / "severity_0.json", media=bench / "media")
    assert dataset.labels == ("/m/1", "/m/2")


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"the real files are not at {SHARED}")
def test_the_real_files(tmp_path):
    name = "BkjpjAohg-0"
    row = {
        "video_id": name,
        "wav": f"/data/eval_audio/{name}.wav",
        "video_path": "/data/eval_frames",
        "labels": "/m/09x0r",
    }
    path = tmp_path / "clean.json"
    path.write_text(json.dumps({"data": [row]}))
    dataset = Folder(root=path, media=SHARED / "frames_and_wav")
    framed = dataset.load(dataset.clips[0], InputSpec(224, 16_000))
    (tmp_path / "clips.csv").write_text(f"file,label\n{name}.mp4,x\n")
    dataset = Folder(root=tmp_path / "clips.csv", media=SHARED / "clips")
    whole = dataset.load(dataset.clips[0], InputSpec(224, 16_000))
    difference = np.abs(framed.frames.astype(float) - whole.frames.astype(float))
    assert difference.mean() < 6
    assert whole.duration == pytest.approx(framed.duration, abs=0.2)
