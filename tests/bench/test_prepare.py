"""A run makes its components as their contracts say."""

from pathlib import Path

from avplug import ClipRef, Dataset, DatasetSpec
from avplug.bench.config import RunConfig
from avplug.bench.prepare import open_dataset


class Shelf(Dataset):
    def __init__(self, *, split="test", root=None):
        self.labels, self.clips, self.given = ("one",), [ClipRef("a", (0,))], root

    def load(self, ref, spec):
        raise NotImplementedError


class Entries:
    def get(self, kind, name):
        return self

    spec = DatasetSpec("shelf", "shelf:Shelf")

    def load(self):
        return Shelf


def test_a_data_set_is_given_its_root_as_a_path():
    _, dataset, _ = open_dataset(Entries(), RunConfig(data_root="my/clips/"))
    assert dataset.given == Path("my/clips")
