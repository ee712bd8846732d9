"""Written data sets: what lies where, exactly what a run would see, and resuming."""

import errno
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from avplug.bench import layouts
from avplug.bench.build_config import BuildConfig
from avplug.bench.building import build
from avplug.bench.config import RunConfig
from avplug.bench.evaluate import NoClipError
from avplug.bench.layouts import JPEG_QUALITY, FrameTree
from avplug.bench.manifest import MANIFEST, Manifest
from avplug.bench.verifying import Problem, verify
from avplug.builtin_corruptions.gaussian import Gaussian
from avplug.builtin_corruptions.shot import Shot
from avplug.builtin_datasets.events.dataset import Events
from avplug.builtin_datasets.folder.dataset import Folder
from avplug.core.clip import AS_IS
from avplug.core.corruption import corrupt
from avplug.core.errors import MediaError, UsageError
from avplug.core.registry import Registry, get_registry
from tests.media import recipes

LABELS = "class_labels_indices.csv"
CELLS = ("clean/severity_0", "gaussian/severity_1", "gaussian/severity_5")


def config(out, layout=None, **changes) -> BuildConfig:
    select = {
        "corruptions": ("gaussian",),
        "severities": (1, 5),
        "limit": 3,
        **changes,
    }
    layout = {"size": 24, "frame_format": "png", **(layout or {})}
    return BuildConfig(out=str(out), select=RunConfig(**select), **layout)


def movies(out, **changes) -> BuildConfig:
    layout = {"format": "mp4", "size": 0, "lossless": True}
    return config(out, {**layout, **changes.pop("layout", {})}, **changes)


def tree(root: Path) -> dict[str, str]:
    """Return the hash of every file, the manifest's included."""
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def rows(root: Path) -> list[dict]:
    return [json.loads(line) for line in (root / MANIFEST).read_text().splitlines()]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    root = tmp_path_factory.mktemp("built") / "set"
    return root, build(config(root), get_registry())


def test_the_layout_is_the_published_one(built):
    root, summary = built
    ids = [
        row["clip"]
        for row in rows(root)
        if row.get("cell") == CELLS[0] and "clip" in row
    ]
    wanted = {MANIFEST, LABELS, "json/clean/severity_0.json"}
    wanted |= {f"json/both/gaussian/severity_{s}.json" for s in (1, 5)}
    for cell in CELLS:
        for name in ids:
            wanted.add(f"audio/{cell}/{name}.wav")
            wanted |= {f"video/{cell}/frame_{i}/{name}.png" for i in range(10)}
    assert set(tree(root)) == wanted
    assert (summary.written, summary.reused, summary.failures) == (9, 0, ())
    lists = [path.relative_to(root).as_posix() for path in summary.lists]
    assert sorted(lists) == sorted(path for path in wanted if path.startswith("json/"))
    row = json.loads(summary.lists[1].read_text())["data"][0]
    assert row["video_path"] == "../../../video/gaussian/severity_1"
    assert row["wav"] == f"../../../audio/gaussian/severity_1/{ids[0]}.wav"


@pytest.mark.parametrize("severity", [0, 1, 5])
def test_png_and_float_wav_are_what_a_run_sees(built, severity, tmp_path):
    root, _ = built
    moved = tmp_path / "moved"
    root.rename(moved)
    try:
        kind = "both/gaussian" if severity else "clean"
        path = moved / f"json/{kind}/severity_{severity}.json"
        stored = Folder(root=path, classes=moved / LABELS)
        events = Events()
        assert stored.labels == events.labels
        assert len(stored.clips) == 3
        spec = replace(FrameTree(size=24).spec, picks=(0, 5, 9))
        for ref in stored.clips:
            source = next(clip for clip in events.clips if clip.id == ref.id)
            clip = events.load(source, spec)
            if severity:
                clip = corrupt(clip, Gaussian(), "gaussian", severity)
            back = stored.load(ref, spec)
            np.testing.assert_array_equal(back.frames, clip.frames)
            np.testing.assert_array_equal(back.audio, clip.audio)
            assert ref.labels == source.labels
    finally:
        moved.rename(root)


def test_a_lossless_movie_is_exact(tmp_path):
    summary = build(movies(tmp_path / "m", limit=2, severities=(5,)), get_registry())
    assert len(summary.lists) == 2
    events = {ref.id: ref for ref in Events().clips}
    stored = Folder(
        root=tmp_path / "m/gaussian/severity_5", classes=tmp_path / "m" / LABELS
    )
    for ref in stored.clips:
        clip = corrupt(Events().load(events[ref.id], AS_IS), Gaussian(), "gaussian", 5)
        back = stored.load(ref, AS_IS)
        np.testing.assert_array_equal(back.frames, clip.frames)
        np.testing.assert_array_equal(back.audio, clip.audio)
        assert ref.labels == events[ref.id].labels


def test_jpeg_has_the_published_quality(tmp_path):
    jpg = config(tmp_path / "j", {"frame_format": "jpg"}, limit=1, severities=(1,))
    build(jpg, get_registry())
    Image.new("RGB", (8, 8)).save(tmp_path / "known.jpg", quality=JPEG_QUALITY)
    (frame,) = (tmp_path / "j/video/clean/severity_0/frame_3").iterdir()
    with Image.open(frame) as mine, Image.open(tmp_path / "known.jpg") as known:
        assert mine.quantization == known.quantization


def test_corrupted_at_the_source_it_is_fitted_afterwards(tmp_path):
    build(config(tmp_path / "s", at="source", limit=1, severities=(5,)), get_registry())
    clip = Folder(root=tmp_path / "s/json/both/gaussian/severity_5.json")
    (ref,) = clip.clips
    assert clip.load(ref, FrameTree(size=0).spec).frames.shape == (10, 24, 24, 3)


@pytest.mark.parametrize("workers", [0, 2])
def test_threads_change_no_byte(built, tmp_path, workers):
    build(config(tmp_path / "w", workers=workers), get_registry())
    assert tree(tmp_path / "w") == tree(built[0])


def test_one_sense_has_the_noise_of_its_sound_only(tmp_path):
    pair = {"corruptions": ("gaussian+shot",), "severities": (5,), "limit": 1}
    build(config(tmp_path / "p", sound_severities=(3,), **pair), get_registry())
    seen = {"modalities": ("v",), "severities": (5,), "limit": 1}
    build(config(tmp_path / "v", **seen), get_registry())
    assert rows(tmp_path / "p")[-3]["noise"]["nominal_snr_db"] == 20
    assert not any("noise" in row for row in rows(tmp_path / "v"))


def test_one_sense_and_pairs_have_lists_of_their_own(tmp_path):
    seen = build(
        config(tmp_path / "v", modalities=("v",), limit=1, severities=(5,)),
        get_registry(),
    )
    assert seen.lists[1] == tmp_path / "v/json/video/gaussian/severity_5.json"
    hashes = tree(tmp_path / "v")
    (wav,) = (tmp_path / "v/audio/clean/severity_0").iterdir()
    assert (
        hashes[f"audio/clean/severity_0/{wav.name}"]
        == hashes[f"audio/gaussian/severity_5/{wav.name}"]
    )
    select = {"corruptions": ("gaussian+shot",), "severities": (2,), "limit": 1}
    pair = build(
        config(tmp_path / "p", {"clean": False}, sound_severities=(3,), **select),
        get_registry(),
    )
    assert pair.lists == (tmp_path / "p/json/both/gaussian+shot/severity_2+3.json",)


def test_the_same_command_writes_nothing_again_and_more_can_be_asked_for(tmp_path):
    root = tmp_path / "set"
    build(config(root, severities=(1,)), get_registry())
    before = {
        path: path.stat().st_mtime_ns for path in root.rglob("*") if path.is_file()
    }
    again = build(config(root, severities=(1,)), get_registry())
    assert (again.written, again.reused) == (0, 6)
    assert before == {path: path.stat().st_mtime_ns for path in before}
    more = build(config(root), get_registry())
    assert (more.written, more.reused) == (3, 6)
    assert verify(root).problems == ()


def test_a_lost_file_and_a_torn_line_are_made_good(built, tmp_path):
    root = tmp_path / "set"
    build(config(root), get_registry())
    lost = next((root / "video/gaussian/severity_5/frame_3").iterdir())
    lost.unlink()
    (root / "json/clean/severity_0.json").unlink()
    (root / "audio/.torn.4711.part.wav").write_bytes(b"half")
    with (root / MANIFEST).open("ab") as file:
        file.write(b'{"cell":"gaussian/severity_5","cl')
    summary = build(config(root), get_registry())
    assert (summary.written, summary.reused) == (1, 8)
    assert verify(root).problems == ()
    files = {k: v for k, v in tree(root).items() if k != MANIFEST}
    assert files == {k: v for k, v in tree(built[0]).items() if k != MANIFEST}


def test_a_killed_build_goes_on_to_the_same_tree(tmp_path):
    def command(name):
        return [
            *(sys.executable, "-m", "avplug", "build", "--out", str(tmp_path / name)),
            *("--limit", "12", "-c", "gaussian,compression", "--frame-format", "png"),
            *("--workers", "2", "--size", "96"),
        ]

    process = subprocess.Popen(
        command("torn"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    manifest = tmp_path / "torn" / MANIFEST
    deadline = time.monotonic() + 60
    while not manifest.exists() or manifest.read_bytes().count(b'"clip"') < 20:
        assert process.poll() is None, "it ended before it was killed"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert verify(tmp_path / "torn").files < 12 * 11 * 11
    for name in ("torn", "whole"):
        subprocess.run(command(name), check=True, capture_output=True)
    assert tree(tmp_path / "torn") == tree(tmp_path / "whole")
    assert verify(tmp_path / "torn", workers=2).problems == ()


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"seeds": (1,)}, "seed = 0, not 1"),
        ({"modalities": ("a",)}, "modalities = 'av'"),
        ({"limit": 2}, "clips = 3, not 2"),
        ({"split": "val"}, "split = 'test', not 'val'"),
        ({"profile": "released"}, "gaussian/severity_1 with profile = 'paper'"),
        ({"layout": {"frame_format": "jpg"}}, "frame_format = 'png', not 'jpg'"),
        ({"layout": {"size": 32}}, "size = 24, not 32"),
        ({"layout": {"format": "mp4"}}, "format = 'frames', not 'mp4'"),
    ],
)
def test_other_settings_are_refused(built, changes, word):
    root, _ = built
    before = tree(root)
    with pytest.raises(UsageError, match="holds a data set") as caught:
        build(config(root, **changes), get_registry())
    assert word in caught.value.message
    assert tree(root) == before


def test_what_excludes_each_other():
    for layout, select, word in (
        ({"lossless": True}, {}, "belongs to the format mp4"),
        ({"size": -1}, {}, "size is -1"),
        ({}, {"seeds": (0, 1)}, "seeds are 0, 1"),
        ({}, {"modalities": ("a", "v")}, "modalities are a, v"),
    ):
        with pytest.raises(UsageError, match=word):
            config("x", layout, **select)
    with pytest.raises(UsageError, match="nothing to build"):
        build(config("x", {"clean": False}, corruptions=()), get_registry())


def test_a_folder_of_others_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="holds other files"):
        build(config(tmp_path), get_registry())
    with pytest.raises(UsageError, match="is a file"):
        build(config(tmp_path / "mine.txt"), get_registry())
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_one_writer_at_a_time(tmp_path):
    with (
        Manifest(tmp_path / "set", {}),
        pytest.raises(UsageError, match="Another build is writing"),
    ):
        build(config(tmp_path / "set"), get_registry())


@pytest.fixture
def own(tmp_path):
    """A folder of a good clip, a damaged one, and one that is not there."""
    root = tmp_path / "own"
    root.mkdir()
    recipes.video(root / "good.mp4", count=20)
    recipes.half(root / "good.mp4", root / "half.mp4")
    (root / "clips.csv").write_text(
        "file,label\ngood.mp4,dog\nhalf.mp4,cat\ngone.mp4,cat\n"
    )
    return {"dataset": "folder", "data_root": str(root), "limit": None}


def test_the_manifest_tells_the_snr_and_what_clipping_takes(own, tmp_path):
    names = ("gaussian", "impulse", "compression")
    build(config(tmp_path / "s", corruptions=names, **own), get_registry())
    noise = {
        (row["cell"], row["clip"]): row.get("noise")
        for row in rows(tmp_path / "s")
        if "files" in row and "clip" in row
    }
    assert len(noise) == 7
    for (cell, _), level in noise.items():
        name, severity = cell.split("/severity_")
        if name in ("clean", "compression"):
            assert level is None
            continue
        nominal = {"1": 40, "5": 0}[severity]
        assert level["nominal_snr_db"] == nominal
        if name == "gaussian":
            assert level["snr_db"] == nominal
        else:
            # It is clipped as the public code clips it.
            assert level["snr_db"] == level["clipped_snr_db"]
        assert (level["clipped"] > 0) == (level["clipped_snr_db"] > nominal)
    assert noise["impulse/severity_5", "good.mp4"]["clipped"] > 0


def test_a_clip_that_fails_stops_nothing(own, tmp_path):
    summary = build(config(tmp_path / "set", severities=(5,), **own), get_registry())
    assert summary.written == 2
    assert summary.empty == ()
    assert {failure.clip for failure in summary.failures} == {"half.mp4", "gone.mp4"}
    assert "truncated or damaged" in summary.failures[0].reason
    noted = [row["clip"] for row in rows(tmp_path / "set") if "failed" in row]
    assert noted == ["half.mp4", "half.mp4", "gone.mp4", "gone.mp4"]
    for path in summary.lists:
        assert [r["video_id"] for r in json.loads(path.read_text())["data"]] == [
            "good.mp4"
        ]
    before = tree(tmp_path / "set")
    again = build(config(tmp_path / "set", severities=(5,), **own), get_registry())
    assert (again.written, len(again.failures)) == (0, 4)
    assert tree(tmp_path / "set") == before
    assert verify(tmp_path / "set").problems == ()


def test_not_one_clip(own, tmp_path):
    Path(own["data_root"], "good.mp4").unlink()
    with pytest.raises(NoClipError, match="None of 3 clips could be written"):
        build(config(tmp_path / "set", **own), get_registry())


def test_a_corruption_that_breaks_leaves_its_lists_out(tmp_path, monkeypatch):
    monkeypatch.setattr(Shot, "video", lambda *_: 1 / 0)
    wanted = config(tmp_path / "s", corruptions=("shot",), severities=(5,), limit=2)
    summary = build(wanted, get_registry())
    assert summary.empty == ("shot/severity_5",)
    assert summary.failures[0].reason == "ZeroDivisionError: division by zero"
    assert not (tmp_path / "s/json/both").exists()


def test_a_full_disk_ends_the_build(tmp_path, monkeypatch):
    def full(*_, **__):
        raise MediaError("Cannot write.") from OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(layouts, "save_rgb", full)
    with pytest.raises(MediaError, match="Cannot write"):
        build(config(tmp_path / "s"), get_registry())


IDS = (
    *("-0jeONf82dE_21", "../../../escape", "/etc/passwd", "a/b", "a_b", "", ".hidden"),
    *("..", "x" * 300, "two\nlines", "é", ' "q",|; ', "nul\0", "~", "\ud800"),
)
CLASSES = ("Male speech, man", "a|b; c", "", "<script>", "two\nlines", "class_1", '"q"')
HOSTILE = f"""
    import numpy as np
    from avplug import DatasetSpec, hookimpl
    from avplug.core.clip import Clip, ClipRef
    from avplug.core.dataset import Dataset

    IDS, CLASSES = {IDS!r}, {CLASSES!r}

    class Hostile(Dataset):
        labels, multi_label = CLASSES, True

        def __init__(self, *, split="test", root=None):
            places = range(len(CLASSES))
            self.clips = [
                ClipRef(name, (i % len(places), (i + 1) % len(places)))
                for i, name in enumerate(IDS)
            ]

        def load(self, ref, spec):
            frames = np.full((10, 4, 4, 3), IDS.index(ref.id), np.uint8)
            audio = np.full((1, 800), IDS.index(ref.id), np.float32)
            return Clip(ref.id, frames, np.arange(10) / 200, audio, 16_000, 0.05)

    @hookimpl
    def avplug_datasets():
        return [
            DatasetSpec("hostile", f"{{__name__}}:Hostile", "", needs_root=False)
        ]
"""


@pytest.mark.parametrize("layout", ["frames", "mp4"])
def test_names_that_would_leave_the_folder(dists, tmp_path, layout):
    dists.add("avplug-hostile", HOSTILE)
    registry = Registry(dists.manager())
    out = tmp_path / "out" / "set"
    select = {"dataset": "hostile", "corruptions": (), "limit": None}
    wanted = config(out, **select) if layout == "frames" else movies(out, **select)
    before = {path for path in tmp_path.rglob("*") if out not in path.parents}
    summary = build(wanted, registry)
    assert (summary.written, summary.failures) == (len(IDS), ())
    after = {path for path in tmp_path.rglob("*") if out not in path.parents}
    assert {p for p in after - before if "__pycache__" not in p.parts} == {
        out,
        out.parent,
    }
    names = [row["name"] for row in rows(out) if "clip" in row]
    assert len({name.lower() for name in names}) == len(IDS)
    assert all(len(name) <= 120 and name.isascii() for name in names)
    assert names[0] == IDS[0]
    assert [row["clip"] for row in rows(out) if "clip" in row] == list(IDS)
    (path,) = summary.lists
    stored = Folder(root=path, classes=out / LABELS)
    assert len(stored.labels) == len(CLASSES)
    assert stored.labels[0] == CLASSES[0]
    source = registry.get("dataset", "hostile").load()()
    for place, ref in enumerate(stored.clips):
        assert sorted(ref.labels) == sorted(source.clips[place].labels)
        clip = stored.load(ref, AS_IS)
        assert clip.frames.min() == clip.frames.max() == place
        assert clip.audio.max() == place
    if layout == "mp4":
        assert {"../../../escape", "a/b", "é"} <= {ref.id for ref in stored.clips}
    assert verify(out).problems == ()


def test_verify_names_what_is_changed_missing_and_unlisted(built, tmp_path):
    root = tmp_path / "set"
    build(config(root), get_registry())
    whole = verify(root)
    assert (whole.files, whole.problems) == (9 * 11 + 4, ())
    sound = next((root / "audio/gaussian/severity_1").iterdir())
    data = bytearray(sound.read_bytes())
    data[-1] ^= 1
    sound.write_bytes(data)
    picture = next((root / "video/clean/severity_0/frame_0").iterdir())
    picture.unlink()
    (root / "json/extra.json").write_text("{}")
    with (root / MANIFEST).open("a") as file:
        file.write('{"files":{"../../secret":["00",1]}}\nnonsense\n{"files":[1]}\n')
    lines = len(rows(built[0]))
    assert verify(root).problems == (
        Problem(MANIFEST, f"line {lines + 2} is damaged"),
        Problem(MANIFEST, f"line {lines + 3} is damaged"),
        Problem(picture.relative_to(root).as_posix(), "missing"),
        Problem(sound.relative_to(root).as_posix(), "changed"),
        Problem("../../secret", "outside the folder"),
        Problem("json/extra.json", "unlisted"),
    )
    assert verify(root, workers=2) == verify(root)


def test_verify_needs_a_manifest(tmp_path):
    with pytest.raises(UsageError, match="There is no manifest"):
        verify(tmp_path)


def test_a_foreign_manifest_is_refused(tmp_path):
    root = tmp_path / "set"
    root.mkdir()
    (root / MANIFEST).write_text('{"something":"else"}\n')
    with pytest.raises(UsageError, match="is no manifest of avplug build"):
        build(config(root), get_registry())
    os.truncate(root / MANIFEST, 0)
    assert build(config(root, limit=1), get_registry()).written == 3
