"""EPIC-Kitchens-100: actions, a verb and a noun, in long videos."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar

from avplug.builtin_datasets.folder.classes import LabelList
from avplug.builtin_datasets.published.base import Published
from avplug.builtin_datasets.published.lists import read_table, require_list
from avplug.builtin_datasets.published.row import Row
from avplug.core.errors import DatasetError

_TIME = re.compile(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)\Z")
_COLUMNS = (
    *("narration_id", "video_id", "start_timestamp", "stop_timestamp"),
    *("verb_class", "noun_class"),
)
_VERBS, _NOUNS = 97, 300


class EpicKitchens(Published):
    """EPIC-Kitchens-100 (Damen et al., IJCV 2022), 97 verbs and 300 nouns.

    ``root`` holds ``EPIC_100_validation.csv`` (split ``test``, as the owner's test set
    has no labels) or ``EPIC_100_train.csv``, ``EPIC_100_verb_classes.csv`` and
    ``EPIC_100_noun_classes.csv`` as published, and the videos, ``P01/P01_11.MP4`` in
    any folders. A clip is a segment of a video, read by seeking; its id is the
    narration's, its group the video. The 397 outputs are the verbs, then the nouns.
    """

    title = "EPIC-Kitchens-100"
    page = "https://github.com/epic-kitchens/epic-kitchens-100-annotations"
    splits: ClassVar = {"test": "validation", "val": "validation", "train": "train"}
    tasks = MappingProxyType({"verb": _VERBS, "noun": _NOUNS})
    example = "'P01/P01_11.MP4'"

    def _rows(self, root: Path, split: str) -> Sequence[Row]:
        names = [f"EPIC_100_{split}.csv"]
        path = require_list(root, names, "EPIC's annotations", self.page)
        rows = []
        for line, where in read_table(path, _COLUMNS):
            video = line["video_id"]
            start = _seconds(line["start_timestamp"], where)
            end = _seconds(line["stop_timestamp"], where)
            if end <= start:
                raise DatasetError(f"{where}: the segment ends before it begins.")
            labels = f"verb_{line['verb_class']}", f"noun_{line['noun_class']}"
            name = line["narration_id"]
            rows.append(Row(name, labels, (video,), where, start, end, video))
        return rows

    def _classes(self, root: Path) -> LabelList:
        names: list[str] = []
        places: dict[str, int] = {}
        for task, count in self.tasks.items():
            files = [f"EPIC_100_{task}_classes.csv", f"EPIC_100_{task}_classes_v2.csv"]
            path = require_list(root, files, f"EPIC's {task}s", self.page)
            keys = {line["id"]: line["key"] for line, _ in read_table(path, _KEYS)}
            if set(keys) != set(map(str, range(count))):
                raise DatasetError(
                    f"'{path}' has {len(keys)} {task}s, not ids 0 to {count - 1}."
                )
            for index in range(count):
                places[f"{task}_{index}"] = len(names)
                names.append(f"{task}:{keys[str(index)]}")
        return LabelList(tuple(names), places, "EPIC's verbs and nouns")


_KEYS = ("id", "key")


def _seconds(text: str, where: str) -> float:
    match = _TIME.match(text)
    if match is None:
        raise DatasetError(f"{where}: '{text}' is no time such as 00:01:02.34.")
    hours, minutes, seconds = match.groups()
    return 3600 * int(hours) + 60 * int(minutes) + float(seconds)
