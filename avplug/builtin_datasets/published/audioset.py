"""AudioSet: ten-second clips with some of 527 labels."""

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

_TRAIN, _UNBALANCED = "balanced_train_segments", "unbalanced_train_segments"


class AudioSet(Published):
    """AudioSet (Gemmeke et al., ICASSP 2017), 527 classes, several for each clip.

    ``root`` holds ``eval_segments.csv``, ``balanced_train_segments.csv`` or
    ``unbalanced_train_segments.csv`` as published, and the clips as videos, or as
    frames and sounds, called ``<youtube id>``, ``Y<youtube id>``, or the id with its
    start in seconds (``_30``, ``_30.000``, ``_000030``) or its part
    (``_30000_40000``). A clip's id is that of YouTube. Splits: ``test``, ``train``
    (balanced), ``unbalanced``.
    """

    multi_label = True
    title = "AudioSet"
    page = "https://research.google.com/audioset/download.html"
    splits: ClassVar = {
        "test": "eval_segments",
        "train": _TRAIN,
        "unbalanced": _UNBALANCED,
    }
    example = "'--4gqARaEJE.mp4' or '--4gqARaEJE_0.000.mp4'"

    def _rows(self, root: Path, split: str) -> Sequence[Row]:
        path = require_list(root, [f"{split}.csv"], "AudioSet's segments", self.page)
        rows = []
        for cells, where in read_rows(path, 4, comment="#"):
            name, labels = cells[0], cells[3]
            start, end = number(cells[1], where), number(cells[2], where)
            names = (name, f"Y{name}", *segment_names(name, start, end))
            rows.append(Row(name, _mids(labels), names, where))
        return rows

    def _classes(self, root: Path) -> LabelList:
        return bundled_labels("audioset")


def _mids(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(mid.strip() for mid in text.split(",") if mid.strip()))
