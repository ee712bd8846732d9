"""Where a folder of corrupted data has which corruption at which severity."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from avplug.builtin_datasets.published.shelf import SOUNDS, VIDEOS

_SEVERITY = re.compile(r"severity_(\d)\Z")
#: Folder of the lists by the senses that are corrupted, as READ names them.
_SENSES = {"both": "av", "video": "v", "audio": "a"}
#: Four corruptions have a longer name in the published generator.
_LONG = re.compile(r"(gaussian|impulse|shot|speckle)_noise\Z")
CLEAN = "clean"


@dataclass(frozen=True, slots=True)
class Place:
    """A corruption at a severity.

    Args:
        name: Of the corruption as avplug has it, or ``clean``.
        severity: 0 for clean clips.
        senses: That are corrupted.
        list: The list of its clips, if there is one.
        folders: Folders of its media, where there is none.
    """

    name: str
    severity: int
    senses: str
    list: Path | None = None
    folders: tuple[Path, ...] = ()

    def fingerprint(self) -> str:
        """Return a hash of the list, or of the names and sizes of the media."""
        total = hashlib.sha256()
        if self.list:
            total.update(self.list.read_bytes())
        for folder in self.folders:
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    row = f"{path.relative_to(folder)} {path.stat().st_size}\n"
                    total.update(row.encode())
        return total.hexdigest()[:16]


def find_places(root: Path) -> list[Place]:
    """Return what a folder holds, sorted, the clean clips first.

    Known are the lists ``<both|video|audio>/<name>/severity_<s>.json`` of the published
    generator, of READ and of ``avplug build``, with ``clean/severity_0.json``; the
    lists ``<name>/severity_<s>/clips.csv`` of ``avplug build``; and, without lists, any
    folders ``<name>/severity_<s>`` with media, and ``clean``.
    """
    places = [*_lists(root)] or [*_folders(root)]
    return sorted(places, key=lambda p: (p.severity > 0, p.name, p.senses, p.severity))


def _lists(root: Path) -> Iterator[Place]:
    # Lists lie a few folders deep; media, by the million, far deeper.
    for here, folders, names in os.walk(root):
        folder = Path(here)
        depth = len(folder.relative_to(root).parts)
        held = {"frame_0"} & set(folders)
        folders[:] = [] if held or depth > 4 else sorted(folders)
        for name in sorted(names):
            stem, suffix = os.path.splitext(name)
            match = _SEVERITY.match(stem)
            if match and suffix == ".json":
                senses = _SENSES.get(folder.parent.name, "av")
                yield _place(folder.name, match, senses, folder / name)
            match = _SEVERITY.match(folder.name)
            if match and name == "clips.csv":
                yield _place(folder.parent.name, match, "av", folder / name)


def _place(name: str, match: re.Match[str], senses: str, path: Path) -> Place:
    return Place(short_name(name), int(match[1]), senses, path)


def _folders(root: Path) -> Iterator[Place]:
    found: dict[tuple[str, int], list[Path]] = {}
    for here, folders, names in os.walk(root):
        folder = Path(here)
        match = _SEVERITY.match(folder.name)
        clean = folder.name == CLEAN and not any(map(_SEVERITY.match, folders))
        if match or clean:
            severity = int(match[1]) if match else 0
            name = folder.parent.name if match else CLEAN
            if "frame_0" in folders or _has_media(names):
                found.setdefault((short_name(name), severity), []).append(folder)
            folders.clear()
    for (name, severity), tops in found.items():
        yield Place(name, severity, "av", None, tuple(sorted(tops)))


def _has_media(names: list[str]) -> bool:
    return any(name.lower().endswith((*VIDEOS, *SOUNDS)) for name in names)


def short_name(name: str) -> str:
    """Return avplug's name of a corruption: ``gaussian`` for ``gaussian_noise``."""
    match = _LONG.match(name)
    return match[1] if match else name
