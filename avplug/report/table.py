"""A plain table, and how its numbers are printed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

from avplug.report.statistics import Estimate


@dataclass(frozen=True, slots=True)
class Number:
    """An estimate with how it is printed.

    Args:
        estimate: Value and interval.
        digits: After the point.
        signed: Whether it is a difference, printed with its sign.
    """

    estimate: Estimate
    digits: int = 1
    signed: bool = False

    def __str__(self) -> str:
        return _decimal(self.estimate.value, self.digits, self.signed)

    @property
    def interval(self) -> str:
        """``low to high``, or "" without an interval."""
        low, high = self.estimate.low, self.estimate.high
        if math.isnan(low) or math.isnan(high):
            return ""
        ends = [_decimal(end, self.digits, self.signed) for end in (low, high)]
        return " to ".join(ends) if self.signed else "–".join(ends)


Value: TypeAlias = str | int | Number | None


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Args:
        key: Names it in data.
        title: Heads it.
        number: Whether it holds numbers, which align right.
        over: Heads it and its neighbours of the same, in print; "" for none.
        better: 1 if the highest number is the best, -1 if the lowest, 0 if neither.
    """

    key: str
    title: str
    number: bool = True
    over: str = ""
    better: int = 0


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under columns.

    Args:
        name: Stable, for files and links.
        title: One line.
        columns: As many as each row has values.
        rows: Text, whole numbers, estimates, or None for what there is not.
        note: How to read it.
        group: So many leading columns are printed only where they change.
        contest: Keys of columns; rows compete for the best number if these are equal.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]
    note: str = ""
    group: int = 0
    contest: tuple[str, ...] = ()


def text(value: Value) -> str:
    """Return a value as tables print it."""
    return "–" if value is None else str(value)


def plain(value: float, digits: int = 1, signed: bool = False) -> Number:
    """Return a number that has no confidence interval."""
    return Number(Estimate(value, math.nan, math.nan), digits, signed)


def _decimal(value: float, digits: int, signed: bool) -> str:
    if not math.isfinite(value):
        return "–"
    value = round(value, digits) + 0.0  # No minus before a zero.
    shown = f"{value:+.{digits}f}" if signed else f"{value:.{digits}f}"
    return shown.replace("-", "−")
