"""VGGSound: its splits, and names with a comma."""

import pytest

from avplug.builtin_datasets.published.vggsound import VGGSound
from avplug.core.errors import DatasetError
from tests.builtin_datasets.published import miniature
from tests.command import call


def test_vggsound_takes_its_split_and_knows_names_with_a_comma(tmp_path):
    miniature.vggsound(tmp_path)
    test, train = (VGGSound(root=tmp_path, split=s) for s in ("test", "train"))
    assert [ref.id for ref in test.clips] == [
        "---g-f_I2yQ_000001",
        "--0PQM4-hqg_000030",
    ]
    assert test.labels[test.clips[1].labels[0]] == "bird chirping_ tweeting"
    assert [ref.id for ref in train.clips] == ["--56QUhyDQM_000185"]


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
