"""Over how many clips a score is, where some failed."""

from __future__ import annotations

from collections.abc import Sequence

from avplug.bench.store import StoredCell


def denominators(dataset: str, cells: Sequence[StoredCell]) -> list[str]:
    """Return over how many of a data set's clips its scores are; nothing if over all.

    Args:
        dataset: As the report calls it.
        cells: Of this data set; streams as their segments.
    """
    counts = [cell.record["clips"] for cell in cells]
    lacking = [clips for clips in counts if clips["failed"]]
    if not lacking:
        return []
    evaluated = [clips["evaluated"] for clips in lacking]
    least, most = min(evaluated), max(evaluated)
    shown = f"{least}" if least == most else f"{least} to {most}"
    total = max(clips["evaluated"] + clips["failed"] for clips in counts)
    return [
        f"{dataset}: {len(lacking)} of {len(counts)} cells are scored on {shown} of "
        f"{total} clips; the others failed, and are in no denominator."
    ]
