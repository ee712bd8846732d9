"""What media lie under a folder, by name: each folder is listed once."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from avplug.builtin_datasets.folder.sources import Frames, Source, Video
from avplug.builtin_datasets.published.numbered import NumberedFrames
from avplug.builtin_datasets.published.row import Row
from avplug.core.errors import DatasetError

VIDEOS = (".mp4", ".mkv", ".webm", ".mov", ".avi", ".m4v", ".flv")
SOUNDS = (".wav", ".flac", ".ogg", ".mp3")
#: ``<youtube id>_<start>`` and maybe its end.
_CUT = re.compile(r"(.{11})_\d+(?:\.\d+)?(?:_\d+(?:\.\d+)?)?\Z")
_FRAMES = re.compile(r"frame_\d+\Z")


@dataclass
class Shelf:
    """The media under a folder, found by name.

    A name is that of the file without its suffix, alone and with its folder before it,
    so that a list may tell two classes apart. Of two files of one name the first
    counts, in the order of the sorted folders.

    Args:
        root: What paths are relative to.
        tops: Folders in it in which everything is looked for; by default the root.
    """

    root: Path
    tops: tuple[str, ...] = ("",)
    videos: dict[str, str] = field(default_factory=dict)
    sounds: dict[str, str] = field(default_factory=dict)
    #: Folder that holds ``frame_<i>`` by the name of a clip in its ``frame_0``.
    frames: dict[str, str] = field(default_factory=dict)
    #: How many folders ``frame_<i>`` such a folder has.
    parts: dict[str, int] = field(default_factory=dict)
    #: Videos that are parts of one of YouTube, by its id.
    cuts: dict[str, list[str]] = field(default_factory=dict)
    #: Folders that may hold numbered frames.
    folders: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for top in self.tops:
            self._walk(self.root / top)

    def _walk(self, top: Path) -> None:
        seen: set[tuple[int, int]] = set()
        for here, folders, names in os.walk(top, onerror=_refuse, followlinks=True):
            status = os.stat(here)
            if (status.st_dev, status.st_ino) in seen:
                # A link leads back to a folder that holds it.
                folders.clear()
                continue
            seen.add((status.st_dev, status.st_ino))
            place = os.path.relpath(here, self.root)
            place = "" if place == "." else f"{place}/"
            parts = [name for name in folders if _FRAMES.match(name)]
            if "frame_0" in parts:
                self._add_frames(place, len(parts))
            # The frames of one moment lie in one folder: no need to list the others.
            folders[:] = sorted(f for f in folders if f not in parts and f[0] != ".")
            for name in folders:
                self._add(self.folders, place, name, place + name)
            for name in sorted(names):
                stem, suffix = os.path.splitext(name)
                if suffix.lower() in VIDEOS:
                    self._add(self.videos, place, stem, place + name)
                    if match := _CUT.match(stem):
                        self.cuts.setdefault(match[1], []).append(place + name)
                elif suffix.lower() in SOUNDS:
                    self._add(self.sounds, place, stem, place + name)

    def find(self, row: Row, also: tuple[str, ...] = ()) -> Source | None:
        """Return a clip's media: a video, else frames and a sound; None for neither.

        A list may name a video of YouTube alone: its one part that is here is meant.

        Args:
            row: The clip.
            also: Further names of its media.
        """
        names = (*row.names, *also)
        for name in names:
            if name in self.videos:
                return Video(self.videos[name], "", row.start, row.end)
        parts_here = self.cuts.get(row.names[0], ())
        if len(parts_here) == 1:
            return Video(parts_here[0], "", row.start, row.end)
        for name in names:
            if name in self.frames and name in self.sounds:
                place = self.frames[name]
                parts = self.parts[place]
                return Frames(place, self.sounds[name], PurePosixPath(name).name, parts)
            folder = self.folders.get(name) or self.folders.get(f"{name}.mp4")
            if folder and name in self.sounds:
                return NumberedFrames(folder, self.sounds[name])
        return None

    def _add(self, found: dict[str, str], place: str, name: str, path: str) -> None:
        found.setdefault(name, path)
        if place:
            parent = place.rstrip("/").rpartition("/")[2]
            found.setdefault(f"{parent}/{name}", path)

    def _add_frames(self, place: str, parts: int) -> None:
        folder = place.rstrip("/") or "."
        self.parts[folder] = parts
        with os.scandir(self.root / folder / "frame_0") as entries:
            for entry in entries:
                self.frames.setdefault(os.path.splitext(entry.name)[0], folder)


def _refuse(error: OSError) -> None:
    raise DatasetError(
        f"Cannot list the folder '{error.filename}': {error.strerror}."
    ) from error


@dataclass
class Stated:
    """Media by the paths that a list states, wherever those began when it was written.

    Lists hold absolute paths of their authors' machines: a folder is looked for by its
    last parts. Each folder is looked for and listed once.

    Args:
        roots: Folders that paths may be relative to, in this order.
    """

    roots: tuple[Path, ...]
    _folders: dict[str, Path | None] = field(default_factory=dict)
    _names: dict[Path, frozenset[str]] = field(default_factory=dict)
    _parts: dict[Path, int] = field(default_factory=dict)

    def find(self, row: Row) -> Source | None:
        """Return the frames and the sound of a clip; None unless both are there."""
        if not (row.frames and row.wav):
            return None
        wav = PurePosixPath(row.wav)
        sounds, frames = self._folder(str(wav.parent)), self._folder(row.frames)
        if sounds is None or frames is None:
            return None
        name = row.names[0]
        pictures = self._listed(frames / "frame_0")
        shown = f"{name}.jpg" in pictures or f"{name}.png" in pictures
        if not shown or wav.name not in self._listed(sounds):
            return None
        if frames not in self._parts:
            self._parts[frames] = sum(1 for _ in frames.glob("frame_*"))
        return Frames(str(frames), str(sounds / wav.name), name, self._parts[frames])

    def _folder(self, stated: str) -> Path | None:
        if stated not in self._folders:
            parts = PurePosixPath(stated).parts
            tails = [root / stated for root in self.roots]
            tails += [
                root.joinpath(*parts[first:])
                for first in range(1, len(parts))
                for root in self.roots
            ]
            found = next((tail for tail in tails if tail.is_dir()), None)
            self._folders[stated] = found
        return self._folders[stated]

    def _listed(self, folder: Path) -> frozenset[str]:
        if folder not in self._names:
            names = os.listdir(folder) if folder.is_dir() else []
            self._names[folder] = frozenset(names)
        return self._names[folder]
