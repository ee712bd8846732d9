"""Names that are safe in any folder and list, from names that may hold anything."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence

from avplug.core.errors import DatasetError

#: Letters, digits and ``_ - . + =``, no leading dot. ``~`` marks names made here.
_SAFE = re.compile(r"[A-Za-z0-9_+=-][A-Za-z0-9_.+=-]*\Z")
_LONGEST = 120
#: What separates labels in the lists that data sets are read from.
_SEPARATORS = re.compile(r"[,;|]")


def file_names(ids: Iterable[str]) -> dict[str, str]:
    """Return a file name, without a suffix, for each id of a data set.

    An id that is a safe name stays as it is. Any other one becomes its safe characters
    and a hash, joined by ``~``: ``clips/1.mp4`` gives ``clips_1.mp4~`` and 12 digits.

    Raises:
        DatasetError: An id occurs twice.
    """
    names: dict[str, str] = {}
    for clip_id in ids:
        if clip_id in names:
            raise DatasetError(f"The data set has two clips with the id {clip_id!r}.")
        names[clip_id] = safe_name(clip_id)
    return names


def safe_name(text: str) -> str:
    """Return ``text`` if it is a safe file name, else one that stands for it alone."""
    if _SAFE.match(text) and len(text) <= _LONGEST:
        return text
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    plain = re.sub(r"[^A-Za-z0-9_.+=-]+", "_", text).strip("._")
    return f"{plain[:60] or 'clip'}~{digest}"


def class_table(names: Sequence[str]) -> list[tuple[str, str]]:
    """Return a machine id and a display name for each class, fit for label lists.

    Both are the class's name, unless one of the names holds what separates labels, is
    blank, or is not unique: then all machine ids are ``class_<index>``.
    """
    shown = [_one_line(name) for name in names]
    plain = all(
        name == text and text and not _SEPARATORS.search(text)
        for name, text in zip(names, shown, strict=True)
    )
    if plain and len(set(names)) == len(names):
        return list(zip(names, names, strict=True))
    prefix = "class_"
    while any(text.startswith(prefix) for text in shown):
        prefix = f"_{prefix}"
    ids = [f"{prefix}{index}" for index in range(len(names))]
    return [
        (machine, text if text and shown.count(text) == 1 else machine)
        for machine, text in zip(ids, shown, strict=True)
    ]


def _one_line(text: str) -> str:
    printable = text.encode("utf-8", "backslashreplace").decode()
    return " ".join(printable.split())
