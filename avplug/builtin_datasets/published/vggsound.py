"""VGGSound: ten-second clips of one of 309 classes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from avplug.builtin_datasets.folder.classes import LabelList
from avplug.builtin_datasets.published.base import Published
from avplug.builtin_datasets.published.lists import (
    bundled_labels,
    number,
    read_rows,
    require_list,
)
from avplug.builtin_datasets.published.naming import segment_names
from avplug.builtin_datasets.published.row import Row
from avplug.core.errors import DatasetError

#: Length of every clip, in seconds.
_LENGTH = 10


class VGGSound(Published):
    """VGGSound (Chen et al., ICASSP 2020), 309 classes.

    ``root`` holds ``vggsound.csv`` as published (youtube id, start second, label,
    split), and the clips as videos, or as frames and sounds, called ``<youtube
    id>_<start second>``, the second with six digits or without zeros before. Such a
    name, with six digits, is a clip's id. ``list=vgg_test_refer.json``, that of READ,
    gives the 14,046 clips of VGGSound-2C.
    """

    title = "VGGSound"
    page = "https://www.robots.ox.ac.uk/~vgg/data/vggsound/"
    splits: ClassVar = {"test": "test", "train": "train"}
    example = "'---g-f_I2yQ_000001.mp4'"

    def _rows(self, root: Path, split: str) -> Sequence[Row]:
        path = require_list(root, ["vggsound.csv"], "VGGSound's list", self.page)
        rows = []
        for cells, where in read_rows(path, 4):
            name, start, label, part = cells[0], number(cells[1], where), *cells[2:4]
            if part not in self.splits:
                raise DatasetError(f"{where}: '{part}' is no split of VGGSound.")
            if part == split:
                names = segment_names(name, start, start + _LENGTH)
                # Label lists write an underscore for the comma in a name.
                labels = (label.replace(",", "_"),)
                rows.append(Row(names[0], labels, names, where))
        return rows

    def _also_called(self, clip: str) -> tuple[str, ...]:
        name, _, start = clip.rpartition("_")
        if not (name and start.isdigit()):
            return ()
        return segment_names(name, float(start), float(start) + _LENGTH)

    def _classes(self, root: Path) -> LabelList:
        return bundled_labels("vggsound")
