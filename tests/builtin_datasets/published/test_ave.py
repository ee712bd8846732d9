"""AVE: events of a video told apart, and its categories."""

import pytest

from avplug.builtin_datasets.published.ave import AVE
from avplug.core.errors import DatasetError
from tests.builtin_datasets.published import miniature


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
