"""Finding and reading of published lists, with a sentence for each mistake."""

from __future__ import annotations

import csv
import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib.resources import as_file, files
from pathlib import Path

from avplug.builtin_datasets.folder.bench_json import read_json
from avplug.builtin_datasets.folder.classes import LabelList, read_labels
from avplug.builtin_datasets.folder.sources import Frames
from avplug.builtin_datasets.published.row import Row
from avplug.core.errors import DatasetError

#: Folders in which lists are looked for, besides the root itself.
_BESIDE = ("annotations", "labels", "data", "epic-kitchens-100-annotations")
#: What a message shows of a folder's content.
_SHOWN = 5


def bundled_labels(name: str) -> LabelList:
    """Return one of the label lists that come with avplug."""
    with as_file(files(__package__) / "classes" / f"{name}.csv") as path:
        return read_labels(path)


def find_list(root: Path, names: Sequence[str]) -> Path | None:
    """Return the first of some files, in the root or in a usual folder of it."""
    places = (root, *(root / name for name in _BESIDE))
    return next((p / n for n in names for p in places if (p / n).is_file()), None)


def require_list(root: Path, names: Sequence[str], what: str, source: str) -> Path:
    """Return :func:`find_list`.

    Args:
        root: The folder that the user gave.
        names: What the file may be called.
        what: What it states, for the message.
        source: Where it is published.

    Raises:
        DatasetError: None is there; says what is.
    """
    path = find_list(root, names)
    if path is None:
        raise DatasetError(
            f"{what}: expected {' or '.join(names)} in '{root}' (or its folder "
            f"{_BESIDE[0]}/ or {_BESIDE[1]}/); found {found_in(root)}.",
            f"It is published at {source}.",
        )
    return path


def found_in(folder: Path) -> str:
    """Return what a folder holds, in a few words."""
    names = sorted(
        f"{path.name}/" if path.is_dir() else path.name for path in folder.iterdir()
    )
    if not names:
        return "nothing"
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def read_rows(
    path: Path, columns: int, *, delimiter: str = ",", comment: str = ""
) -> Iterator[tuple[list[str], str]]:
    """Yield the cells of each line, stripped, and the place in the file.

    Args:
        path: A text in UTF-8.
        columns: How many cells a line has at least.
        delimiter: Between the cells; blanks behind it are skipped.
        comment: What lines begin with that say nothing of a clip; "" for none.

    Raises:
        DatasetError: The file cannot be read, or a line is too short.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        reader = csv.reader(
            text.splitlines(), delimiter=delimiter, skipinitialspace=True, strict=True
        )
        for cells in reader:
            values = [cell.strip() for cell in cells]
            if not any(values) or (comment and values[0].startswith(comment)):
                continue
            where = f"{path}, line {reader.line_num}"
            if len(values) < columns:
                raise DatasetError(
                    f"{where}: {len(values)} cells where at least {columns} are due.",
                    "Put the file there as it was published.",
                )
            yield values, where
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"Cannot read '{path}': {error}") from error


def read_table(
    path: Path, needed: Sequence[str]
) -> Iterator[tuple[dict[str, str], str]]:
    """Yield the lines of a csv with a header, by column, and the place in the file.

    Raises:
        DatasetError: A needed column is missing; says which there are.
    """
    rows = read_rows(path, 1)
    header = next(rows, ([], ""))[0]
    lacking = [name for name in needed if name not in header]
    if lacking:
        raise DatasetError(
            f"'{path}' has no column {', '.join(lacking)}: its first line is "
            f"'{','.join(header)}'.",
            "Put the file there as it was published.",
        )
    for cells, where in rows:
        values = [*cells, *[""] * (len(header) - len(cells))]
        yield dict(zip(header, values, strict=False)), where


def number(text: str, where: str) -> float:
    """Return a number of a list.

    Raises:
        DatasetError: It is none.
    """
    try:
        return float(text)
    except ValueError:
        raise DatasetError(f"{where}: '{text}' is no number.") from None


def json_rows(path: Path) -> list[Row]:
    """Return the clips of a list as CAV-MAE, READ and avplug write it.

    Raises:
        DatasetError: It is no such list.
    """
    rows = []
    for entry in read_json(path):
        source = entry.source
        assert isinstance(source, Frames)
        rows.append(
            Row(
                id=entry.id,
                labels=entry.labels,
                names=(source.name,),
                where=entry.where,
                group=entry.group,
                wav=source.wav,
                frames=source.folder,
            )
        )
    return rows


#: SHA-256 of published lists, of the sorted lines ``id,labels``.
KNOWN = {
    "3ace617ac64c9200e2aed2a08fd4af92bf069e42dd1818214f34793bd467c271": "VGGSound-2C",
    "0cbcc5b6eeab40fb882e99ecc34c0f90f29471741ee7fdacaa000a89de4f2236": "Kinetics50",
}


def list_name(rows: Sequence[Row]) -> str:
    """Return what a list is known as, whatever its order; "" if it is not known."""
    lines = sorted(f"{row.id},{','.join(row.labels)}" for row in rows)
    return KNOWN.get(hashlib.sha256("\n".join(lines).encode()).hexdigest(), "")


def json_facts(path: Path) -> tuple[str, dict[str, str]]:
    """Return what a list of ``avplug data prepare`` says besides its clips.

    Its split, ``test`` where a list states none, and the missing clips with the reason.
    """
    data = json.loads(path.read_text(encoding="utf-8-sig"))
    missing = {str(key): str(why) for key, why in data.get("missing", {}).items()}
    return str(data.get("split", "test")), missing


def cvpr21_rows(path: Path) -> list[Row]:
    """Return the clips of a list of the CVPR'21 attacks.

    Its lines are a sound, a folder of frames and their number, such as
    ``/tuba/73ikMuXwKgc.wav,/tuba/73ikMuXwKgc.mp4,282``; the folder is the class. A
    clip's id is the file's name; where two classes have it, ``<name>+<class>``.

    Raises:
        DatasetError: A line has another form.
    """
    rows = []
    times: Counter[str] = Counter()
    for (wav, frames, *_), where in read_rows(path, 3):
        parts = wav.strip("/").split("/")
        if len(parts) != 2:
            raise DatasetError(
                f"{where}: '{wav}' is not a class and a file, such as /tuba/x.wav."
            )
        name = Path(parts[1]).stem
        times[name] += 1
        rows.append(
            Row(
                id=name,
                labels=(parts[0].replace("_", " "),),
                names=(f"{parts[0]}/{name}", name),
                where=where,
                group=name,
                frames=frames.strip("/"),
                wav=wav.strip("/"),
            )
        )
    return [
        row
        if times[row.group] == 1
        else replace(row, id=f"{row.group}+{row.names[0].rpartition('/')[0]}")
        for row in rows
    ]
