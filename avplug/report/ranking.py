"""The best and the second number of each column, as papers mark them."""

from __future__ import annotations

import math

from avplug.report.table import Number, Table, text


def ranks(table: Table) -> dict[tuple[int, int], int]:
    """Return 1 for the best and 2 for the second numbers, by row and column.

    Numbers that are printed alike share their rank. Nothing is best where there is no
    other: fewer than two different numbers have no ranks.
    """
    keys = [column.key for column in table.columns]
    judges = [keys.index(key) for key in table.contest]
    fields: dict[tuple[str, ...], list[int]] = {}
    for number, row in enumerate(table.rows):
        fields.setdefault(tuple(text(row[j]) for j in judges), []).append(number)
    found: dict[tuple[int, int], int] = {}
    for place, column in enumerate(table.columns):
        for rows in fields.values() if column.better else ():
            shown = {row: _printed(table, row, place) for row in rows}
            known = {value for value in shown.values() if value is not None}
            order = sorted(known, reverse=column.better > 0)
            if len(order) > 1:
                found |= {
                    (row, place): order.index(value) + 1
                    for row, value in shown.items()
                    if value is not None and value in order[:2]
                }
    return found


def _printed(table: Table, row: int, column: int) -> float | None:
    """Return a number as it is rounded for print; None if it is none."""
    value = table.rows[row][column]
    if not isinstance(value, Number) or not math.isfinite(value.estimate.value):
        return None
    return round(value.estimate.value, value.digits)
