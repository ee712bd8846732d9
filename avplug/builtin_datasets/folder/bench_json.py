"""Lists of clips in the json of CAV-MAE and AVRobustBench."""

from __future__ import annotations

import json
from pathlib import Path

from avplug.builtin_datasets.folder.entry import Entry
from avplug.builtin_datasets.folder.sources import Frames
from avplug.core.errors import DatasetError

_KEYS = ("video_id", "wav", "video_path", "labels")


def read_json(path: Path) -> list[Entry]:
    """Return the clips of ``{"data": [{"video_id", "wav", "video_path", "labels"}]}``.

    Lists that avplug wrote state the clip's own id as ``source_id`` where its files
    could not be called so, and the recording that it shares as ``group``.

    Raises:
        DatasetError: The file is missing, no such json, or an entry lacks a key.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise DatasetError(f"There is no list of clips '{path}'.") from error
    except (OSError, ValueError) as error:
        raise DatasetError(f"Cannot read '{path}' as json: {error}") from error
    rows = data.get("data") if isinstance(data, dict) else None
    if not isinstance(rows, list):
        raise DatasetError(
            f"'{path}' is no list of clips.",
            'Expected {"data": [{"video_id", "wav", "video_path", "labels"}, ...]}.',
        )
    return [_entry(row, f"{path}, entry {index}") for index, row in enumerate(rows, 1)]


def _entry(row: object, where: str) -> Entry:
    if not isinstance(row, dict):
        raise DatasetError(f"{where}: not an object.")
    for key in _KEYS:
        if not isinstance(row.get(key), str) or not row[key].strip():
            raise DatasetError(f"{where}: '{key}' is missing or no text.")
    name = row["video_id"]
    stripped = (label.strip() for label in row["labels"].split(","))
    labels = tuple(dict.fromkeys(filter(None, stripped)))
    if not labels:
        raise DatasetError(f"{where}: no label for '{name}'.")
    return Entry(
        id=str(row.get("source_id", name)),
        labels=labels,
        source=Frames(row["video_path"], row["wav"], name),
        where=where,
        group=str(row.get("group", "")),
    )
