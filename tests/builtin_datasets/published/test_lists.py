"""Lists of clips: the owners', READ's, those that are known, and mistakes in them."""

import hashlib
import json
from pathlib import Path

import pytest

from avplug.builtin_datasets.published.kinetics import Kinetics50
from avplug.builtin_datasets.published.vggsound import VGGSound
from avplug.core.clip import AS_IS
from avplug.core.errors import DatasetError
from tests.builtin_datasets.published import miniature
from tests.command import call


def test_the_list_of_read_is_read_wherever_its_paths_begin(tmp_path):
    miniature.vggsound(tmp_path)
    prepared = tmp_path / "prepared"
    call("data", "prepare", "vggsound", "--data-root", tmp_path, "--out", prepared)
    data = [
        {
            "video_id": "---g-f_I2yQ_000001",
            "wav": "/home/her/data/prepared/audio/---g-f_I2yQ_000001.wav",
            "video_path": "/home/her/data/prepared/frames",
            "labels": "vgg_7",
        },
        {
            "video_id": "not-there_000001",
            "wav": "/home/her/data/prepared/audio/not-there_000001.wav",
            "video_path": "/home/her/data/prepared/frames",
            "labels": "vgg_8",
        },
    ]
    (tmp_path / "refer.json").write_text(json.dumps({"data": data}))
    for root, options in (
        (tmp_path, {"list": Path("refer.json")}),
        (tmp_path / "refer.json", {}),
    ):
        dataset = VGGSound(root=root, **options)
        assert [(ref.id, ref.labels) for ref in dataset.clips] == [
            ("---g-f_I2yQ_000001", (7,))
        ]
        assert list(dataset.missing) == ["not-there_000001"]
        assert dataset.load(dataset.clips[0], AS_IS).frames.shape[0] == 10


def test_the_lists_of_read_find_videos_by_the_names_of_their_owners(tmp_path):
    def entry(name, label):
        return {"video_id": name, "wav": "a/x.wav", "video_path": "b", "labels": label}

    for name, stem, label, kind in (
        ("VV_-L-GMh8g_230", "VV_-L-GMh8g_000230", "vgg_235", VGGSound),
        ("lvwbZ5HKaq0", "lvwbZ5HKaq0_000010_000020", "dying_hair", Kinetics50),
    ):
        root = tmp_path / label
        miniature.video(root / "clips" / f"{stem}.mp4")
        (root / "list.json").write_text(json.dumps({"data": [entry(name, label)]}))
        dataset = kind(root=root, list="list.json")
        assert [ref.id for ref in dataset.clips] == [name]
    # Two parts of one video: which is meant, the list does not say.
    miniature.video(root / "clips" / "lvwbZ5HKaq0_000030_000040.mp4")
    with pytest.raises(DatasetError, match="Not one of the 1 clips"):
        Kinetics50(root=root, list="list.json")


def test_a_published_list_is_recognised_in_any_order(tmp_path, monkeypatch):
    from avplug.builtin_datasets.published import lists

    miniature.vggsound(tmp_path)
    text = "\n".join(
        [
            "--0PQM4-hqg_000030,bird chirping_ tweeting",
            "---g-f_I2yQ_000001,people marching",
            "-lost-lost-_000007,playing tennis",
        ]
    )
    digest = hashlib.sha256("\n".join(sorted(text.splitlines())).encode()).hexdigest()
    assert VGGSound(root=tmp_path).list_name == ""
    monkeypatch.setitem(lists.KNOWN, digest, "miniature")
    assert VGGSound(root=tmp_path).list_name == "miniature"
    result = call("data", "check", "vggsound", "--data-root", tmp_path)
    assert "clips of the list, that of miniature" in result.stdout


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("vggsound", "a,1,dog\n", r"vggsound\.csv, line 1: 3 cells where at least 4"),
        ("vggsound", "a,1,hot dog,test\n", "line 1: label 'hot dog' is not in"),
        ("vggsound", "a,1,dog barking,valid\n", "'valid' is no split of VGGSound"),
        ("vggsound", "a,x,playing tennis,test\n", "line 1: 'x' is no number"),
        ("vggsound", 2 * "a,1,playing tennis,test\n", "line 2: the clip .* too"),
        ("vggsound", "", "The list of VGGSound in .* is empty"),
        ("kinetics50", "label,id\n", "has no column youtube_id, time_start, time_end"),
    ],
)
def test_mistakes_in_the_lists(tmp_path, name, text, message):
    file = {"vggsound": "vggsound.csv", "kinetics50": "test.csv"}[name]
    (tmp_path / file).write_text(text)
    with pytest.raises(DatasetError, match=message):
        miniature.opened(name, tmp_path)
