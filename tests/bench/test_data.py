"""Checking and preparing: every fault is named; what is written is whole."""

import csv
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from avplug.bench.data_checks import check_data
from avplug.bench.data_prepare import centred, prepare_data
from avplug.builtin_datasets.folder.dataset import Folder
from avplug.builtin_datasets.published.audioset import AudioSet
from avplug.core.clip import InputSpec
from avplug.core.errors import AvplugError, MediaError, UsageError
from tests.builtin_datasets.published import miniature
from tests.command import call
from tests.waiting import until

FAULTS = {
    "good.mp4": None,
    "silent.mp4": "silent",
    "mute.mp4": "no sound",
    "sound.wav": "no picture",
    "blank.mp4": "blank",
    "short.mp4": "too short",
    "torn.mp4": "unreadable",
    "text.mp4": "unreadable",
}


@pytest.fixture(scope="module")
def faulty(tmp_path_factory):
    """A folder with one clip for each fault, and a good one."""
    from avplug.media.sound import write_sound

    root = tmp_path_factory.mktemp("faulty")
    miniature.video(root / "good.mp4")
    miniature.video(root / "silent.mp4", level=0.0)
    miniature.mute_video(root / "mute.mp4")
    write_sound(root / "sound.wav", np.full((1, 16_000), 0.5, np.float32), 16_000)
    miniature.video(root / "blank.mp4", bright=128)
    miniature.video(root / "short.mp4", seconds=0.3)
    whole = (root / "good.mp4").read_bytes()
    (root / "torn.mp4").write_bytes(whole[: len(whole) // 2])
    (root / "text.mp4").write_text("no video")
    lines = "".join(f"{name},dog\n" for name in FAULTS)
    (root / "clips.csv").write_text(f"file,label\n{lines}")
    return root


@pytest.mark.parametrize("workers", [0, 2])
def test_every_fault_has_its_name(faulty, workers):
    dataset = Folder(root=faulty)
    told = []
    found = check_data(
        dataset,
        dataset.clips,
        workers=workers,
        progress=lambda done, total: told.append((done, total)),
    )
    assert {p.clip: p.fault for p in found.problems} == {
        name: fault for name, fault in FAULTS.items() if fault
    }
    assert (found.listed, found.present, found.checked) == (8, 8, 8)
    assert told == [(i, 8) for i in range(1, 9)]
    assert found.fingerprint == dataset.fingerprint()


@pytest.mark.parametrize("suffix", [".json", ".csv"])
def test_the_list_of_faults_is_a_file(faulty, tmp_path, suffix):
    path = tmp_path / f"faults{suffix}"
    words = ("data", "check", "folder", "--data-root", faulty, "--list", path)
    result = call(*words)
    assert result.exit_code == 1
    assert "silent" in result.stdout
    text = path.read_text()
    rows = (
        json.loads(text) if suffix == ".json" else [*csv.DictReader(text.split("\n"))]
    )
    assert len(rows) == 7
    assert {row["clip"]: row["fault"] for row in rows}["mute.mp4"] == "no sound"


def test_a_sound_data_set_has_exit_code_0(tmp_path):
    miniature.video(tmp_path / "good.mp4")
    (tmp_path / "clips.csv").write_text("file,label\ngood.mp4,dog\n")
    assert call("data", "check", "folder", "--data-root", tmp_path).exit_code == 0


def test_the_list_has_a_known_suffix(tmp_path):
    words = ("data", "check", "folder", "--data-root", tmp_path, "--list", "x.txt")
    assert call(*words).exit_code == 2


@pytest.mark.parametrize("workers", [0, 2])
def test_bad_clips_are_listed_and_the_others_written(faulty, tmp_path, workers):
    dataset, out = Folder(root=faulty), tmp_path / "out"
    done = prepare_data(
        dataset, dataset.clips, out, name="folder", split="test", workers=workers
    )
    assert done.written == 4
    assert set(done.failed) == {"mute.mp4", "sound.wav", "torn.mp4", "text.mp4"}
    data = json.loads((out / "clips.json").read_text())
    assert [row.get("source_id", row["video_id"]) for row in data["data"]] == [
        "good.mp4",
        "silent.mp4",
        "blank.mp4",
        "short.mp4",
    ]
    assert data["missing"] == done.failed
    assert not [*out.rglob("*.part*")]
    again = Folder(root=out / "clips.json")
    clip = again.load(again.clips[0], InputSpec(32, 16_000))
    assert clip.frames.shape == (1, 32, 32, 3)


def test_the_files_do_not_depend_on_the_workers(faulty, tmp_path):
    dataset = Folder(root=faulty)
    for workers in (0, 2):
        prepare_data(
            *(dataset, dataset.clips[:2], tmp_path / str(workers)),
            name="folder",
            split="test",
            workers=workers,
        )
    files = [p.relative_to(tmp_path / "0") for p in (tmp_path / "0").rglob("*.*")]
    assert len(files) == 2 * 11 + 3
    for path in files:
        one, other = (tmp_path / str(w) / path for w in (0, 2))
        assert one.read_bytes() == other.read_bytes()


def test_three_frames_a_second_for_uavm(tmp_path):
    (tmp_path / "eval_segments.csv").write_text('abc, 30, 40, "/m/04rlf"\n')
    miniature.video(tmp_path / "abc.mp4", seconds=10)
    words = ("data", "prepare", "audioset", "--data-root", tmp_path, "--frames", "uavm")
    assert call(*words, "--out", tmp_path / "out").exit_code == 0
    before, after = AudioSet(root=tmp_path), AudioSet(root=tmp_path / "out")
    spec = InputSpec(0, 16_000, 0.0, 30, tuple(range(30)), "uavm", "first")
    clip = after.load(after.clips[0], spec)
    assert clip.frames.shape == (30, 224, 224, 3)
    theirs = before.load(before.clips[0], spec)
    for mine, frame in zip(clip.frames, theirs.frames, strict=True):
        assert np.abs(mine.astype(int) - centred(frame, 224)).mean() < 12
    ten = after.load(after.clips[0], InputSpec(0, 16_000, picks=(0, 5)))
    assert (ten.frames[1] == clip.frames[15]).all()


def test_other_settings_are_refused_in_the_same_folder(tmp_path):
    miniature.video(tmp_path / "good.mp4")
    (tmp_path / "clips.csv").write_text("file,label\ngood.mp4,dog\n")
    dataset, out = Folder(root=tmp_path), tmp_path / "out"
    about = {"name": "folder", "split": "test"}
    prepare_data(dataset, dataset.clips, out, **about)
    with pytest.raises(UsageError, match="grid = 'cav-mae', not 'uavm'"):
        prepare_data(dataset, dataset.clips, out, grid="uavm", **about)
    with pytest.raises(UsageError, match=r"holds other files and no prepared\.jsonl"):
        prepare_data(dataset, dataset.clips, tmp_path, **about)


def test_what_was_deleted_or_torn_is_written_again(tmp_path):
    for name in "ab":
        miniature.video(tmp_path / f"{name}.mp4")
    (tmp_path / "clips.csv").write_text("file,label\na.mp4,dog\nb.mp4,cat\n")
    dataset, out = Folder(root=tmp_path), tmp_path / "out"
    about = {"name": "folder", "split": "test"}
    prepare_data(dataset, dataset.clips, out, **about)
    (out / "audio" / "a.mp4.wav").unlink()
    with (out / "prepared.jsonl").open("a") as log:
        log.write('{"clip": "b.mp4", "fai')
    done = prepare_data(dataset, dataset.clips, out, **about)
    assert (done.written, done.reused) == (1, 1)
    assert (out / "audio" / "a.mp4.wav").is_file()


#: ``avplug``, but it does not come to the sound of the eighth clip before it is killed.
SLOW = """
import time
from avplug.bench import data_prepare
from avplug.cli import main
write_sound = data_prepare.write_sound
def slow(path, *rest, **more):
    if path.name == "7.mp4.wav":
        time.sleep(600)
    write_sound(path, *rest, **more)
data_prepare.write_sound = slow
main()
"""


def test_a_kill_loses_nothing_that_is_listed(tmp_path):
    rows = []
    for number in range(12):
        miniature.video(tmp_path / f"{number}.mp4")
        rows.append(f"{number}.mp4,dog\n")
    (tmp_path / "clips.csv").write_text("file,label\n" + "".join(rows))
    out = tmp_path / "out"
    words = ["data", "prepare", "folder", "--data-root", tmp_path, "--out", out]
    command = [sys.executable, "-c", SLOW, *map(str, words)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    log = out / "prepared.jsonl"

    def listed():
        assert process.poll() is None
        return log.read_bytes().count(b"\n") - 1 if log.is_file() else 0

    until(lambda: listed() == 7)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    result = call(*words)
    assert result.exit_code == 0, result.output
    assert "7 found written before" in result.stderr
    assert len(json.loads((out / "clips.json").read_text())["data"]) == 12


def test_a_full_disk_is_no_fault_of_a_clip(tmp_path, monkeypatch):
    import errno

    from avplug.bench import data_prepare

    miniature.video(tmp_path / "good.mp4")
    (tmp_path / "clips.csv").write_text("file,label\ngood.mp4,dog\n")
    dataset = Folder(root=tmp_path)

    def full(path, frame, **settings):
        raise MediaError("full") from OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(data_prepare, "save_rgb", full)
    with pytest.raises(MediaError, match="full"):
        prepare_data(
            dataset, dataset.clips, tmp_path / "out", name="folder", split="test"
        )


@pytest.mark.parametrize("shape", [(60, 100), (100, 60), (32, 32), (33, 47)])
def test_frames_are_resized_bilinearly_and_cropped_at_the_centre(shape):
    frame = np.random.default_rng(0).integers(0, 255, (*shape, 3), dtype=np.uint8)
    short = min(shape)
    size = tuple(int(32 * side / short) for side in reversed(shape))
    whole = np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.BILINEAR))
    top, left = (round((side - 32) / 2) for side in whole.shape[:2])
    assert (centred(frame, 32) == whole[top : top + 32, left : left + 32]).all()


class Deadly(Folder):
    """A data set whose decoder takes the process with it."""

    def load(self, ref, spec):
        os._exit(1)


def test_a_worker_that_dies_is_said_so(faulty):
    dataset = Deadly(root=faulty)
    with pytest.raises(AvplugError, match="A worker process ended before"):
        check_data(dataset, dataset.clips, workers=1)


def test_a_class_of_a_plugin_file_reaches_the_workers(tmp_path):
    plugin = tmp_path / "tones.py"
    plugin.write_text(
        "import numpy as np\n"
        "from avplug import ClipRef, Dataset, DatasetSpec, hookimpl\n"
        "from avplug.core.clip import Clip\n"
        "class Tones(Dataset):\n"
        "    def __init__(self, *, split='test', root=None):\n"
        "        self.labels = ('low',)\n"
        "        self.clips = [ClipRef(str(i), (0,)) for i in range(3)]\n"
        "    def load(self, ref, spec):\n"
        "        frames = np.arange(12, dtype=np.uint8).reshape(1, 2, 2, 3)\n"
        "        sound = np.full((1, 9), 0.5, np.float32)\n"
        "        return Clip(ref.id, frames, np.zeros(1), sound, 8, 9 / 8)\n"
        "@hookimpl\n"
        "def avplug_datasets():\n"
        "    target = f'{__name__}:Tones'\n"
        "    return [DatasetSpec('tones', target, needs_root=False)]\n"
    )
    words = ("data", "check", "tones", "--workers", "2")
    command = [sys.executable, "-m", "avplug", "--plugin", str(plugin), *words]
    environment = {k: v for k, v in os.environ.items() if k != "AVPLUG_NO_PLUGINS"}
    result = subprocess.run(
        command, capture_output=True, text=True, env=environment, cwd=Path(tmp_path)
    )
    assert result.returncode == 0, result.stdout + result.stderr
