"""The manifest of a built data set: every file with its hash, a line for each clip.

::

    {"manifest": 1, "avplug": "0.1.0", "settings": {...}}
    {"cell": "gaussian/severity_3", "identity": {...}}
    {"files": {"class_labels_indices.csv": ["<sha256>", 321]}}
    {"cell": ..., "clip": "a", "name": "a", "files": {"<path>": ["<sha256>", <bytes>]},
     "noise": {"nominal_snr_db": 20, "snr_db": 20, "clipped_snr_db": 20, "clipped": 0}}
    {"cell": ..., "clip": "b", "failed": "There is no ..."}

Lines are only ever appended, and of two that speak of the same thing the later holds.
A clip's line is written after its files are in place, so a kill at any moment loses
what is not listed yet: the same command writes that again. The files themselves are not
forced to the disk one by one, which would take longer than making them: after a power
cut a resumed build finds those of a wrong size, and ``--verify`` finds every other one.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from avplug._version import __version__
from avplug.core.errors import UsageError
from avplug.core.files import write_atomic

MANIFEST = "manifest.jsonl"
SCHEMA = 1

#: What writers that were killed leave: ``.<name>.<process>.part<suffix>`` or ``.tmp``.
_LEFT_OVER = re.compile(r"\..+\.\d+\.(part(\.\w+)?|tmp)\Z")


def digest(path: Path) -> tuple[str, int]:
    """Return the SHA-256 and the size of a file."""
    with path.open("rb") as file:
        value = hashlib.file_digest(file, "sha256").hexdigest()
        return value, file.tell()


def read_manifest(path: Path) -> Iterator[tuple[int, dict[str, Any] | None]]:
    """Yield the number and the content of each line; None where it is damaged.

    Raises:
        UsageError: There is no manifest.
    """
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                yield number, _parsed(line)
    except OSError as error:
        raise UsageError(
            f"There is no manifest '{path}'.",
            "Give the folder that 'avplug build --out' wrote.",
        ) from error


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) and line.endswith(b"\n") else None


class Manifest:
    """The manifest of a folder, held by one writer at a time.

    Args:
        root: The folder; made if it is not there.
        settings: What decides the content of its files.

    Raises:
        UsageError: The folder holds something else, or another writer is at work.
    """

    def __init__(self, root: Path, settings: Mapping[str, Any]) -> None:
        self.root = root
        path = root / MANIFEST
        if root.exists() and not root.is_dir():
            raise UsageError(f"'{root}' is a file, not a folder for a data set.")
        root.mkdir(parents=True, exist_ok=True)
        if not path.exists() and any(root.iterdir()):
            raise UsageError(
                f"'{root}' holds other files and no {MANIFEST}.",
                "Choose an empty or a new --out.",
            )
        self._cells: dict[str, Any] = {}
        self._files: dict[str, list[Any]] = {}
        self._failed: dict[tuple[str, str], str] = {}
        self._done: set[tuple[str, str]] = set()
        self._file: BinaryIO = path.open("a+b")
        try:
            _lock(self._file, root)
            self._cut_torn_line()
            self._take_up(settings)
            self._clear_left_overs()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        os.fsync(self._file.fileno())
        self._file.close()

    def add_cell(self, cell: str, identity: Mapping[str, Any]) -> None:
        """State what happens to the clips of a cell.

        Raises:
            UsageError: The cell was begun with another identity.
        """
        mine = json.loads(json.dumps(identity))
        if cell in self._cells:
            refuse_other(self.root, self._cells[cell], mine, cell)
            return
        self._cells[cell] = mine
        self._append({"cell": cell, "identity": mine})

    def is_done(self, cell: str, clip: str) -> bool:
        """Tell whether a clip is listed and its files are there, of the right size."""
        return (cell, clip) in self._done

    def add_clip(
        self,
        cell: str,
        clip: str,
        name: str,
        files: Mapping[str, Sequence[Any]],
        noise: Mapping[str, float] | None = None,
    ) -> None:
        """List a clip whose files are all in place.

        Args:
            cell: Its folder.
            clip: Its id.
            name: Of its files.
            files: Hash and size by path.
            noise: How much noise was added to its sound, if any was.
        """
        self._done.add((cell, clip))
        row = {"cell": cell, "clip": clip, "name": name, "files": dict(files)}
        self._append(row | ({"noise": dict(noise)} if noise else {}))

    def add_failure(self, cell: str, clip: str, reason: str) -> None:
        """Note why a clip is not there; the next build tries it again."""
        if self._failed.get((cell, clip)) != reason:
            self._failed[cell, clip] = reason
            self._append({"cell": cell, "clip": clip, "failed": reason})

    def write_file(self, path: str, content: bytes) -> None:
        """Write a list beside the clips, unless it is there and says the same."""
        stated = [hashlib.sha256(content).hexdigest(), len(content)]
        target = self.root / path
        if not target.is_file() or target.read_bytes() != content:
            write_atomic(target, content)
        if self._files.get(path) != stated:
            self._files[path] = stated
            self._append({"files": {path: stated}})

    def _append(self, row: Mapping[str, Any]) -> None:
        self._file.write(json.dumps(row, separators=(",", ":")).encode() + b"\n")
        self._file.flush()

    def _cut_torn_line(self) -> None:
        self._file.seek(0)
        whole = sum(len(line) for line in self._file if line.endswith(b"\n"))
        if whole < self._file.tell():
            self._file.truncate(whole)

    def _take_up(self, settings: Mapping[str, Any]) -> None:
        mine = json.loads(json.dumps({"avplug": __version__, **settings}))
        rows = read_manifest(self.root / MANIFEST)
        head = next(rows, None)
        if head is None:
            version = mine.pop("avplug")
            self._append({"manifest": SCHEMA, "avplug": version, "settings": mine})
            return
        row = head[1]
        if row is None or row.get("manifest") != SCHEMA:
            raise UsageError(
                f"'{self.root / MANIFEST}' is no manifest of avplug build."
            )
        stated = {"avplug": row.get("avplug"), **row.get("settings", {})}
        refuse_other(self.root, stated, mine)
        for _, row in rows:
            if row is not None:
                self._remember(row)

    def _remember(self, row: Mapping[str, Any]) -> None:
        if "clip" not in row:
            if "identity" in row:
                self._cells[row["cell"]] = row["identity"]
            self._files |= row.get("files", {})
            return
        key = row["cell"], row["clip"]
        if "failed" in row:
            self._failed[key] = row["failed"]
        elif all(_has_size(self.root / p, s) for p, (_, s) in row["files"].items()):
            self._done.add(key)
        else:
            self._done.discard(key)

    def _clear_left_overs(self) -> None:
        for path in self.root.rglob(".*"):
            if _LEFT_OVER.match(path.name) and path.is_file():
                path.unlink()


def _lock(file: BinaryIO, root: Path) -> None:
    try:
        # Let go by the system when the process ends, however it ends.
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise UsageError(
            f"Another build is writing to '{root}'.", "Wait for it to end."
        ) from error


def refuse_other(
    root: Path, stated: Mapping[str, Any], mine: Mapping[str, Any], part: str = ""
) -> None:
    """Refuse to go on with other settings than the folder was begun with.

    Raises:
        UsageError: Names the first that differs.
    """
    for key in (*mine, *stated):
        if stated.get(key) != mine.get(key):
            of_part = f" {part}" if part else ""
            raise UsageError(
                f"'{root}' holds a data set{of_part} with {key} = {stated.get(key)!r}, "
                f"not {mine.get(key)!r}.",
                "Give the same settings to go on, or another --out.",
            )


def _has_size(path: Path, size: int) -> bool:
    try:
        return path.stat().st_size == size
    except OSError:
        return False
