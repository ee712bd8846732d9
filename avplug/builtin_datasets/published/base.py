"""What the published data sets share: a list, labels, and media found by name."""

from __future__ import annotations

import hashlib
import json
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from avplug.builtin_datasets.folder.classes import LabelList, read_labels
from avplug.builtin_datasets.folder.sources import Source
from avplug.builtin_datasets.published.lists import (
    cvpr21_rows,
    find_list,
    found_in,
    json_facts,
    json_rows,
    list_name,
)
from avplug.builtin_datasets.published.row import Row
from avplug.builtin_datasets.published.shelf import Shelf, Stated
from avplug.core.clip import Clip, ClipRef, InputSpec
from avplug.core.dataset import Dataset
from avplug.core.errors import DatasetError

#: The list that ``avplug data prepare`` writes, and its label list.
PREPARED = "clips.json"
CLASSES = ("class_labels_indices.csv", "classes.csv", "classes.txt")


class Published(Dataset):
    """A data set read from its owner's files.

    Clips of the list whose media are not there are in ``missing``, with the reason.

    Args:
        split: Part of the data set, as :attr:`splits` names them.
        root: Folder with the published list and the media, in any folders below; or a
            folder that ``avplug data prepare`` wrote; or a list in the json of CAV-MAE
            and READ.
        list: Another list than the published one, of split ``test``: a json of CAV-MAE
            and READ, or a csv of the CVPR'21 attacks; relative to ``root`` or to the
            working directory.
        media: Folders in ``root`` that hold the media; None for all of it.

    Raises:
        DatasetError: The list is missing, contradicts the classes, or none of its media
            is there; says what was expected where, and what was found.
    """

    #: Title in messages, and where it is published.
    title: ClassVar[str]
    page: ClassVar[str]
    #: What a user may call a split, and its name in the files.
    splits: ClassVar[Mapping[str, str]] = {"test": "test"}
    #: File name of a clip, as an example for messages.
    example: ClassVar[str]

    def __init__(
        self,
        *,
        split: str = "test",
        root: Path | None = None,
        list: Path | None = None,
        media: Sequence[str] | None = None,
    ) -> None:
        folder, path = self._places(root, list)
        if split not in self.splits:
            raise DatasetError(
                f"{self.title} has no split '{split}'.",
                f"Splits: {', '.join(self.splits)}.",
            )
        self.root = folder
        own = path.parent / CLASSES[0] if path and path.name == PREPARED else None
        classes = read_labels(own) if own else self._classes(folder)
        listed = "test"
        missing: dict[str, str] = {}
        rows: Sequence[Row]
        if path and path.suffix.lower() == ".json":
            rows = json_rows(path)
            listed, missing = json_facts(path)
        elif path:
            rows = cvpr21_rows(path)
        else:
            listed, rows = split, self._rows(folder, self.splits[split])
        if listed != split:
            # Methods that ask for training clips must not get those that are scored.
            raise DatasetError(
                f"'{path}' lists split '{listed}' of {self.title}, not '{split}'.",
                "Give a folder that has that split, or its own list.",
            )
        _check_ids(rows)
        self.labels = classes.names
        self._tops = ("",) if media is None else tuple(map(str, media))
        self.list_name = list_name(rows)
        self._find_media(rows, classes, path, missing)

    @abstractmethod
    def _rows(self, root: Path, split: str) -> Sequence[Row]:
        """Return the clips of the published list."""

    @abstractmethod
    def _classes(self, root: Path) -> LabelList:
        """Return the classes, in the order of the outputs of published models."""

    def _also_called(self, clip: str) -> tuple[str, ...]:
        """Return further names of the media of a clip that another list names."""
        return ()

    def load(self, ref: ClipRef, spec: InputSpec) -> Clip:
        """Read a clip's files.

        Raises:
            MediaError: One is damaged.
        """
        assert self.root is not None
        clip: Clip = ref.source.load(self.root, spec, ref.id)
        return clip

    def files(self, ref: ClipRef) -> Sequence[Path]:
        """Return the media files of a clip."""
        assert self.root is not None
        files: Sequence[Path] = ref.source.files(self.root)
        return files

    def content_version(self) -> str:
        """Return a hash of the names, parts and sizes of the media files."""
        assert self.root is not None
        rows = [ref.source.describe(self.root) for ref in self.clips]
        return hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:16]

    def _places(
        self, root: Path | None, stated: Path | None
    ) -> tuple[Path, Path | None]:
        """Return the folder, and the list that takes the place of the published one."""
        if root is None or not Path(root).exists():
            raise DatasetError(
                f"{self.title} is read from disk, and there is no folder '{root}'.",
                f"Give the one with its files as root. Published at {self.page}",
            )
        folder = Path(root)
        if folder.is_file():
            return folder.parent, folder
        if stated is None:
            return folder, find_list(folder, [PREPARED])
        for path in (folder / stated, Path(stated)):
            if path.is_file():
                return folder, path
        raise DatasetError(
            f"There is no list '{stated}', neither in '{folder}' nor here; found "
            f"{found_in(folder)}."
        )

    def _find_media(
        self,
        rows: Sequence[Row],
        classes: LabelList,
        path: Path | None,
        missing: dict[str, str],
    ) -> None:
        assert self.root is not None
        stated = Stated((path.parent, self.root) if path else (self.root,))
        shelf: Shelf | None = None
        found: dict[str, ClipRef] = {}
        for row in rows:
            labels = tuple(classes.index(label, row.where) for label in row.labels)
            self._check_labels(row, labels)
            source: Source | None = stated.find(row)
            if source is None:
                shelf = shelf or Shelf(self.root, self._tops)
                source = shelf.find(row, self._also_called(row.id))
            if source is None:
                missing[row.id] = f"no file named {row.names[0]}"
            else:
                found[row.id] = ClipRef(row.id, labels, source, row.group)
        if not found:
            self._refuse(rows, shelf or Shelf(self.root, self._tops))
        self.clips = [*found.values()]
        self.missing = missing

    def _check_labels(self, row: Row, labels: Sequence[int]) -> None:
        wanted = max(1, len(self.tasks))
        if not labels or (len(labels) != wanted and not self.multi_label):
            raise DatasetError(
                f"{row.where}: clip '{row.id}' has {len(labels)} labels where "
                f"{self.title} has {wanted}."
            )

    def _refuse(self, rows: Sequence[Row], shelf: Shelf) -> None:
        found = [*shelf.videos.values()][:2] or [*shelf.sounds.values()][:2]
        what = f"media such as {', '.join(found)}" if found else "no media"
        if rows:
            names = rows[0].names
            wanted = f"'{names[0]}.mp4', or frame_0/{names[0]}.jpg and {names[0]}.wav"
            raise DatasetError(
                f"Not one of the {len(rows)} clips of {self.title} is under "
                f"'{self.root}': expected files such as {wanted}; found {what}.",
                f"In published form they are called {self.example}.",
            )
        raise DatasetError(f"The list of {self.title} in '{self.root}' is empty.")


def own_classes(root: Path, title: str, count: int, why: str) -> LabelList:
    """Return the classes that the user's own label list states.

    Raises:
        DatasetError: There is no such list, or it has another number of classes.
    """
    path = find_list(root, CLASSES)
    if path is None:
        raise DatasetError(
            f"{title}: expected the list of its {count} classes, "
            f"{' or '.join(CLASSES)}, in '{root}'; found {found_in(root)}.",
            why,
        )
    classes = read_labels(path)
    if len(classes.names) != count:
        raise DatasetError(
            f"'{path}' has {len(classes.names)} classes where {title} has {count}."
        )
    return classes


def _check_ids(rows: Sequence[Row]) -> None:
    seen: dict[str, str] = {}
    for row in rows:
        if row.id in seen:
            raise DatasetError(
                f"{row.where}: the clip '{row.id}' is that of {seen[row.id]} too."
            )
        seen[row.id] = row.where
