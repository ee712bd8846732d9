"""A comparison of two methods as a table and in words."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any, Literal

from avplug.report.comparison import Comparison, Difference
from avplug.report.statistics import LEVEL
from avplug.report.table import Column, Number, Table, Value, plain

Finding = Literal["better", "worse", "equal", "open"]

_CORRECTED = {
    "holm": "p corrected after Holm over the corruptions",
    "bh": "p corrected after Benjamini and Hochberg over the corruptions",
    "none": "p not corrected for the number of corruptions",
}


def finding(comparison: Comparison, row: Difference, min_effect: float) -> Finding:
    """Say what a row shows of the second method.

    ``"equal"``: the whole interval of the difference is within ``min_effect`` points;
    ``"better"`` and ``"worse"``: the test says so, and the difference is no smaller
    than that; else ``"open"``: more clips might tell.
    """
    gain = row.gain
    if min_effect and -min_effect < gain.low and gain.high < min_effect:
        return "equal"
    if row.sure < 1 - LEVEL and abs(gain.value) >= min_effect:
        up = gain.value > 0
        return "better" if up == comparison.metric.metric.higher_is_better else "worse"
    return "open"


def comparison_table(comparison: Comparison, min_effect: float = 0.0) -> Table:
    """Return a row for clean clips, each corruption, and all corruptions."""
    digits = comparison.metric.digits
    rows: list[tuple[Value, ...]] = [
        (
            row.name,
            Number(row.first, digits),
            Number(row.second, digits),
            Number(row.gain, digits, signed=True),
            _p(row.p),
            _p(row.adjusted),
            _odds(row),
            plain(row.visible),
            finding(comparison, row, min_effect),
        )
        for row in comparison.rows
    ]
    return Table(
        "comparison",
        f"{comparison.second} against {comparison.first}: {comparison.metric.title}",
        (
            Column("corruption", "corruption", False),
            Column("first", comparison.first),
            Column("second", comparison.second),
            Column("difference", "difference"),
            Column("p", "p"),
            Column("p_adjusted", "p adjusted"),
            Column("odds_ratio", "gained : lost"),
            Column("visible", "visible"),
            Column("finding", "finding", False),
        ),
        tuple(rows),
        _note(comparison, min_effect),
    )


def sentence(comparison: Comparison, min_effect: float = 0.0) -> str:
    """Return the result in one sentence, from the row over all corruptions."""
    row = comparison.rows[-1]
    found = [finding(comparison, r, min_effect) for r in comparison.rows]
    single = [
        f for f, r in zip(found, comparison.rows, strict=True) if _is_corruption(r)
    ]
    gain = Number(row.gain, comparison.metric.digits, signed=True)
    words = {
        "better": "is better than",
        "worse": "is worse than",
        "equal": "is as good as",
        "open": "cannot be told from",
    }[found[-1]]
    ends = f"; {gain.interval}" if gain.interval else ""
    told = f"{comparison.second} {words} {comparison.first} ({row.name}: {gain}{ends})."
    if len(single) > 1:
        told += (
            f" Of {len(single)} corruptions it is better on {single.count('better')},"
            f" worse on {single.count('worse')}."
        )
    return told


def _is_corruption(row: Difference) -> bool:
    return row.name not in ("clean", "all corruptions")


def _note(comparison: Comparison, min_effect: float) -> str:
    counted = all(row.test is not None for row in comparison.rows)
    if not counted:
        test = "p: paired bootstrap"
    elif all(row.test and row.test.exact for row in comparison.rows):
        test = "p: McNemar's exact test"
    else:
        test = (
            "p: McNemar's test, answers on one "
            f"{'recording' if comparison.clustered else 'clip'} taken together"
        )
    parts = [
        f"{comparison.clips} clips, paired. {test};"
        f" {_CORRECTED[comparison.correction]}.",
        "Intervals: 95 %, paired bootstrap.",
        "gained : lost: answers that only one of the two has right."
        " visible: points that would be seen four times in five.",
    ]
    if min_effect:
        parts.append(f"equal: within {min_effect:g} for sure.")
    if comparison.dropped:
        parts.append(f"{comparison.dropped} clips that only one has are left out.")
    if comparison.unpaired:
        parts.append(f"{comparison.unpaired} cells that only one has are left out.")
    return " ".join(parts)


def _p(value: float) -> str | None:
    if math.isnan(value):
        return None
    return "< 0.0001" if value < 0.0001 else f"{value:.4f}"


def _odds(row: Difference) -> str | None:
    return f"{row.test.gained} : {row.test.lost}" if row.test else None


def comparison_json(comparison: Comparison, min_effect: float = 0.0) -> dict[str, Any]:
    """Return a comparison as plain data; the keys are stable."""
    rows = []
    for row in comparison.rows:
        test = row.test
        rows.append(
            {
                "corruption": row.name,
                "first": asdict(row.first),
                "second": asdict(row.second),
                "difference": asdict(row.gain),
                "p": row.p,
                "p_adjusted": row.adjusted,
                "finding": finding(comparison, row, min_effect),
                "visible": row.visible,
                "cells": row.cells,
                "test": test and {**asdict(test), "odds_ratio": test.odds_ratio},
            }
        )
    return {
        "first": comparison.first,
        "second": comparison.second,
        "metric": comparison.metric.name,
        "correction": comparison.correction,
        "clips": comparison.clips,
        "clips_left_out": comparison.dropped,
        "cells_left_out": comparison.unpaired,
        "clustered": comparison.clustered,
        "summary": sentence(comparison, min_effect),
        "rows": rows,
    }
