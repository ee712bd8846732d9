"""A finished cell as it lies on disk: its identity, its record, and its arrays."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avplug.bench.integrity import (
    DamageError,
    digest,
    read_environment,
    sealed,
    to_json,
)
from avplug.core.files import sync_folder, write_synced
from avplug.core.metric import Embeddings, Predictions


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
                self.cell.get("dataset", {}).get("tasks", {}),
                self._batches(data, rows),
                _embeddings(data, rows),
            )

    def _batches(self, data: Any, rows: Any) -> NDArray[np.intp] | None:
        """Tell which clips were answered together, as far as the cell says."""
        size = self.record.get("run", {}).get("batch_size")
        if not isinstance(size, int) or size < 1:
            return None
        if "positions" not in data:
            return np.arange(len(data["ids"][rows])) // size
        order = data["positions"][rows]
        if self.cell["adaptation"].get("protocol") != "mixed":
            # Every corruption of a stream begins a batch of its own.
            order = order.argsort().argsort()
        return np.asarray(order // size, np.intp)

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

    def environment(self) -> dict[str, Any]:
        """Read versions and hardware that the cell was made with."""
        stated = self.record.get("environment", {})
        if isinstance(stated, dict):
            return stated
        try:
            return read_environment(self.folder.parents[1], stated)
        except DamageError as damage:
            return {"environment": str(damage)}

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


def _embeddings(data: Any, rows: Any) -> Embeddings | None:
    if "audio" not in data:
        return None
    return Embeddings(data["audio"][rows], data["video"][rows])


def write_cell(
    folder: Path,
    identity: Mapping[str, Any],
    predictions: Predictions,
    record: Mapping[str, Any],
    places: Places | None,
    maps: Maps | None,
) -> None:
    """Write the files of a finished cell, and make sure that they are on the disk.

    Args:
        folder: Where they go; it is there.
        identity: Of the cell.
        predictions: Of its clips.
        record: What is noted; hashes of the arrays are added.
        places: Where in a stream predictions were made.
        maps: Localisation of some clips.

    Raises:
        OSError: One cannot be written.
    """
    stream: dict[str, Any] = {}
    if places is not None:
        stream = {"segments": places.segments, "positions": places.positions}
    kept = predictions.embeddings
    vectors = {"audio": kept.audio, "video": kept.video} if kept else {}
    data = _npz(
        **stream,
        **vectors,
        ids=np.asarray(predictions.ids, np.str_),
        logits=np.asarray(predictions.logits, np.float32),
        targets=predictions.targets,
        outputs=np.asarray(predictions.outputs),
    )
    record = {**record, "predictions_sha256": digest(data)}
    write_synced(folder / "cell.json", to_json(identity))
    write_synced(folder / "predictions.npz", data)
    if maps is not None:
        data = _npz(**{part.name: getattr(maps, part.name) for part in fields(maps)})
        record = {**record, "maps_sha256": digest(data)}
        write_synced(folder / "maps.npz", data)
    write_synced(folder / "record.json", to_json(sealed(record)))
    sync_folder(folder)


def _npz(**arrays: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()
