"""Checks of a data set get from disk what a run would give it."""

from pathlib import Path

import pytest

from avplug import Dataset, DatasetSpec
from avplug.testing.checks import NotApplicable, Subject
from avplug.testing.datasets import made

SPEC = DatasetSpec("shelf", "shelf:Shelf")


class Shelf(Dataset):
    def __init__(self, *, split="test", root=None):
        self.labels, self.clips, self.home = ("one",), [], root / split

    def load(self, ref, spec):
        raise NotImplementedError


@pytest.mark.parametrize("root", ["data", Path("data")])
def test_the_root_is_a_path_as_in_a_run(root):
    assert made(Subject(SPEC, Shelf, 0, {"root": root})).home == Path("data/test")


def test_without_a_root_there_is_nothing_to_check():
    with pytest.raises(NotApplicable, match=r"-o shelf\.root=FOLDER"):
        made(Subject(SPEC, Shelf, 0, {}))
