"""What happens in a run: one frozen dataclass for each event hook."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A run begins.

    Args:
        folder: Where its results are stored.
        cells: How many cells it has.
        finished: How many of them an earlier run finished.
    """

    folder: str
    cells: int
    finished: int


@dataclass(frozen=True, slots=True)
class CellFinished:
    """A cell's predictions are stored.

    Args:
        folder: Of the run.
        cell_id: Name of the cell's folder.
        cell: Its identity: every choice that decides its numbers.
        scores: By name of the metric, each in its own unit; empty where one failed.
        seconds: That it took.
    """

    folder: str
    cell_id: str
    cell: Mapping[str, Any]
    scores: Mapping[str, float]
    seconds: float


@dataclass(frozen=True, slots=True)
class CellFailed:
    """A cell raised; the run goes on.

    Args:
        folder: Of the run.
        cell_id: Name that the cell's folder would have had.
        cell: Its identity.
        error: Type and message of what it raised.
    """

    folder: str
    cell_id: str
    cell: Mapping[str, Any]
    error: str


@dataclass(frozen=True, slots=True)
class RunFinished:
    """A run ends, whole or not.

    Args:
        folder: Where its results are stored.
        finished: How many cells it computed.
        failed: How many cells raised.
    """

    folder: str
    finished: int
    failed: int
