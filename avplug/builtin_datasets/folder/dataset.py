"""The data set ``folder``: a user's own clips."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from avplug.builtin_datasets.folder.bench_json import read_json
from avplug.builtin_datasets.folder.classes import LabelList, read_labels
from avplug.builtin_datasets.folder.clips_csv import read_csv
from avplug.builtin_datasets.folder.entry import Entry
from avplug.core.clip import Clip, ClipRef, InputSpec
from avplug.core.dataset import Dataset
from avplug.core.errors import DatasetError, closest

#: Name of the list in a folder.
LIST = "clips.csv"


class Folder(Dataset):
    """Clips that a csv or json list names.

    The csv has the columns ``file,label`` and optionally ``id``, ``group``, ``start``,
    ``end``, ``wav`` and ``split``. Files are relative to it; several labels are joined
    by ``|`` or ``;``. A file is a video, or a picture with a sound file in ``wav``. The
    json is that of CAV-MAE and AVRobustBench. A missing or damaged media file is an
    error of its clip only.

    Args:
        split: Rows of other splits are left out; without a column ``split`` every
            split is the whole list.
        root: Folder with ``clips.csv``, or the csv or json itself.
        classes: File with the label list; None takes the sorted labels of the list.
        media: Folder that media paths are relative to; None for the list's own.

    Raises:
        DatasetError: A list is missing or contradicts itself or the label list.
    """

    def __init__(
        self,
        *,
        split: str = "test",
        root: Path | None = None,
        classes: Path | None = None,
        media: Path | None = None,
    ) -> None:
        if root is None:
            raise DatasetError(
                "Data set 'folder' is read from a folder.",
                f"Give the one with '{LIST}', or a csv or json list, as root.",
            )
        path = _list_file(Path(root))
        self.root = path.parent
        self._base = path.parent if media is None else Path(media)
        if not self._base.is_dir():
            raise DatasetError(f"There is no folder of media '{self._base}'.")
        is_json = path.suffix.lower() == ".json"
        entries = read_json(path) if is_json else read_csv(path)
        mine = _of_split(entries, split, path)
        labels = _label_list(classes, path, entries)
        _check_ids(mine)
        self.labels = labels.names
        self.multi_label = any(len(entry.labels) > 1 for entry in entries)
        self.clips = [
            ClipRef(
                entry.id,
                tuple(labels.index(label, entry.where) for label in entry.labels),
                entry.source,
                entry.group,
            )
            for entry in mine
        ]

    def load(self, ref: ClipRef, spec: InputSpec) -> Clip:
        """Read a clip's files.

        Raises:
            MediaError: One is missing or damaged.
        """
        clip: Clip = ref.source.load(self._base, spec, ref.id)
        return clip

    def files(self, ref: ClipRef) -> Sequence[Path]:
        """Return the media files of a clip."""
        files: Sequence[Path] = ref.source.files(self._base)
        return files

    def content_version(self) -> str:
        """Return a hash of the names, parts and sizes of the media files."""
        rows = [ref.source.describe(self._base) for ref in self.clips]
        return hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:16]


def _list_file(root: Path) -> Path:
    if root.is_dir():
        return root / LIST
    if not root.exists():
        raise DatasetError(f"There is no folder or list of clips '{root}'.")
    return root


def _of_split(entries: Sequence[Entry], split: str, path: Path) -> list[Entry]:
    if not entries:
        raise DatasetError(f"'{path}' lists no clip.")
    mine = [entry for entry in entries if entry.split in ("", split)]
    if not mine:
        others = sorted({entry.split for entry in entries})
        raise DatasetError(
            f"'{path}' lists no clip of split '{split}'.{closest(split, others)}"
            f" Splits: {', '.join(others)}."
        )
    return mine


def _label_list(
    classes: Path | None, path: Path, entries: Sequence[Entry]
) -> LabelList:
    if classes is None:
        return LabelList.collected(name for entry in entries for name in entry.labels)
    stated = Path(classes)
    beside = path.parent / stated
    return read_labels(beside if beside.exists() and not stated.exists() else stated)


def _check_ids(entries: Sequence[Entry]) -> None:
    seen: dict[str, str] = {}
    for entry in entries:
        if entry.id in seen:
            raise DatasetError(
                f"{entry.where}: the id '{entry.id}' is that of {seen[entry.id]} too.",
                "Give each clip an id of its own in the column id.",
            )
        seen[entry.id] = entry.where
