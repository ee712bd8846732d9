"""Which clips a method has right, clean and under each corruption."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avplug.core.metric import Predictions
from avplug.report.panel import Condition, Method, Panel, ScoredCell


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """What a method answered of N clips, clean and in K corrupted cells of one seed.

    Args:
        panel: What they are of.
        method: Who answered.
        ids: Clips that were answered clean, [N].
        labels: Their classes, int32 [N].
        clean: Whether they were right when clean, bool [N].
        cells: The corrupted cells, K.
        there: Whether a clip was answered in a cell, bool [K, N].
        right: Whether it was right there, bool [K, N].
        said: The class with the highest logit there, int32 [K, N].
    """

    panel: Panel
    method: Method
    ids: NDArray[np.str_]
    labels: NDArray[np.int32]
    clean: NDArray[np.bool_]
    cells: tuple[ScoredCell, ...]
    there: NDArray[np.bool_]
    right: NDArray[np.bool_]
    said: NDArray[np.int32]

    @property
    def lost(self) -> NDArray[np.bool_]:
        """Right when clean, wrong when corrupted: bool [K, N]."""
        return self.clean & self.there & ~self.right

    @property
    def gained(self) -> NDArray[np.bool_]:
        """Wrong when clean, right when corrupted: bool [K, N]."""
        return ~self.clean & self.right

    def at(self, condition: Condition | None, severity: int | None) -> list[int]:
        """Return the rows of the cells of a corruption and severity; None for all."""
        return [
            row
            for row, cell in enumerate(self.cells)
            if condition in (None, cell.corruption)
            and severity in (None, cell.severity)
        ]


def viewed(panels: Sequence[Panel]) -> list[Panel]:
    """Return, of each data set, the first panel that can be viewed clip by clip.

    Its metric is a share of the clips, each of which has one class.
    """
    found: dict[str, Panel] = {}
    for panel in panels:
        if panel.metric.task == "single-label" and panel.cells:
            first = panel.cells[0].stored.predictions()
            if panel.metric.metric.right(first) is not None:
                found.setdefault(panel.dataset, panel)
    return list(found.values())


def read_outcomes(panel: Panel) -> list[Outcomes]:
    """Return the outcomes of the methods that have clean and corrupted cells.

    Predictions are read once. Where a run has several seeds, it is the first.
    """
    found = []
    for method in panel.methods:
        cells = [
            c for c in panel.cells if c.method == method and c.seed == panel.seeds[0]
        ]
        clean = next((c for c in cells if c.corruption is None), None)
        spoilt = tuple(c for c in cells if c.corruption is not None)
        if clean and spoilt:
            found.append(_outcomes(panel, clean, spoilt))
    return found


def _outcomes(
    panel: Panel, clean: ScoredCell, cells: tuple[ScoredCell, ...]
) -> Outcomes:
    before = clean.stored.predictions()
    shape = len(cells), len(before)
    there, right = np.zeros(shape, np.bool_), np.zeros(shape, np.bool_)
    said = np.full(shape, -1, np.int32)
    for number, cell in enumerate(cells):
        after = cell.stored.predictions()
        places, paired = _pairs(before.ids, after.ids)
        there[number, places] = True
        right[number, places] = _right(panel, after)[paired]
        said[number, places] = after.logits.argmax(1)[paired]
    return Outcomes(
        panel,
        clean.method,
        before.ids,
        before.targets.argmax(1).astype(np.int32),
        _right(panel, before),
        cells,
        there,
        right,
        said,
    )


def _pairs(
    first: NDArray[np.str_], second: NDArray[np.str_]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return where the clips stand that are in both; one that failed has no pair."""
    if np.array_equal(first, second):
        # As in most cells, where sorting 20,000 names would take most of the time.
        rows = np.arange(len(first))
        return rows, rows
    return np.intersect1d(first, second, assume_unique=True, return_indices=True)[1:]


def _right(panel: Panel, predictions: Predictions) -> NDArray[np.bool_]:
    right = panel.metric.metric.right(predictions)
    assert right is not None  # As :func:`viewed` found.
    return right


class ClassNames:
    """Names of classes; of those that a run does not tell, their numbers.

    Args:
        names: In the order of the logits; may be empty.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = tuple(names)

    def __getitem__(self, number: int) -> str:
        if 0 <= number < len(self._names):
            return str(self._names[number])
        return f"class {number}"
