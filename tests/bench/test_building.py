"""Writing a data set: what is refused, what fails, and how loud the noise is."""

import errno
import json
from pathlib import Path

import pytest

from avplug.bench import layouts
from avplug.bench.building import build
from avplug.bench.evaluate import NoClipError
from avplug.bench.verifying import verify
from avplug.builtin_corruptions.shot import Shot
from avplug.core.errors import MediaError, UsageError
from avplug.core.registry import get_registry
from tests.bench.written import config, rows, tree
from tests.media import recipes


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
