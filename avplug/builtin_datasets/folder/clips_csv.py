"""Lists of clips in csv: ``file,label`` and optional columns."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from avplug.builtin_datasets.folder.entry import Entry
from avplug.builtin_datasets.folder.sources import Picture, Source, Video
from avplug.core.errors import DatasetError

REQUIRED = ("file", "label")
OPTIONAL = ("id", "group", "start", "end", "wav", "split")

_PICTURES = {".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}


def read_csv(path: Path) -> list[Entry]:
    """Return the clips that a csv lists, in its order.

    Raises:
        DatasetError: The file is missing or no csv, a column is missing, or a row says
            something impossible; the message names the line.
    """
    return [_entry(row, where) for row, where in _rows(path)]


def _rows(path: Path) -> Iterator[tuple[Mapping[str, str], str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = [name.strip().lower() for name in next(reader, [])]
            _check_header(path, header)
            for cells in reader:
                values = [cell.strip() for cell in cells]
                if not any(values):
                    continue
                where = f"{path}, line {reader.line_num}"
                if len(values) > len(header):
                    raise DatasetError(
                        f"{where}: {len(values)} cells, but {len(header)} columns.",
                        "Put a text with a comma in double quotes.",
                    )
                values += [""] * (len(header) - len(values))
                yield dict(zip(header, values, strict=True)), where
    except FileNotFoundError as error:
        raise DatasetError(
            f"There is no list of clips '{path}'.",
            "It is a csv with the columns file,label.",
        ) from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"Cannot read '{path}' as csv: {error}") from error


def _check_header(path: Path, header: list[str]) -> None:
    for name in REQUIRED:
        if name not in header:
            raise DatasetError(
                f"'{path}' has no column '{name}': its first line is "
                f"'{','.join(header)}'.",
                f"Needed: {','.join(REQUIRED)}; optional: {','.join(OPTIONAL)}.",
            )
    for name in (*REQUIRED, *OPTIONAL):
        if header.count(name) > 1:
            raise DatasetError(f"'{path}' has the column '{name}' twice.")


def _entry(row: Mapping[str, str], where: str) -> Entry:
    file = row["file"]
    if not file:
        raise DatasetError(f"{where}: no file.")
    labels = tuple(dict.fromkeys(filter(None, re.split(r"\s*[|;]\s*", row["label"]))))
    if not labels:
        raise DatasetError(f"{where}: no label for '{file}'.")
    part = row.get("start", ""), row.get("end", "")
    of_part = f"@{part[0]}-{part[1]}" if any(part) else ""
    return Entry(
        id=row.get("id") or file + of_part,
        labels=labels,
        source=_source(row, where),
        where=where,
        group=row.get("group") or (file if of_part else ""),
        split=row.get("split", ""),
    )


def _source(row: Mapping[str, str], where: str) -> Source:
    file, wav = row["file"], row.get("wav", "")
    start, end = (_seconds(row, name, where) for name in ("start", "end"))
    if Path(file).suffix.lower() not in _PICTURES:
        if end is not None and end <= (start or 0.0):
            raise DatasetError(f"{where}: end {end:g} is not after start.")
        return Video(file, wav, start or 0.0, end)
    if not wav:
        raise DatasetError(
            f"{where}: '{file}' is a picture and has no sound.",
            "Name a sound file in the column wav.",
        )
    if start is not None or end is not None:
        raise DatasetError(f"{where}: a picture has neither start nor end.")
    return Picture(file, wav)


def _seconds(row: Mapping[str, str], name: str, where: str) -> float | None:
    text = row.get(name, "")
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise DatasetError(f"{where}: {name} is '{text}', not a time in seconds.")
    return value
