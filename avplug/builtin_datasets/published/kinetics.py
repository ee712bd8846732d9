"""Kinetics-Sounds in its three forms: 32 classes, 27, and the 50 of READ."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from avplug.builtin_datasets.folder.classes import LabelList
from avplug.builtin_datasets.published.base import Published, own_classes
from avplug.builtin_datasets.published.lists import (
    bundled_labels,
    cvpr21_rows,
    find_list,
    number,
    read_table,
    require_list,
)
from avplug.builtin_datasets.published.naming import segment_names
from avplug.builtin_datasets.published.row import Row

_COLUMNS = ("label", "youtube_id", "time_start", "time_end")


class _Kinetics(Published):
    """Clips of Kinetics of some classes.

    A clip's id is ``<youtube id>_<start>_<end>``, with six digits each, as the owner's
    downloader names its file; a folder of the class may be around it.
    """

    page = "https://github.com/cvdfoundation/kinetics-dataset"
    splits: ClassVar = {"test": "test", "train": "train", "val": "val"}
    example = "'<class>/0A1bCd2EfGh_000010_000020.mp4'"

    def _rows(self, root: Path, split: str) -> Sequence[Row]:
        names = [f"{split}.csv", f"kinetics_{split}.csv", f"kinetics400_{split}.csv"]
        path = require_list(root, names, f"The list of {self.title}", self.page)
        known = self._classes(root).places
        rows = []
        for line, where in read_table(path, _COLUMNS):
            label = self._label(line["label"])
            if label not in known:
                # The list is that of all of Kinetics, of which these are some classes.
                continue
            start = number(line["time_start"], where)
            end = number(line["time_end"], where)
            name = line["youtube_id"]
            forms = segment_names(name, start, end)
            clip = forms[3]
            rows.append(Row(clip, (label,), (clip, *forms, name), where))
        return rows

    @abstractmethod
    def _label(self, text: str) -> str:
        """Return a label of Kinetics as the list of classes has it."""


class KineticsSounds(_Kinetics):
    """Kinetics-Sounds with 32 classes, as Kinetics-2C has it.

    No list of its 32 classes, nor of its 3,111 clips, is published: put the classes, in
    the order of your model's outputs, into ``class_labels_indices.csv`` (or one name a
    line into ``classes.txt``), and the list of Kinetics or one of these clips, with the
    columns ``label,youtube_id,time_start,time_end``, into ``test.csv``.
    """

    title = "Kinetics-Sounds (32 classes)"

    def _classes(self, root: Path) -> LabelList:
        why = "Which 32 of Kinetics' classes, and in which order, your model knows."
        return own_classes(root, self.title, 32, why)

    def _label(self, text: str) -> str:
        return text


class KineticsSounds27(_Kinetics):
    """Kinetics-Sounds with 27 classes, as the CVPR'21 attacks have it.

    ``root`` holds the lists of that paper, ``test_kinetics.csv``,
    ``val_kinetics.csv`` and ``train_kinetics.csv``, or those of Kinetics.
    """

    title = "Kinetics-Sounds (27 classes)"

    def _rows(self, root: Path, split: str) -> Sequence[Row]:
        path = find_list(root, [f"{split}_kinetics.csv"])
        return cvpr21_rows(path) if path else super()._rows(root, split)

    def _classes(self, root: Path) -> LabelList:
        return bundled_labels("kinetics_sounds_27")

    def _label(self, text: str) -> str:
        return text


class Kinetics50(_Kinetics):
    """The 50 classes of Kinetics that READ corrupted; its list has 2,466 clips.

    Give READ's json as ``list``, or a list of Kinetics as ``test.csv``.
    """

    title = "Kinetics50"

    def _classes(self, root: Path) -> LabelList:
        return bundled_labels("kinetics50")

    def _label(self, text: str) -> str:
        return text.replace(" ", "_")
