"""What happens in a run: one frozen dataclass for each event hook."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A run begins: its folder, and how many cells are to do and already done."""

    folder: str
    cells: int
    finished: int


@dataclass(frozen=True, slots=True)
class CellFinished:
    """A cell's predictions are stored: its identity and its scores in percent."""

    folder: str
    cell_id: str
    cell: Mapping[str, Any]
    scores: Mapping[str, float]
    seconds: float


@dataclass(frozen=True, slots=True)
class CellFailed:
    """A cell raised; the run goes on."""

    folder: str
    cell_id: str
    cell: Mapping[str, Any]
    error: str


@dataclass(frozen=True, slots=True)
class RunFinished:
    """A run ends, whole or not."""

    folder: str
    finished: int
    failed: int
