"""Each published data set in miniature: read, checked, prepared, run; and mistakes."""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from avplug.bench.store import Store
from avplug.builtin_datasets.published.audioset import AudioSet
from avplug.builtin_datasets.published.ave import AVE
from avplug.builtin_datasets.published.epic import EpicKitchens
from avplug.builtin_datasets.published.kinetics import Kinetics50, KineticsSounds
from avplug.builtin_datasets.published.lists import bundled_labels
from avplug.builtin_datasets.published.music import MITMusic
from avplug.builtin_datasets.published.vggsound import VGGSound
from avplug.cli.app import build_app
from avplug.core.clip import AS_IS, InputSpec
from avplug.core.components import DatasetSpec
from avplug.core.errors import DatasetError, MediaError
from avplug.core.registry import get_registry
from avplug.media.read import read_clip
from tests.builtin_datasets.published import miniature

SHARED = Path(__file__).parents[4] / "shared" / "data"


def call(*words):
    arguments = [str(word) for word in words]
    return CliRunner().invoke(build_app(arguments), arguments)


def opened(name, root, **options):
    return get_registry().get("dataset", name).load()(root=root, **options)


@pytest.fixture(scope="module", params=list(miniature.MAKERS))
def mini(request, tmp_path_factory):
    """Return the name of a data set and its miniature, for tests that write nothing."""
    root = tmp_path_factory.mktemp(request.param)
    miniature.MAKERS[request.param](root)
    return request.param, root


def test_the_miniature_goes_through_check_prepare_and_run(mini, tmp_path):
    name, root = mini
    checked = call("data", "check", name, "--data-root", root, "--json")
    assert checked.exit_code == 1, checked.output
    found = json.loads(checked.stdout)
    assert found["counts"] == {"missing": 1}
    assert found["listed"] == found["checked"] + 1 == found["present"] + 1

    prepared = tmp_path / "prepared"
    words = ("data", "prepare", name, "--data-root", root, "--out", prepared)
    result = call(*words)
    assert result.exit_code == 0, result.output
    assert f"{found['present']} clips written, 0 found" in result.stderr
    again = call(*words)
    assert f"0 clips written, {found['present']} found" in again.stderr

    before, after = opened(name, root), opened(name, prepared)
    assert [(r.id, r.labels, r.group) for r in after.clips] == [
        (r.id, r.labels, r.group) for r in before.clips
    ]
    assert after.labels == before.labels
    assert dict(after.missing) == dict(before.missing)
    assert (after.tasks, after.multi_label) == (before.tasks, before.multi_label)

    (tmp_path / "my_net.py").write_text(miniature.MODEL)
    result = call(
        *("run", "--dataset", name, "--data-root", prepared, "--no-report"),
        *("--model", f"{tmp_path / 'my_net.py'}:Net", "--out", tmp_path / "run"),
        *("-c", "gaussian", "-s", "5"),
    )
    assert result.exit_code == 0, result.output
    store = Store(tmp_path / "run")
    assert len(store.cells()) == 2
    for cell in store.cells():
        assert cell.record["clips"] == {"evaluated": found["present"], "failed": 0}
        assert cell.cell["dataset"]["missing"] == 1
        assert cell.predictions().logits.shape[1] == len(before.labels)
    assert store.run["missing"] == dict(before.missing)
    assert store.run["tasks"] == dict(before.tasks)


def test_listed_facts_agree_with_the_data_sets(mini):
    name, root = mini
    spec = get_registry().get("dataset", name).spec
    assert isinstance(spec, DatasetSpec)
    assert spec.classes == len(opened(name, root).labels)
    assert spec.page
    assert name in call("data", "list").stdout


def test_a_folder_without_the_list_is_told_what_was_expected(mini, tmp_path):
    name, _ = mini
    (tmp_path / "holiday.mp4").write_bytes(b"")
    with pytest.raises(DatasetError, match=r"expected .*; found holiday\.mp4") as told:
        opened(name, tmp_path)
    assert str(tmp_path) in str(told.value)


def test_a_list_without_media_is_told_what_was_expected(mini, tmp_path):
    name, root = mini
    for path in root.iterdir():
        if path.is_file():
            shutil.copy(path, tmp_path)
    with pytest.raises(DatasetError, match=r"Not one of the \d clips.*found no media"):
        opened(name, tmp_path)


def test_an_unknown_split_is_named(mini):
    name, root = mini
    with pytest.raises(DatasetError, match=r"has no split 'tset'\. Splits: test"):
        opened(name, root, split="tset")


def test_audioset_keeps_several_labels_and_reads_every_form_of_name(tmp_path):
    miniature.audioset(tmp_path)
    dataset = AudioSet(root=tmp_path)
    names = bundled_labels("audioset").places
    assert dataset.multi_label
    assert [ref.id for ref in dataset.clips] == [
        "--4gqARaEJE",
        "-0RWZT-miFs",
        "-1EiQzgAnns",
    ]
    first = tuple(names[mid] for mid in ("/m/068hy", "/m/07q6cd_", "/m/0bt9lr"))
    assert dataset.clips[0].labels == first
    assert dict(dataset.missing) == {"-gone-gone-": "no file named -gone-gone-"}


def test_vggsound_takes_its_split_and_knows_names_with_a_comma(tmp_path):
    miniature.vggsound(tmp_path)
    test, train = (VGGSound(root=tmp_path, split=s) for s in ("test", "train"))
    assert [ref.id for ref in test.clips] == [
        "---g-f_I2yQ_000001",
        "--0PQM4-hqg_000030",
    ]
    assert test.labels[test.clips[1].labels[0]] == "bird chirping_ tweeting"
    assert [ref.id for ref in train.clips] == ["--56QUhyDQM_000185"]


def test_kinetics_leaves_other_classes_out_and_knows_both_spellings(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    miniature.kinetics_sounds(tmp_path / "a")
    miniature.kinetics50(tmp_path / "b")
    assert [r.labels for r in KineticsSounds(root=tmp_path / "a").clips] == [
        (3,),
        (31,),
    ]
    of_read = Kinetics50(root=tmp_path / "b")
    assert [of_read.labels[r.labels[0]] for r in of_read.clips] == [
        "petting_cat",
        "krumping",
    ]
    (tmp_path / "a" / "classes.txt").write_text("one\ntwo\n")
    with pytest.raises(DatasetError, match=r"has 2 classes where .* has 32"):
        KineticsSounds(root=tmp_path / "a")


def test_ave_tells_two_events_of_a_video_apart(tmp_path):
    miniature.ave(tmp_path)
    dataset = AVE(root=tmp_path)
    assert [ref.id for ref in dataset.clips] == [
        "-AZoXtCgO0o",
        "two-events0+Frying_(food)",
        "two-events0+Male_speech,_man_speaking",
    ]
    assert [dataset.labels[ref.labels[0]] for ref in dataset.clips] == [
        "Rodents",
        "Frying",
        "Male speech",
    ]
    assert dataset.clips[1].group == dataset.clips[2].group == "two-events0"


@pytest.mark.parametrize("category", ["Speech", ""])
def test_ave_refuses_what_is_no_category(tmp_path, category):
    (tmp_path / "testSet.txt").write_text(f"{category}&abc&good&0&10\n")
    with pytest.raises(DatasetError, match=r"line 1: '.*' is no category of AVE"):
        AVE(root=tmp_path)


def test_music_takes_the_frame_shown_in_the_middle(tmp_path):
    miniature.mit_music(tmp_path)
    dataset = MITMusic(root=tmp_path)
    ref = dataset.clips[1]
    clip = dataset.load(ref, InputSpec(0, 0, 0.0, 1, (0,), "centre", "first"))
    assert clip.times.tolist() == [1.0]
    assert clip.duration == 2.0
    assert clip.frames[0, 24, 40].tolist() == pytest.approx([80, 80, 80], abs=3)


def test_epic_has_a_verb_and_a_noun(tmp_path):
    miniature.epic_kitchens(tmp_path)
    dataset = EpicKitchens(root=tmp_path)
    assert dict(dataset.tasks) == {"verb": 97, "noun": 300}
    assert len(dataset.labels) == 397
    assert dataset.labels[96:98] == ("verb:verb96", "noun:noun0")
    assert [ref.labels for ref in dataset.clips] == [(3, 97 + 12), (96, 97 + 299)]
    assert [ref.group for ref in dataset.clips] == ["P01_11", "P01_11"]
    assert not dataset.multi_label
    clip = dataset.load(dataset.clips[1], AS_IS)
    assert clip.duration == pytest.approx(1.4, abs=0.11)


def test_epic_says_which_list_of_classes_is_missing(tmp_path):
    miniature.epic_kitchens(tmp_path)
    (tmp_path / "EPIC_100_noun_classes.csv").unlink()
    with pytest.raises(DatasetError, match=r"expected EPIC_100_noun_classes\.csv"):
        EpicKitchens(root=tmp_path)


@pytest.mark.parametrize(
    ("stamps", "message"),
    [
        (("0:1", "00:00:02.0"), "'0:1' is no time such as"),
        (("00:00:03.0", "00:00:02.0"), "ends before it begins"),
    ],
)
def test_epic_names_the_line_of_an_impossible_time(tmp_path, stamps, message):
    miniature.epic_classes(tmp_path)
    line = f"P01_11_0,P01,P01_11,x,{','.join(stamps)},1,9,take,take,0,a,0,[],[0]\n"
    (tmp_path / "EPIC_100_validation.csv").write_text(miniature.EPIC + line)
    with pytest.raises(DatasetError, match=message) as told:
        EpicKitchens(root=tmp_path)
    assert "line 2" in str(told.value)


def test_segments_of_a_long_video_are_read_by_seeking(tmp_path, monkeypatch):
    seconds, rate, gop = 600, 5, 25
    miniature.epic_classes(tmp_path)
    starts = range(2, seconds - 4, 20)
    rows = [miniature.epic_row(i, start, start + 3) for i, start in enumerate(starts)]
    (tmp_path / "EPIC_100_validation.csv").write_text(miniature.EPIC + "".join(rows))
    path = tmp_path / "videos" / "P01_11.MP4"
    miniature.long_video(path.with_suffix(".mp4"), seconds, rate, gop)
    path.with_suffix(".mp4").rename(path)
    dataset = EpicKitchens(root=tmp_path)
    assert len(dataset.clips) == 30
    packets = _count_packets(monkeypatch)
    spec = InputSpec(32, 8000, 0.0, 10, (5,), "cav-mae", "first")
    most = 0
    for ref, start in zip(dataset.clips, starts, strict=True):
        packets.clear()
        clip = dataset.load(ref, spec)
        most = max(most, packets["video"])
        assert clip.frames.shape == (1, 32, 32, 3)
        assert clip.audio.shape == (1, 3 * 8000)
        shade = 20 + 20 * ((start + 1) // 60)
        assert abs(int(clip.frames[0, 16, 16, 0]) - shade) <= 3
    # Before 60 s a seek is not worth it; further in, some seconds and a group of
    # pictures are read twice, to look and to decode. The whole video has 3000 frames.
    assert most <= 2 * (60 + 5 + 3) * rate + 4 * gop
    far = [ref for ref in dataset.clips if ref.source.start > 300]
    packets.clear()
    for ref in far:
        dataset.load(ref, spec)
    assert packets["video"] / len(far) <= 2 * (5 + 3 + 3 + gop / rate) * rate


def _count_packets(monkeypatch):
    from collections import Counter

    from avplug.media import audio_track, container, scan, video_track

    seen = Counter()
    original = container.packets_of

    def counted(path, opened, *streams):
        for packet in original(path, opened, *streams):
            seen[packet.stream.type] += 1
            yield packet

    for module in (audio_track, scan, video_track):
        monkeypatch.setattr(module, "packets_of", counted)
    return seen


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


def test_links_are_followed_once_and_a_folder_that_is_not_there_is_named(tmp_path):
    (tmp_path / "set").mkdir()
    root = tmp_path / "set"
    miniature.vggsound(root)
    (root / "video").rename(tmp_path / "elsewhere")
    (root / "video").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "back").symlink_to(root)
    assert len(VGGSound(root=root).clips) == 2
    with pytest.raises(DatasetError, match=r"Cannot list the folder '.*nowhere'"):
        VGGSound(root=root, media=["nowhere"])


def test_prepared_clips_are_of_one_split(tmp_path):
    miniature.vggsound(tmp_path)
    out = tmp_path / "out"
    words = ("data", "prepare", "vggsound", "--data-root", tmp_path, "--out", out)
    assert call(*words, "--split", "train").exit_code == 0
    dataset = VGGSound(root=out, split="train")
    assert [ref.id for ref in dataset.clips] == ["--56QUhyDQM_000185"]
    with pytest.raises(
        DatasetError, match="lists split 'train' of VGGSound, not 'test'"
    ):
        VGGSound(root=out)


def test_a_video_of_two_classes_is_two_clips(tmp_path):
    (tmp_path / "test_AVE.csv").write_text(
        "/Church_bell/a.wav,/Church_bell/a.mp4,82\n/Bark/a.wav,/Bark/a.mp4,82\n"
    )
    miniature.video(tmp_path / "AVE" / "a.mp4")
    dataset = AVE(root=tmp_path)
    assert [(ref.id, ref.group) for ref in dataset.clips] == [
        ("a+Church_bell", "a"),
        ("a+Bark", "a"),
    ]


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


def test_a_clip_that_is_not_there_changes_the_fingerprint(tmp_path):
    miniature.vggsound(tmp_path)
    before = VGGSound(root=tmp_path).fingerprint()
    (tmp_path / "video" / "--0PQM4-hqg_30.mp4").unlink()
    assert VGGSound(root=tmp_path).fingerprint() != before


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
        opened(name, tmp_path)


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the shared clips")
@pytest.mark.parametrize("form", ["video", "frames"])
def test_a_real_clip_runs_as_an_audioset_of_one(tmp_path, form):
    name = "BkjpjAohg-0"
    (tmp_path / "eval_segments.csv").write_text(
        f'# of one clip\n{name}, 30.000, 40.000, "/m/04rlf,/m/07qcpgn"\n'
    )
    if form == "video":
        shutil.copy(SHARED / "clips" / f"{name}.mp4", tmp_path)
    else:
        shutil.copytree(SHARED / "frames_and_wav", tmp_path / "media")
    dataset = AudioSet(root=tmp_path)
    assert [ref.id for ref in dataset.clips] == [name]
    (tmp_path / "my_net.py").write_text(miniature.MODEL)
    result = call(
        *("run", "--dataset", "audioset", "--data-root", tmp_path, "--no-report"),
        *("--model", f"{tmp_path / 'my_net.py'}:Net", "--out", tmp_path / "run"),
        *("-c", "gaussian", "-s", "5", "--metric", "map"),
    )
    assert result.exit_code == 0, result.output
    for cell in Store(tmp_path / "run").cells():
        predictions = cell.predictions()
        assert predictions.logits.shape == (1, 527)
        assert predictions.targets.sum() == 2


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the shared clips")
def test_prepared_sound_is_that_of_the_published_extraction(tmp_path):
    name = "BkjpjAohg-0"
    (tmp_path / "eval_segments.csv").write_text(f'{name}, 30, 40, "/m/04rlf"\n')
    shutil.copy(SHARED / "clips" / f"{name}.mp4", tmp_path)
    out = tmp_path / "out"
    call("data", "prepare", "audioset", "--data-root", tmp_path, "--out", out)
    theirs = SHARED / "frames_and_wav"
    mine = (out / "audio" / f"{name}.wav").read_bytes()[44:]
    stored = (theirs / "eval_audio" / f"{name}.wav").read_bytes()
    assert (
        np.abs(
            np.frombuffer(mine, "<i2").astype(int)
            - np.frombuffer(stored[-len(mine) :], "<i2")
        ).max()
        <= 1
    )
    from avplug.media.pictures import open_rgb

    for index in range(10):
        of_them = open_rgb(theirs / "eval_frames" / f"frame_{index}" / f"{name}.jpg")
        of_us = open_rgb(out / "frames" / f"frame_{index}" / f"{name}.jpg")
        # Colours follow the file's tag, where the published extraction ignores it.
        assert np.abs(of_them.astype(int) - of_us).mean() < 4


def test_a_video_without_sound_is_no_clip_of_frames(tmp_path):
    miniature.mute_video(tmp_path / "mute.mp4")
    with pytest.raises(MediaError, match="has no audio track"):
        read_clip(tmp_path / "mute.mp4", AS_IS, "mute")
