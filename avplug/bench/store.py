"""Finished cells on disk: one content-addressed folder each, whole or absent.

::

    OUT/run.json                       configuration, plan and skips of the last run
    OUT/cells/<id>/cell.json           the cell's identity; <id> is its hash
    OUT/cells/<id>/predictions.npz     ids, logits, targets; float32, nothing rounded;
                                       of an adapted stream also segments, positions;
                                       with --retrieval also audio, video: embeddings
    OUT/cells/<id>/maps.npz            of an attacked model that localises: frames and
                                       maps of some clips, clean and attacked
    OUT/cells/<id>/record.json         timings, failures, hashes of the above and itself
    OUT/environments/<hash>.json       versions and hardware, named by the records
    OUT/clips/<fingerprint>.json       ids of a data set's clips
    OUT/damaged/                       cells that did not match their hash, set aside
    OUT/writer.json                    who writes, while somebody does

The id is the SHA-256 of the identity as canonical JSON (sorted keys, no blanks, UTF-8),
cut to 20 hexadecimal digits. A cell folder is made under a temporary name and renamed
when complete, so a kill at any moment loses at most the cell in work.

A cell is a stream. What a method has learnt is not stored: a stream that was killed
begins anew. One that runs through several corruptions has ``stream`` in its identity in
place of ``corruption`` and ``severity``; :meth:`StoredCell.segments` tells them apart.
"""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from avplug.bench.integrity import (
    DamageError,
    cell_id,
    environment_id,
    read_cell_facts,
    read_facts,
    read_sealed,
    sealed,
    to_json,
)
from avplug.bench.stored_cell import Maps, Places, StoredCell, write_cell
from avplug.bench.writers import alive, place
from avplug.core.errors import UsageError
from avplug.core.files import storing, sync_folder, write_atomic
from avplug.core.metric import Predictions

__all__ = ["SCHEMA", "Maps", "Places", "Store", "StoredCell", "cell_id"]

SCHEMA = 1

#: Seconds after which what a writer in another container left cannot be in work.
_ABANDONED = 86_400

_log = logging.getLogger("avplug")


class Store:
    """The results of a run, in a folder.

    Reading changes nothing. Writing is for one process at a time:
    :func:`avplug.bench.locking.only_writer`.

    Args:
        folder: Created with the first thing written.

    Raises:
        UsageError: The path is a file.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        if self.folder.exists() and not self.folder.is_dir():
            raise UsageError(f"{self.folder} is a file, not a folder for results.")

    @property
    def run(self) -> dict[str, Any]:
        """Configuration, plan and skips as last written.

        Raises:
            UsageError: The folder holds no run, or its ``run.json`` is damaged.
        """
        path = self.folder / "run.json"
        if not path.exists():
            raise UsageError(
                f"{self.folder} holds no run (no run.json).",
                "Give the folder that 'avplug run --out' wrote.",
            )
        try:
            run = read_sealed(path)
            if not isinstance(run.get("cells"), list):
                raise DamageError("run.json has no list of cells")
        except DamageError as damage:
            raise UsageError(
                f"The plan of {self.folder} is damaged: {damage}.",
                "Give the command that made it again: it writes run.json anew, and "
                "finds the finished cells.",
            ) from damage
        return run

    def write_run(self, run: Mapping[str, Any]) -> None:
        """Write ``run.json``.

        Raises:
            StorageError: It cannot be written.
        """
        with storing(self.folder, "run.json"):
            write_atomic(self.folder / "run.json", to_json(sealed(run)))

    def write_clips(self, fingerprint: str, ids: Sequence[str]) -> None:
        """Note the clips of a data set, for :mod:`avplug.bench.verifying_store`."""
        path = self.folder / "clips" / f"{fingerprint}.json"
        with storing(self.folder, "the list of clips"):
            write_atomic(path, to_json(sealed({"ids": list(ids)})))

    def get(self, name: str) -> StoredCell | None:
        """Return the finished cell of an id, or None; a damaged one is told of."""
        try:
            return self.read(name)
        except DamageError as damage:
            _log.warning(
                "Cell %s is damaged (%s) and left out; the command that made it "
                "computes it again.",
                name,
                damage,
            )
            return None

    def read(self, name: str, *, arrays: bool = True) -> StoredCell | None:
        """Return the finished cell of an id, None if there is none.

        Args:
            name: Its id.
            arrays: Check the hashes of its arrays, too.

        Raises:
            DamageError: It is not as it was written.
        """
        folder = self.folder / "cells" / name
        if not folder.is_dir():
            return None
        return StoredCell(name, folder, *read_cell_facts(folder, arrays=arrays))

    def recover(self, name: str) -> StoredCell | None:
        """Return the finished cell of an id, or None; a damaged one is set aside.

        Raises:
            StorageError: It cannot be set aside.
        """
        try:
            return self.read(name)
        except DamageError as damage:
            with storing(self.folder, f"damaged cell {name}"):
                self.set_aside(self.folder / "cells" / name, str(damage))
            return None

    def put(
        self,
        identity: Mapping[str, Any],
        predictions: Predictions,
        record: Mapping[str, Any],
        places: Places | None = None,
        maps: Maps | None = None,
    ) -> StoredCell:
        """Store a finished cell; the first writer of a cell wins.

        A cell whose clips failed is replaced by one of which fewer did, and stays
        until that is in its place.

        Args:
            identity: Names the cell.
            predictions: Of its clips.
            record: What is noted; an ``environment`` in it is stored once for all.
            places: Where in a stream predictions were made.
            maps: Localisation of some clips.

        Raises:
            StorageError: It cannot be written; nothing is left of it.
        """
        name = cell_id(identity)
        final = self.folder / "cells" / name
        with storing(self.folder, f"cell {name}"):
            mark = f"{place()}~{os.getpid()}~{secrets.token_hex(4)}"
            folder = final.with_name(f".{name}~{mark}.tmp")
            try:
                folder.mkdir(parents=True)
                record = self._with_environment(record)
                write_cell(folder, identity, predictions, record, places, maps)
                self._settle(folder, final)
            finally:
                if folder.exists():
                    shutil.rmtree(folder)
            sync_folder(final.parent)
        stored = self.read(name, arrays=False)
        assert stored is not None
        return stored

    def cells(self) -> list[StoredCell]:
        """Return the finished cells of the last run, in its plan's order."""
        found = (self.get(row["id"]) for row in self.run["cells"])
        return [cell for cell in found if cell is not None]

    def set_aside(self, path: Path, why: str) -> Path:
        """Move something damaged out of the way, and return where it is then."""
        damaged = self.folder / "damaged"
        damaged.mkdir(exist_ok=True)
        target = damaged / f"{path.name}-{secrets.token_hex(3)}"
        path.rename(target)
        _log.warning(
            "%s is damaged (%s): set aside as %s, to be made again.",
            path.relative_to(self.folder),
            why,
            target,
        )
        return target

    def clear(self) -> None:
        """Remove what killed writers left; those that may be alive are let be."""
        with storing(self.folder, "cells"):
            for folder in self.temporaries():
                if _abandoned(folder):
                    shutil.rmtree(folder)
            for file in self.folder.glob(".run.json.*.tmp"):
                file.unlink()
            for old in (self.folder / "superseded").glob("*"):
                final = self.folder / "cells" / old.name
                if final.is_dir():
                    shutil.rmtree(old)
                else:
                    old.rename(final)

    def temporaries(self) -> Iterator[Path]:
        """Yield the folders of cells that are being written, or were."""
        return (self.folder / "cells").glob(".*.tmp")

    def _settle(self, folder: Path, final: Path) -> None:
        try:
            folder.rename(final)
        except OSError:
            if not final.is_dir():
                raise
            standing = self.recover(final.name)
            if standing is None:
                folder.rename(final)
            elif _failed(read_facts(folder / "record.json")) < _failed(standing.record):
                # Killed between the two renames, clear() takes the first one back.
                old = self.folder / "superseded" / final.name
                old.parent.mkdir(exist_ok=True)
                final.rename(old)
                folder.rename(final)
                shutil.rmtree(old)

    def _with_environment(self, record: Mapping[str, Any]) -> dict[str, Any]:
        facts = record.get("environment")
        if not isinstance(facts, Mapping):
            return dict(record)
        name = environment_id(facts)
        path = self.folder / "environments" / f"{name}.json"
        if not path.exists():
            write_atomic(path, to_json(facts))
        return {**record, "environment": name}


def _failed(record: Mapping[str, Any]) -> int:
    return int(record.get("clips", {}).get("failed", 0))


def _abandoned(folder: Path) -> bool:
    """Whether nobody writes a temporary folder any more, as far as can be told."""
    match folder.name.removesuffix(".tmp").split("~"):
        case [_, where, pid, _] if where == place() and pid.isdigit():
            return not alive(int(pid))
    return time.time() - folder.stat().st_mtime > _ABANDONED
