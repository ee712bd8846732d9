"""Kinetics: its classes in both spellings."""

import pytest

from avplug.builtin_datasets.published.kinetics import Kinetics50, KineticsSounds
from avplug.core.errors import DatasetError
from tests.builtin_datasets.published import miniature


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
