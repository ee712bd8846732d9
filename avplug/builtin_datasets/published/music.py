"""MIT-MUSIC: videos of people who play one of 11 instruments."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from avplug.builtin_datasets.folder.classes import LabelList
from avplug.builtin_datasets.published.base import Published
from avplug.builtin_datasets.published.lists import (
    bundled_labels,
    cvpr21_rows,
    require_list,
)
from avplug.builtin_datasets.published.row import Row


class MITMusic(Published):
    """The solos of MIT-MUSIC (Zhao et al., ECCV 2018) in the lists of CVPR'21.

    ``root`` holds ``test.csv``, ``val.csv`` and ``train.csv`` of the CVPR'21 attacks
    (lines ``/tuba/73ikMuXwKgc.wav,/tuba/73ikMuXwKgc.mp4,282``), and, in any folders,
    the videos ``<class>/<youtube id>.mp4``, or sounds ``<class>/<youtube id>.wav`` with
    frames, 8 a second, ``<class>/<youtube id>.mp4/000001.jpg``.
    """

    title = "MIT-MUSIC"
    page = "https://github.com/YapengTian/AV-Robustness-CVPR21"
    splits: ClassVar = {"test": "test", "train": "train", "val": "val"}
    example = "'tuba/73ikMuXwKgc.mp4'"

    def _rows(self, root: Path, split: str) -> Sequence[Row]:
        path = require_list(root, [f"{split}.csv"], "MIT-MUSIC's list", self.page)
        return cvpr21_rows(path)

    def _classes(self, root: Path) -> LabelList:
        return bundled_labels("music")
