"""What a check of attacks found, and how it names cells."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from avplug.report.attacked import AttackedCell, AttackPanel

State = Literal["passed", "failed", "note", "not checked"]


@dataclass(frozen=True, slots=True)
class Check:
    """What a check found.

    Args:
        name: Stable, for data.
        about: Model, method and attack that it is about.
        state: ``"note"`` is neither good nor bad, but must be known.
        message: One or two sentences.
        cells: Ids of the cells that it is about.
    """

    name: str
    about: str
    state: State
    message: str
    cells: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "name": self.name,
            "about": self.about,
            "state": self.state,
            "message": self.message,
            "cells": list(self.cells),
        }


#: Finds nothing where the panel lacks the cells; the docstring says what it stands for.
Rule: TypeAlias = Callable[[AttackPanel], Iterator[Check]]


def verdict(
    name: str,
    cells: list[AttackedCell],
    good: bool,
    message: str,
    bad: State = "failed",
) -> Check:
    """Return what became of a check on some cells."""
    about = f"{who(cells[0])}, {words(cells[0])}"
    return Check(name, about, "passed" if good else bad, message, ids(cells))


def who(cell: AttackedCell) -> str:
    """Return model and method in words."""
    return f"{cell.method.model} {cell.method.adaptation}"


def words(cell: AttackedCell) -> str:
    """Return an attack in words."""
    known = "" if cell.knowledge in ("white-box", "noise") else f" {cell.knowledge}"
    protocol = f", {cell.protocol}" if cell.protocol else ""
    return f"{cell.attack}{known} on {cell.senses}{protocol}"


def ids(cells: Iterable[AttackedCell]) -> tuple[str, ...]:
    """Return the ids of cells."""
    return tuple(cell.stored.id for cell in cells)
