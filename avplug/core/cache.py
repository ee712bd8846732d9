"""The cache of downloads: where a file lies, and what was noted of it."""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from avplug.core.errors import WeightsError
from avplug.core.weight_specs import FileSpec

_UNSAFE = re.compile(r"[^\w.+-]")


def cache_folder() -> Path:
    """Return the folder of downloads: ``AVPLUG_CACHE``, or ``avplug`` in the user's."""
    own = os.environ.get("AVPLUG_CACHE")
    if own:
        return Path(own).expanduser()
    shared = os.environ.get("XDG_CACHE_HOME")
    return (Path(shared) if shared else Path.home() / ".cache") / "avplug"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the file of an address lies, and what is known of it."""

    file: Path

    @classmethod
    def of(cls, url: str) -> Place:
        """Return the place of an address; each address has its own folder."""
        key = hashlib.sha256(url.encode()).hexdigest()[:16]
        name = unquote(urlsplit(url).path).rpartition("/")[2]
        folder = cache_folder() / "downloads" / key
        return cls(folder / (_UNSAFE.sub("_", name).lstrip(".") or "file"))

    @property
    def part(self) -> Path:
        """What has come so far, until it is whole."""
        return self.file.with_name(f"{self.file.name}.part")

    def facts(self) -> dict[str, Any] | None:
        """Return what was noted of the whole file; None if it is not there."""
        return read_note(note_of(self.file)) if self.file.is_file() else None


def note_of(file: Path) -> Path:
    """Return where facts about a file are noted."""
    return file.with_name(f"{file.name}.json")


def read_note(note: Path) -> dict[str, Any] | None:
    """Return what was noted, None if nothing was."""
    try:
        facts: dict[str, Any] = json.loads(note.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return facts


def cached_file(url: str, spec: FileSpec) -> Path | None:
    """Return the file that was fetched from ``url`` before; None if none was.

    Raises:
        WeightsError: It is not the one that ``spec`` states.
    """
    place = Place.of(url)
    facts = place.facts()
    if facts is None:
        return None
    if not facts["sha256"].startswith(spec.sha256):
        raise WeightsError(
            f"'{place.file}' in the cache has sha256 {facts['sha256']}, "
            f"not {spec.sha256}.",
            "Delete it to fetch it again.",
        )
    return place.file
