"""AVE: ten-second clips of one of 28 audio-visual events."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from avplug.builtin_datasets.folder.classes import LabelList
from avplug.builtin_datasets.published.base import Published
from avplug.builtin_datasets.published.lists import (
    bundled_labels,
    cvpr21_rows,
    find_list,
    read_rows,
    require_list,
)
from avplug.builtin_datasets.published.row import Row
from avplug.core.errors import DatasetError

_BRACKETS = re.compile(r"\s*\(.*?\)")


class AVE(Published):
    """AVE (Tian et al., ECCV 2018), 28 classes.

    ``root`` holds ``testSet.txt``, ``valSet.txt`` and ``trainSet.txt`` as published
    (lines ``category&youtube id&quality&start&end``), or the lists of the CVPR'21
    attacks, ``test_AVE.csv`` and so on; and the clips, ``AVE/<youtube id>.mp4``. The
    whole ten seconds are the clip. Its id is that of YouTube; where a video stands for
    two events, ``<youtube id>+<category>``.
    """

    title = "AVE"
    page = "https://github.com/YapengTian/AVE-ECCV18"
    splits: ClassVar = {"test": "test", "train": "train", "val": "val"}
    example = "'AVE/-AZoXtCgO0o.mp4'"

    def _rows(self, root: Path, split: str) -> Sequence[Row]:
        path = find_list(root, [f"{split}_AVE.csv"])
        if path:
            return cvpr21_rows(path)
        names = [f"{split}Set.txt"]
        path = require_list(root, names, "AVE's list", self.page)
        lines = [
            (cells[0], cells[1], where)
            for cells, where in read_rows(path, 5, delimiter="&")
            if cells[0] != "Category"
        ]
        times = Counter(name for _, name, _ in lines)
        known = self._classes(root).places
        return [
            Row(
                id=name if times[name] == 1 else f"{name}+{category.replace(' ', '_')}",
                labels=(_label(category, known, where),),
                names=(name,),
                where=where,
                group=name,
            )
            for category, name, where in lines
        ]

    def _classes(self, root: Path) -> LabelList:
        return bundled_labels("ave")


def _label(category: str, known: dict[str, int], where: str) -> str:
    """Return the short name of a category such as ``Rodents, rats, mice``."""
    parts = [_BRACKETS.sub("", part).strip() for part in category.split(",")]
    found = [part for part in (category, *parts) if part in known]
    if not found:
        raise DatasetError(f"{where}: '{category}' is no category of AVE.")
    return found[0]
