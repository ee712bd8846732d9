"""Finished cells on disk: one content-addressed folder each, whole or absent.

::

    OUT/run.json                       configuration, plan and skips of the last run
    OUT/cells/<id>/cell.json           the cell's identity; <id> is its hash
    OUT/cells/<id>/predictions.npz     ids, logits, targets; float32, nothing rounded;
                                       of an adapted stream also segments, positions
    OUT/cells/<id>/maps.npz            of an attacked model that localises: frames and
                                       maps of some clips, clean and attacked
    OUT/cells/<id>/record.json         timings, failures, versions, hash of the above
    OUT/damaged/                       cells that did not match their hash, set aside

The id is the SHA-256 of the identity as canonical JSON (sorted keys, no blanks, UTF-8),
cut to 20 hexadecimal digits. A cell folder is made under a temporary name and renamed
when complete, so a kill at any moment loses at most the cell in work.

A cell is a stream. What a method has learnt is not stored: a stream that was killed
begins anew. One that runs through several corruptions has ``stream`` in its identity in
place of ``corruption`` and ``severity``; :meth:`StoredCell.segments` tells them apart.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import os
import shutil
import socket
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avplug.core.errors import UsageError
from avplug.core.files import sync_folder, write_atomic
from avplug.core.metric import Predictions

SCHEMA = 1

_log = logging.getLogger("avplug")


def cell_id(identity: Mapping[str, Any]) -> str:
    """Return the hash that names a cell's folder."""
    text = json.dumps(
        identity, sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    return hashlib.sha256(text.encode()).hexdigest()[:20]


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Where in a stream predictions were made.

    Args:
        segments: int32 [N], the number of the condition that the clip was under.
        positions: int32 [N], how many clips the method had answered before.
    """

    segments: NDArray[np.int32]
    positions: NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Maps:
    """Localisation of some clips, in the order in which they were attacked.

    Args:
        ids: Of the clips, [N].
        frames: The middle frame as it was, uint8 [N, H, W, 3].
        attacked: The same after the attack, rounded.
        before: Weights of the places of ``frames``, float32 [N, h, w].
        after: Those of ``attacked``.
    """

    ids: NDArray[np.str_]
    frames: NDArray[np.uint8]
    attacked: NDArray[np.uint8]
    before: NDArray[np.float32]
    after: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class StoredCell:
    """A finished cell, or a segment of one: plain data, predictions on request.

    Args:
        id: Of the cell; of a segment with its number behind a dot.
        folder: Where the cell is.
        cell: Its identity; of a segment, with its own corruption and severity.
        record: What was noted; of a segment, its own clips and failures, and its share
            by clips of the seconds and of the clips that were adapted to.
        segment: Its number, or None for the whole cell.
    """

    id: str
    folder: Path
    cell: dict[str, Any]
    record: dict[str, Any]
    segment: int | None = None

    def predictions(self) -> Predictions:
        """Read the predictions of the cell, or of the segment."""
        with np.load(self.folder / "predictions.npz", allow_pickle=False) as data:
            rows = self._rows(data)
            return Predictions(
                data["ids"][rows],
                data["logits"][rows],
                data["targets"][rows],
                str(data["outputs"]),
            )

    def places(self) -> Places | None:
        """Read where the predictions were made; None where the method has no state."""
        with np.load(self.folder / "predictions.npz", allow_pickle=False) as data:
            if "positions" not in data:
                return None
            rows = self._rows(data)
            return Places(data["segments"][rows], data["positions"][rows])

    def maps(self) -> Maps | None:
        """Read where the model heard the sound; None where nothing was kept of it."""
        if "maps_sha256" not in self.record:
            return None
        with np.load(self.folder / "maps.npz", allow_pickle=False) as data:
            return Maps(**{part.name: data[part.name] for part in fields(Maps)})

    def segments(self) -> list[StoredCell]:
        """Return the conditions that a stream ran through; most cells are one."""
        if "stream" not in self.cell:
            return [self]
        rest = {k: v for k, v in self.cell.items() if k != "stream"}
        everything = self.record["clips"]["evaluated"]
        parts = []
        pairs = zip(self.cell["stream"], self.record["segments"], strict=True)
        for number, (condition, noted) in enumerate(pairs):
            share = noted["clips"]["evaluated"] / everything
            seconds = {k: share * v for k, v in self.record["seconds"].items()}
            adapted = share * self.record["adapted"]
            record = {**self.record, **noted, "seconds": seconds, "adapted": adapted}
            parts.append(
                replace(
                    self,
                    id=f"{self.id}.{number}",
                    cell={**rest, **condition, "segment": number},
                    record=record,
                    segment=number,
                )
            )
        return parts

    def _rows(self, data: Any) -> Any:
        return slice(None) if self.segment is None else data["segments"] == self.segment


class Store:
    """The results of a run, in a folder.

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
            UsageError: The folder holds no run.
        """
        path = self.folder / "run.json"
        if not path.exists():
            raise UsageError(
                f"{self.folder} holds no run (no run.json).",
                "Give the folder that 'avplug run --out' wrote.",
            )
        run: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return run

    def write_run(self, run: Mapping[str, Any]) -> None:
        """Write ``run.json``, and clear away what killed writers left."""
        self._clear_temporary()
        write_atomic(self.folder / "run.json", _json(run))

    def get(self, name: str) -> StoredCell | None:
        """Return the finished cell of an id, or None; a damaged one is set aside."""
        folder = self.folder / "cells" / name
        if not folder.is_dir():
            return None
        try:
            record = json.loads((folder / "record.json").read_text(encoding="utf-8"))
            cell = json.loads((folder / "cell.json").read_text(encoding="utf-8"))
            data = (folder / "predictions.npz").read_bytes()
            whole = record["predictions_sha256"] == _digest(data)
            if "maps_sha256" in record:
                maps = (folder / "maps.npz").read_bytes()
                whole = whole and record["maps_sha256"] == _digest(maps)
            whole = whole and cell_id(cell) == name
        except (OSError, ValueError, KeyError):
            whole = False
        if not whole:
            self._set_aside(folder)
            return None
        return StoredCell(name, folder, cell, record)

    def put(
        self,
        identity: Mapping[str, Any],
        predictions: Predictions,
        record: Mapping[str, Any],
        places: Places | None = None,
        maps: Maps | None = None,
    ) -> StoredCell:
        """Store a finished cell; the first writer of a cell wins."""
        name = cell_id(identity)
        final = self.folder / "cells" / name
        folder = final.with_name(f".{name}~{socket.gethostname()}~{os.getpid()}.tmp")
        folder.mkdir(parents=True, exist_ok=True)
        stream: dict[str, Any] = {}
        if places is not None:
            stream = {"segments": places.segments, "positions": places.positions}
        data = _npz(
            **stream,
            ids=np.asarray(predictions.ids, np.str_),
            logits=np.asarray(predictions.logits, np.float32),
            targets=predictions.targets,
            outputs=np.asarray(predictions.outputs),
        )
        record = {**record, "predictions_sha256": _digest(data)}
        write_atomic(folder / "cell.json", _json(identity))
        write_atomic(folder / "predictions.npz", data)
        if maps is not None:
            data = _npz(
                **{part.name: getattr(maps, part.name) for part in fields(maps)}
            )
            record = {**record, "maps_sha256": _digest(data)}
            write_atomic(folder / "maps.npz", data)
        write_atomic(folder / "record.json", _json(record))
        try:
            folder.rename(final)
        except OSError:
            shutil.rmtree(folder)
            if not final.is_dir():
                raise
        sync_folder(final.parent)
        return StoredCell(name, final, dict(identity), record)

    def cells(self) -> list[StoredCell]:
        """Return the finished cells of the last run, in its plan's order."""
        found = (self.get(row["id"]) for row in self.run["cells"])
        return [cell for cell in found if cell is not None]

    def _set_aside(self, folder: Path) -> None:
        damaged = self.folder / "damaged"
        damaged.mkdir(exist_ok=True)
        number = sum(1 for _ in damaged.iterdir())
        folder.rename(damaged / f"{folder.name}-{number}")
        _log.warning(
            "Cell %s does not match its hash: set aside in %s, to be computed again.",
            folder.name,
            damaged,
        )

    def _clear_temporary(self) -> None:
        for folder in (self.folder / "cells").glob(".*~*~*.tmp"):
            _, host, pid = folder.name.removesuffix(".tmp").split("~")
            if host == socket.gethostname() and not _alive(int(pid)):
                shutil.rmtree(folder)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _npz(**arrays: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _json(data: Mapping[str, Any]) -> bytes:
    return json.dumps(data, indent=1, ensure_ascii=False).encode() + b"\n"
