"""Corrupted data sets from disk: those of AVRobustBench, READ's, or what was built."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from hashlib import sha256
from importlib import import_module
from importlib.resources import as_file, files
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

from avplug.builtin_datasets.folder.dataset import Folder
from avplug.builtin_datasets.premade.trees import CLEAN, Place, find_places
from avplug.builtin_datasets.published.base import CLASSES, Published
from avplug.builtin_datasets.published.lists import find_list, found_in
from avplug.core.clip import Clip, ClipRef, InputSpec
from avplug.core.dataset import Dataset, Premade
from avplug.core.errors import DatasetError, MediaError, closest

#: What ``avplug build`` writes beside what it builds.
_MANIFEST = "manifest.jsonl"


class Corrupted(Dataset):
    """Corrupted clips on disk, evaluated as they are.

    ``root`` holds, in any folders, the lists of the published generator, of READ or of
    ``avplug build`` (``<both|video|audio>/<corruption>/severity_<s>.json``, or
    ``<corruption>/severity_<s>/clips.csv``), and the media that they name. The classes
    are those of ``class_labels_indices.csv``, if it is there.

    Args:
        split: Lists of such a folder are of one split: that which was built, or the
            test set.
        root: The folder.
        condition: ``<corruption>/<severity>``: only these clips, as a data set of its
            own, which a run corrupts again.
        classes: Another label list.

    Raises:
        DatasetError: No corruption is there; says what was expected.
    """

    #: Module and class of the data set that was corrupted, and its label list.
    original: ClassVar[str] = ""
    bundled: ClassVar[str] = ""
    title: ClassVar[str] = "Corrupted data"

    def __init__(
        self,
        *,
        split: str = "test",
        root: Path | None = None,
        condition: str | None = None,
        classes: Path | None = None,
    ) -> None:
        if root is None or not Path(root).is_dir():
            raise DatasetError(
                f"{self.title} is read from a folder, and there is no '{root}'.",
                "Give the one that holds a folder for each corruption as root.",
            )
        self.root = Path(root)
        self._split = split
        self._stated_classes = classes
        settings = _manifest(self.root)
        self._made = {key: settings[key] for key in _TOLD if key in settings}
        mine = self._made.get("split", "test")
        if split != mine:
            # Methods that ask for training clips must not get those that are scored.
            raise DatasetError(f"'{self.root}' has split '{mine}', not '{split}'.")
        places = find_places(self.root)
        spoilt = [place for place in places if place.name != CLEAN]
        if not spoilt:
            raise DatasetError(
                f"{self.title}: expected <corruption>/severity_<1..5>.json with lists "
                f"of clips, <corruption>/severity_<s>/clips.csv, or folders "
                f"<corruption>/severity_<s> of media, in '{root}'; found "
                f"{found_in(self.root)}.",
            )
        self.has_clean = len(places) > len(spoilt)
        first = self._chosen(condition, places) if condition else places[0]
        self._inner = self._opened(first)
        self.labels, self.clips = self._inner.labels, self._inner.clips
        # Plain dictionaries: a data set goes to worker processes.
        self.tasks = dict(settings.get("tasks") or self._inner.tasks or self.tasks)
        self.multi_label = self._inner.multi_label and not self.tasks
        self.missing = dict(self._inner.missing)
        if not condition:
            self.premade = self._premade(spoilt)

    def load(self, ref: ClipRef, spec: InputSpec) -> Clip:
        """Read a clip of the clean clips, or of the one condition.

        Raises:
            MediaError: A file is missing or damaged, or there are no clean clips.
        """
        if self.premade and not self.has_clean:
            raise MediaError(f"There is no clean copy of '{ref.id}' in '{self.root}'.")
        return self._inner.load(ref, spec)

    def files(self, ref: ClipRef) -> Sequence[Path]:
        """Return the media files of a clean clip, or of one of the one condition."""
        return self._inner.files(ref)

    def content_version(self) -> str:
        """Return that of the clean clips, or of the one condition."""
        return self._inner.content_version()

    def _chosen(self, condition: str, places: list[Place]) -> Place:
        known = {f"{place.name}/{place.severity}": place for place in places}
        if condition not in known:
            raise DatasetError(
                f"'{self.root}' has no '{condition}'.{closest(condition, known)}",
                f"It has: {', '.join(known)}.",
            )
        return known[condition]

    def _premade(self, places: list[Place]) -> tuple[Premade, ...]:
        stated = self._made
        prints: dict[tuple[str, str], list[str]] = {}
        for place in places:
            sums = prints.setdefault((place.name, place.senses), [])
            sums.append(f"{place.severity} {place.fingerprint()}")
        return tuple(
            Premade(
                name=place.name,
                severity=place.severity,
                senses=stated.get("modalities", place.senses),
                open=partial(self._variant, place),
                fingerprint=sha256(
                    "\n".join(prints[place.name, place.senses]).encode()
                ).hexdigest()[:16],
                made=stated,
            )
            for place in places
        )

    def _variant(self, place: Place) -> Dataset:
        inner = self._opened(place)
        if inner.labels != self.labels:
            raise DatasetError(
                f"'{place.list}' has other classes than the rest of '{self.root}'."
            )
        return _Variant(f"{place.name} at severity {place.severity}", inner)

    def _opened(self, place: Place) -> Dataset:
        if place.list is None:
            return self._of_media(place)
        assert self.root is not None
        stated = self._stated_classes or find_list(self.root, CLASSES[:1])
        options: dict[str, Any] = {"root": place.list, "media": self.root}
        if place.list.suffix == ".csv":
            options["media"] = None
        if stated is None and self.bundled:
            folder = files("avplug.builtin_datasets.published")
            with as_file(folder / "classes" / f"{self.bundled}.csv") as path:
                opened: Dataset = Folder(classes=path, **options)
        else:
            opened = Folder(classes=stated, **options)
        # By chance, the clips of a small set may have one label each.
        opened.multi_label = opened.multi_label or self.multi_label
        return opened

    def _of_media(self, place: Place) -> Dataset:
        assert self.root is not None
        if not self.original:
            raise DatasetError(
                f"'{self.root}' has media of '{place.name}' and no list of them.",
                "Name the data set that was corrupted: --dataset vggsound-2c.",
            )
        module, _, name = self.original.partition(":")
        original: type[Published] = getattr(import_module(module), name)
        tops = [str(folder.relative_to(self.root)) for folder in place.folders]
        return original(root=self.root, media=tops, split=self._split)


class _Variant(Dataset):
    """The clips of a condition, loaded by the references of the clean ones."""

    def __init__(self, what: str, inner: Dataset) -> None:
        self._what = what
        self._inner = inner
        self._by_id = {ref.id: ref for ref in inner.clips}
        self.labels, self.clips = inner.labels, inner.clips
        self.missing = inner.missing

    def load(self, ref: ClipRef, spec: InputSpec) -> Clip:
        mine = self._by_id.get(ref.id)
        if mine is None:
            raise MediaError(f"Clip '{ref.id}' is not among those of {self._what}.")
        if mine.labels != ref.labels:
            raise MediaError(f"Clip '{ref.id}' has other labels in {self._what}.")
        return self._inner.load(mine, spec)

    def files(self, ref: ClipRef) -> Sequence[Path]:
        mine = self._by_id.get(ref.id)
        return self._inner.files(mine) if mine else ()

    def content_version(self) -> str:
        return self._inner.content_version()


def _manifest(root: Path) -> Mapping[str, Any]:
    """Return the settings of ``avplug build``, if it wrote the folder."""
    path = root / _MANIFEST
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8") as file:
        try:
            head = json.loads(file.readline())
        except ValueError as error:
            raise DatasetError(
                f"'{path}' begins with no settings of avplug build: {error}"
            ) from error
    return {"avplug": head.get("avplug", ""), **head.get("settings", {})}


#: Settings of a build that belong to a result on what it built.
_TOLD = (
    *("avplug", "dataset", "split", "seed", "modalities", "at"),
    *("format", "frame_format", "lossless", "provider"),
)


class AudioSet2C(Corrupted):
    """AudioSet-2C as published: eval clips of AudioSet, corrupted.

    Lists as for :class:`Corrupted`; or folders of media and ``eval_segments.csv``.
    """

    title = "AudioSet-2C"
    multi_label = True
    original = "avplug.builtin_datasets.published.audioset:AudioSet"
    bundled = "audioset"


class VGGSound2C(Corrupted):
    """VGGSound-2C as published: 14,046 test clips of VGGSound, corrupted.

    Lists as for :class:`Corrupted`; or folders of media and ``vggsound.csv``.
    """

    title = "VGGSound-2C"
    original = "avplug.builtin_datasets.published.vggsound:VGGSound"
    bundled = "vggsound"


class Kinetics2C(Corrupted):
    """Kinetics-2C as published: clips of Kinetics-Sounds, corrupted.

    The list of its 32 classes is not published: put yours beside the data as
    ``class_labels_indices.csv``. Without lists of clips, also ``test.csv``.
    """

    title = "Kinetics-2C"
    original = "avplug.builtin_datasets.published.kinetics:KineticsSounds"


class EpicKitchens2C(Corrupted):
    """EpicKitchens-2C as published: videos of EPIC-Kitchens-100, corrupted.

    Lists as for :class:`Corrupted`, with a verb and a noun for each clip; or folders of
    corrupted videos beside the annotations and class lists of ``epic-kitchens``, of
    which the segments are cut out.
    """

    title = "EpicKitchens-2C"
    tasks = MappingProxyType({"verb": 97, "noun": 300})
    original = "avplug.builtin_datasets.published.epic:EpicKitchens"
