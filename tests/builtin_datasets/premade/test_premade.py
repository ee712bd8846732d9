"""Data that were corrupted before: read back, evaluated as they are, never again."""

import json
import shutil

import numpy as np
import pytest

from avplug.bench.store import Store
from avplug.builtin_datasets.premade.dataset import (
    Corrupted,
    EpicKitchens2C,
    VGGSound2C,
)
from avplug.builtin_datasets.premade.trees import find_places, short_name
from avplug.core.clip import AS_IS, InputSpec
from avplug.core.errors import DatasetError, MediaError
from tests.builtin_datasets.published import miniature
from tests.command import call

SPEC_WORDS = ("--limit", "4", "-c", "gaussian,rain", "-s", "1,5")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """What ``avplug build`` writes of four clips, without loss."""
    root = tmp_path_factory.mktemp("built") / "data"
    result = call(
        "build", *SPEC_WORDS, "--out", root, "--frame-format", "png", "--size", 96
    )
    assert result.exit_code == 0, result.output
    return root


def run(folder, *words):
    result = call("run", "--no-report", "--out", folder, *words)
    assert result.exit_code == 0, result.output
    return {
        (cell.cell["corruption"] or {"name": "clean"})["name"]
        + str(cell.cell["severity"]): cell
        for cell in Store(folder).cells()
    }


def test_what_was_built_gives_what_memory_gives(built, tmp_path):
    weights = "avplug:builtin_models/weights/cav-mae-tiny-events.safetensors"
    ours = run(tmp_path / "memory", *SPEC_WORDS)
    known = ours["clean0"].cell["model"]
    theirs = run(
        *(tmp_path / "disk", "--dataset", "premade", "--data-root", built),
        *("--weights", _weights(weights)),
    )
    assert set(ours) == set(theirs)
    assert theirs["clean0"].cell["model"]["weights"] == known["weights"]
    for name, cell in ours.items():
        mine, read = cell.predictions(), theirs[name].predictions()
        assert mine.targets.tolist() == read.targets.tolist()
        np.testing.assert_allclose(mine.logits, read.logits, atol=2e-5)


def _weights(_):
    from avplug.bench.known_weights import known_weights
    from avplug.core.registry import get_registry
    from avplug.core.sources import find

    for entry, weights in known_weights(get_registry()):
        if entry.spec.name == "cav-mae" and weights.dataset == "events":
            return find(weights.files[""])
    raise AssertionError


def test_a_result_says_that_it_stands_on_premade_data(built, tmp_path):
    cells = run(
        *(tmp_path / "disk", "--dataset", "premade", "--data-root", built),
        *("--weights", _weights(""), "-c", "gaussian", "-s", "5"),
    )
    assert set(cells) == {"clean0", "gaussian5"}
    corruption = cells["gaussian5"].cell["corruption"]
    assert corruption["profile"] == corruption["provider"] == "pre-made"
    assert corruption["category"] == "digital"
    assert len(corruption["premade"]) == 16
    assert corruption["made"]["seed"] == 0


def test_other_content_is_another_cell(built, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(built, copy)
    path = copy / "json" / "both" / "rain" / "severity_5.json"
    data = json.loads(path.read_text())
    data["data"] = data["data"][1:]
    path.write_text(json.dumps(data))
    before = {
        (m.name, m.severity): m.fingerprint for m in Corrupted(root=built).premade
    }
    after = {(m.name, m.severity): m.fingerprint for m in Corrupted(root=copy).premade}
    changed = {name for name, _ in before if before[name, 5] != after[name, 5]}
    assert changed == {"rain"}


def test_a_clip_that_a_condition_lacks_is_a_failure_of_that_cell(built, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(built, copy)
    path = copy / "json" / "both" / "rain" / "severity_5.json"
    data = json.loads(path.read_text())
    lost = data["data"].pop(0)["video_id"]
    path.write_text(json.dumps(data))
    cells = run(
        *(tmp_path / "disk", "--dataset", "premade", "--data-root", copy),
        *("--weights", _weights(""), "-c", "rain", "-s", "5"),
    )
    assert cells["clean0"].record["clips"] == {"evaluated": 4, "failed": 0}
    assert cells["rain5"].record["clips"] == {"evaluated": 3, "failed": 1}
    (failure,) = cells["rain5"].record["failures"]
    assert "is not among those of rain at severity 5" in failure["reason"]
    assert lost in failure["reason"]


@pytest.mark.parametrize(
    "words",
    [("-c", "snow"), ("-s", "3"), ("--modalities", "a"), ("-c", "digital/rain")],
)
def test_it_is_not_corrupted_again_unless_asked(built, words):
    result = call("plan", "--dataset", "premade", "--data-root", built, *words)
    assert result.exit_code == 2
    assert "nothing is on disk; there is gaussian 1 (av), gaussian 5" in result.output
    assert "-o dataset.condition=NAME/SEVERITY" in result.output


def test_asked_for_it_is_corrupted_again(built, tmp_path):
    cells = run(
        *(tmp_path / "again", "--dataset", "premade", "--data-root", built),
        *("-o", "dataset.condition=rain/5", "--weights", _weights("")),
        *("-c", "snow", "-s", "5"),
    )
    assert set(cells) == {"clean0", "snow5"}
    about = cells["snow5"].cell
    assert about["dataset"]["options"] == {"condition": "rain/5"}
    assert about["corruption"]["provider"] != "pre-made"


def test_a_build_of_it_is_refused(built, tmp_path):
    words = ("--dataset", "premade", "--data-root", built, "-c", "rain")
    result = call("build", *words, "--out", tmp_path / "x")
    assert result.exit_code == 2
    assert "are corrupted already" in result.output


def test_adaptation_streams_through_premade_conditions(built, tmp_path):
    result = call(
        *("run", "--no-report", "--dataset", "premade", "--data-root", built),
        *("--weights", _weights(""), "--tta", "tent", "--protocol", "continual"),
        *("--out", tmp_path / "tta", "-s", "5"),
    )
    assert result.exit_code == 0, result.output
    streams = [c for c in Store(tmp_path / "tta").cells() if "stream" in c.cell]
    (cell,) = streams
    names = [part["corruption"]["name"] for part in cell.cell["stream"]]
    assert names == ["gaussian", "rain"]


@pytest.mark.parametrize("lists", [True, False])
def test_the_published_generators_names_and_folders(tmp_path, lists):
    """``gaussian_noise``, trees of picture and sound, with and without lists."""
    source = tmp_path / "source"
    source.mkdir()
    miniature.vggsound(source)
    prepared = tmp_path / "prepared"
    call("data", "prepare", "vggsound", "--data-root", source, "--out", prepared)
    root = tmp_path / "VGGSound-2C"
    ids = ["---g-f_I2yQ_000001", "--0PQM4-hqg_000030"]
    for name, level in (("gaussian_noise", 3), ("gaussian_noise", 5), ("snow", 5)):
        tree = f"{name}/severity_{level}"
        shutil.copytree(prepared / "frames", root / "video-C" / tree)
        shutil.copytree(prepared / "audio", root / "audio-C" / tree)
        if lists:
            data = [
                {
                    "video_id": clip,
                    "wav": f"/home/he/x/audio-C/{tree}/{clip}.wav",
                    "video_path": f"/home/he/x/video-C/{tree}",
                    "labels": f"vgg_{number}",
                }
                for number, clip in enumerate(ids)
            ]
            path = root / "json" / "both" / name / f"severity_{level}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps({"data": data}))
    if not lists:
        shutil.copy(source / "vggsound.csv", root)
    dataset = VGGSound2C(root=root)
    found = [(m.name, m.severity, m.senses) for m in dataset.premade]
    assert found == [("gaussian", 3, "av"), ("gaussian", 5, "av"), ("snow", 5, "av")]
    assert not dataset.has_clean
    assert len(dataset.labels) == 309
    (tmp_path / "my_net.py").write_text(miniature.MODEL)
    cells = run(
        *(tmp_path / "run", "--dataset", "vggsound-2c", "--data-root", root),
        *("--model", f"{tmp_path / 'my_net.py'}:Net", "-s", "5"),
    )
    assert set(cells) == {"gaussian5", "snow5"}
    assert cells["snow5"].record["clips"] == {"evaluated": 2, "failed": 0}


def test_without_clean_clips_none_is_loaded(built, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(built, copy)
    shutil.rmtree(copy / "json" / "clean")
    dataset = Corrupted(root=copy)
    with pytest.raises(MediaError, match="There is no clean copy of"):
        dataset.load(dataset.clips[0], AS_IS)
    variant = dataset.premade[0].open()
    assert variant.load(dataset.clips[0], AS_IS).frames is not None


def test_what_read_wrote_has_lists_by_sense(tmp_path):
    for sense, name in (("video", "fog"), ("audio", "traffic")):
        path = tmp_path / "json_csv_files" / "x" / sense / name / "severity_5.json"
        path.parent.mkdir(parents=True)
        path.write_text("{}")
    places = find_places(tmp_path)
    assert [(p.name, p.severity, p.senses) for p in places] == [
        ("fog", 5, "v"),
        ("traffic", 5, "a"),
    ]


def test_videos_that_were_built_are_read_back(tmp_path):
    root = tmp_path / "mp4"
    words = ("--limit", "2", "-c", "gaussian", "-s", "5", "--format", "mp4")
    assert call("build", *words, "--out", root).exit_code == 0
    dataset = Corrupted(root=root)
    assert [(m.name, m.severity) for m in dataset.premade] == [("gaussian", 5)]
    clips = (dataset, dataset.premade[0].open())
    first, second = (d.load(dataset.clips[0], AS_IS) for d in clips)
    assert first.frames.shape == second.frames.shape
    assert (first.frames != second.frames).any()


def test_a_folder_without_corruptions_is_told_what_was_expected(tmp_path):
    (tmp_path / "holiday.mp4").write_bytes(b"")
    with pytest.raises(
        DatasetError, match=r"expected .*severity_<s>.*found holiday\.mp4"
    ):
        Corrupted(root=tmp_path)


def test_an_unknown_condition_is_named(built):
    with pytest.raises(DatasetError, match=r"Did you mean 'rain/5'\?"):
        Corrupted(root=built, condition="rian/5")


def test_long_names_are_the_short_ones():
    assert short_name("gaussian_noise") == "gaussian"
    assert short_name("brown_noise") == "brown_noise"


@pytest.mark.parametrize("form", ["videos", "built"])
def test_epic_kitchens_keeps_its_verbs_and_nouns(tmp_path, form):
    miniature.epic_kitchens(tmp_path)
    words = ("--data-root", tmp_path, "-c", "snow", "-s", "5", "--out", tmp_path / "b")
    if form == "built":
        result = call("build", "--dataset", "epic-kitchens", *words)
        assert result.exit_code == 0, result.output
        dataset = Corrupted(root=tmp_path / "b")
    else:
        videos = tmp_path / "snow" / "severity_5"
        videos.parent.mkdir()
        (tmp_path / "P01").rename(videos)
        dataset = EpicKitchens2C(root=tmp_path)
    assert dict(dataset.tasks) == {"verb": 97, "noun": 300}
    assert not dataset.multi_label
    assert [ref.labels for ref in dataset.clips] == [(3, 97 + 12), (96, 97 + 299)]
    variant = dataset.premade[0].open()
    assert variant.load(dataset.clips[0], InputSpec(32)).frames.shape[1:3] == (32, 32)


def test_decoded_copies_are_kept_by_condition(built, tmp_path):
    words = ("--dataset", "premade", "--data-root", built, "--weights", _weights(""))
    plain = run(tmp_path / "plain", *words, "-s", "5")
    kept = ("--clip-cache", tmp_path / "kept", "-s", "5")
    for folder in ("first", "second"):
        cells = run(tmp_path / folder, *words, *kept)
        for name, cell in plain.items():
            mine, theirs = cell.predictions(), cells[name].predictions()
            assert (mine.logits == theirs.logits).all()


def test_clips_that_are_scored_are_no_training_clips(built):
    with pytest.raises(DatasetError, match="has split 'test', not 'train'"):
        Corrupted(root=built, split="train")
