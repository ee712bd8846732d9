"""One clip as a published list states it, before its media are looked for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a list.

    Args:
        id: Unique in the list.
        labels: As written; several if multi-label.
        names: What its media may be called, without suffix, likeliest first; a folder
            may stand before the name.
        where: The place in the list, for errors.
        start: Where the clip begins in its file, in seconds.
        end: Where it ends; None for the end of the file.
        group: The recording that it shares with other clips; "" for none.
        wav: Path of its sound as the list states it; "" where it states none.
        frames: Folder of its frames as the list states it.
    """

    id: str
    labels: tuple[str, ...]
    names: tuple[str, ...]
    where: str
    start: float = 0.0
    end: float | None = None
    group: str = ""
    wav: str = ""
    frames: str = ""
