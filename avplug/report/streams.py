"""Streams of adaptation, clip by clip in the order in which they were answered."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avplug.core.metric import Predictions
from avplug.report.panel import Method, Panel, ScoredCell


@dataclass(frozen=True, slots=True, eq=False)
class Stream:
    """What one adapter answered between two resets, beside the source model.

    A clip is answered rightly if the best class is one of its labels.

    Args:
        method: Who answered.
        cells: The segments.
        said: The best class of each clip, int64 [N], in the order of the stream.
        right: Whether it is a label, bool [N].
        source_said: What the source model says of the same corrupted clips.
        source_right: Whether that is a label.
    """

    method: Method
    cells: tuple[ScoredCell, ...]
    said: NDArray[np.int64]
    right: NDArray[np.bool_]
    source_said: NDArray[np.int64]
    source_right: NDArray[np.bool_]

    @property
    def severity(self) -> int:
        """The highest severity in it; 0 if it is clean."""
        return max(cell.severity for cell in self.cells)

    @property
    def seed(self) -> int:
        """The seed of its order and its corruptions."""
        return self.cells[0].seed

    @property
    def record(self) -> dict[str, Any]:
        """What was noted of the whole stream."""
        return self.cells[0].stored.record

    @property
    def online(self) -> bool:
        """Whether it was answered while the method adapted."""
        return "passes" not in self.record

    @property
    def label(self) -> str:
        """What it runs through, such as ``gaussian s5`` or ``gaussian ... rain``."""
        names = [_condition(cell) for cell in self.cells]
        return names[0] if len(names) == 1 else f"{names[0]} … {names[-1]}"

    def last(self, share: float) -> slice:
        """Return the slice of the last so much of the clips."""
        return slice(len(self.said) - max(1, round(share * len(self.said))), None)


def streams(panel: Panel) -> list[Stream]:
    """Return the streams of all methods that adapt and whose source is finished."""
    sources = {
        (cell.method.model, cell.corruption, cell.severity, cell.seed): cell
        for cell in panel.cells
        if cell.method.source
    }
    groups: dict[Path, list[ScoredCell]] = {}
    for cell in panel.cells:
        if not cell.method.source:
            groups.setdefault(cell.stored.folder, []).append(cell)
    found = []
    for cells in groups.values():
        keys = [(c.method.model, c.corruption, c.severity, c.seed) for c in cells]
        if all(key in sources for key in keys):
            stream = _stream(cells, [sources[key] for key in keys])
            found += [stream] if stream else []
    return found


def hardest(panel: Panel, found: Iterable[Stream]) -> list[Stream]:
    """Return the streams that reach the panel's highest severity."""
    top = max(panel.severities, default=0)
    return [stream for stream in found if stream.severity == top and top]


def _stream(cells: list[ScoredCell], sources: list[ScoredCell]) -> Stream | None:
    columns = []
    for cell, source in zip(cells, sources, strict=True):
        places = cell.stored.places()
        if places is None:
            return None
        mine, other = cell.stored.predictions(), source.stored.predictions()
        rows = {str(clip): row for row, clip in enumerate(other.ids)}
        # A clip that failed for one of the two has no pair.
        pairs = [(i, rows[str(c)]) for i, c in enumerate(mine.ids) if str(c) in rows]
        own, its = np.array(pairs, np.intp).reshape(-1, 2).T
        columns.append(
            np.stack(
                [places.positions[own], *_answers(mine, own), *_answers(other, its)]
            )
        )
    table = np.concatenate(columns, axis=1)
    _, said, right, source_said, source_right = table[:, table[0].argsort()]
    return Stream(
        cells[0].method,
        tuple(cells),
        said,
        right.astype(bool),
        source_said,
        source_right.astype(bool),
    )


def _answers(
    predictions: Predictions, rows: NDArray[np.intp]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    said = predictions.logits[rows].argmax(1)
    return said, predictions.targets[rows, said]


def _condition(cell: ScoredCell) -> str:
    if cell.corruption is None:
        return "clean"
    return f"{cell.corruption.label} s{cell.severity}"
