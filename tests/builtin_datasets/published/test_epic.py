"""EPIC-KITCHENS: a verb and a noun for each segment of a long video."""

import pytest

from avplug.builtin_datasets.published.epic import EpicKitchens
from avplug.core.clip import AS_IS, InputSpec
from avplug.core.errors import DatasetError
from tests.builtin_datasets.published import miniature


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
