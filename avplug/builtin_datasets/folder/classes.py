"""The label list: names of the classes, and what else they may be called."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from avplug.core.errors import DatasetError, closest


@dataclass(frozen=True, slots=True)
class LabelList:
    """Class names in the order of a model's outputs.

    Args:
        names: One for each class.
        places: The class that a label means, by name or by machine id.
        origin: The file that states them; "" if they were collected.
    """

    names: tuple[str, ...]
    places: dict[str, int]
    origin: str = ""

    @classmethod
    def collected(cls, labels: Iterable[str]) -> LabelList:
        """Return the sorted labels that occur."""
        names = tuple(sorted(set(labels)))
        return cls(names, {name: place for place, name in enumerate(names)})

    def index(self, label: str, where: str) -> int:
        """Return the class that a label means.

        Raises:
            DatasetError: It is not in the list.
        """
        try:
            return self.places[label]
        except KeyError:
            raise DatasetError(
                f"{where}: label '{label}' is not in the label list '{self.origin}'."
                f"{closest(label, self.places)}"
            ) from None


def read_labels(path: Path) -> LabelList:
    """Return a label list: ``index,mid,display_name``, or one name for each line.

    Of the table either ``mid`` or ``display_name`` may be absent; both name a class.

    Raises:
        DatasetError: The file is missing, empty, or names a class twice.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        rows = [row for row in csv.reader(text.splitlines(), strict=True) if any(row)]
    except FileNotFoundError as error:
        raise DatasetError(f"There is no label list '{path}'.") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"Cannot read the label list '{path}': {error}") from error
    header = [cell.strip().lower() for cell in rows[0]] if rows else []
    if header[:1] == ["index"]:
        calls = _table(path, header, rows[1:])
    else:
        lines = (line.strip() for line in text.splitlines())
        calls = [(line,) for line in lines if line]
    if not calls:
        raise DatasetError(f"The label list '{path}' is empty.")
    places: dict[str, int] = {}
    for place, names in enumerate(calls):
        for name in dict.fromkeys(names):
            if name in places:
                raise DatasetError(f"The label list '{path}' has '{name}' twice.")
            places[name] = place
    return LabelList(tuple(names[-1] for names in calls), places, str(path))


def _table(
    path: Path, header: list[str], rows: list[list[str]]
) -> list[tuple[str, ...]]:
    """Return what each class is called, its machine id before its display name."""
    columns = [header.index(n) for n in ("mid", "display_name") if n in header]
    if not columns:
        raise DatasetError(f"'{path}' has neither a column mid nor display_name.")
    calls = []
    for place, row in enumerate(rows):
        cells = [cell.strip() for cell in row]
        if len(cells) != len(header) or not all(cells[c] for c in columns):
            raise DatasetError(
                f"The label list '{path}' lacks a cell in class {place}."
            )
        if cells[0] != str(place):
            raise DatasetError(
                f"The label list '{path}' has index {cells[0]} where {place} is due."
            )
        calls.append(tuple(cells[column] for column in columns))
    return calls
