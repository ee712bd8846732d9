"""Written data sets lie as published, and hold exactly what a run would see."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from avplug.bench.building import build
from avplug.bench.layouts import JPEG_QUALITY, FrameTree
from avplug.bench.manifest import MANIFEST
from avplug.builtin_corruptions.gaussian import Gaussian
from avplug.builtin_datasets.events.dataset import Events
from avplug.builtin_datasets.folder.dataset import Folder
from avplug.core.clip import AS_IS
from avplug.core.corruption import corrupt
from avplug.core.registry import get_registry
from tests.bench.written import CELLS, LABELS, config, movies, rows, tree


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
