"""One row of a list of clips, before its labels are looked up."""

from __future__ import annotations

from dataclasses import dataclass

from avplug.builtin_datasets.folder.sources import Source


@dataclass(frozen=True, slots=True)
class Entry:
    """A clip as the list states it.

    Args:
        id: Unique in the list.
        labels: As written; several if multi-label.
        source: How to load it.
        where: The place in the list, for errors.
        group: The recording that it shares with other clips; "" for none.
        split: The part that it belongs to; "" for all.
    """

    id: str
    labels: tuple[str, ...]
    source: Source
    where: str
    group: str = ""
    split: str = ""
