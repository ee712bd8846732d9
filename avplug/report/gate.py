"""Does a run reach what was asked of it: each threshold passed, failed, or unknown."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree

from avplug.bench.store import Store
from avplug.core.errors import AvplugError
from avplug.core.registry import Registry
from avplug.report.comparison import compare
from avplug.report.metrics import find_metrics
from avplug.report.panel import Condition, Method, Panel, Point, mean
from avplug.report.scores import Scores
from avplug.report.sides import find_sides
from avplug.report.statistics import RESAMPLES, Estimate
from avplug.report.table import Number
from avplug.report.thresholds import Drop, Threshold, Thresholds
from avplug.report.write import read_scores

Outcome = Literal["passed", "failed", "error"]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was checked.

    Args:
        name: What.
        outcome: ``"error"``: it could not be checked, which does not pass either.
        message: The number and its bound, or why there is none.
    """

    name: str
    outcome: Outcome
    message: str


def gate(
    folder: Path,
    thresholds: Thresholds,
    registry: Registry,
    resamples: int = RESAMPLES,
) -> list[Check]:
    """Check a run; a threshold that fits nothing in it is an error, not a pass.

    Raises:
        UsageError: The folder holds no run.
    """
    store = Store(folder)
    checks = list(_whole(store, thresholds))
    wanted = {t.metric for t in thresholds.threshold if t.metric}
    names = tuple(dict.fromkeys([*store.run.get("metrics", ()), *sorted(wanted)]))
    first = names[0]
    if thresholds.threshold:
        scores = read_scores(
            folder, metrics=names, resamples=resamples, registry=registry
        )
        for bound in thresholds.threshold:
            checks += _bounded(scores, bound, first)
    for drop in thresholds.drop:
        name = drop.metric or first
        try:
            checks += _dropped(
                folder, thresholds.folder, drop, name, registry, resamples
            )
        except AvplugError as error:
            checks.append(Check(_drop_name(drop, name), "error", str(error)))
    return checks


def _whole(store: Store, thresholds: Thresholds) -> Iterator[Check]:
    run = store.run
    cells = store.cells()
    planned = len(run["cells"])
    done = len(cells) == planned
    yield Check(
        "complete",
        "passed" if done or thresholds.unfinished else "failed",
        f"{len(cells)} of {planned} planned cells are finished.",
    )
    limited = [
        data
        for data in (cell["cell"]["dataset"] for cell in run["cells"])
        if data.get("of", data["clips"]) > data["clips"]
    ]
    said = "Every clip of the data set was shown."
    if limited:
        data = limited[0]
        said = f"{data['clips']} of {data['of']} clips of {data['name']} were shown."
    passed = not limited or thresholds.limited
    yield Check("whole data set", "passed" if passed else "failed", said)


def _bounded(scores: Scores, bound: Threshold, first: str) -> Iterator[Check]:
    metric = bound.metric or first
    found = False
    for panel in scores.panels:
        if panel.metric.name != metric or not fnmatchcase(panel.dataset, bound.dataset):
            continue
        for method in panel.methods:
            if fnmatchcase(method.model, bound.model) and fnmatchcase(
                method.adaptation, bound.adaptation
            ):
                for name, point in _points(panel, method, bound):
                    found = True
                    yield _bound_check(panel, method, name, point, bound)
    if not found:
        yield Check(
            bound.name or f"{metric} {_words(bound)}",
            "error",
            f"Nothing in the run fits {_words(bound)} for the metric {metric}.",
        )


def _points(
    panel: Panel, method: Method, bound: Threshold
) -> Iterator[tuple[str, Point | None]]:
    """Return what a threshold speaks of: a mean, clean clips, or each corruption."""
    severities = [s for s in panel.severities if s in bound.severities]
    severities = severities if bound.severities else list(panel.severities)
    if bound.corruption == "clean":
        yield "clean", panel.at(method, None, 0)
    elif bound.corruption == "mean":
        yield (
            f"mean{_severities(bound)}",
            mean(panel.over_corruptions(method, s) for s in severities),
        )
    else:
        for condition in panel.corruptions:
            if _fits(condition, bound.corruption):
                yield (
                    f"{condition.label}{_severities(bound)}",
                    mean(panel.at(method, condition, s) for s in severities),
                )


def _fits(condition: Condition, pattern: str) -> bool:
    qualified = f"{condition.category}/{condition.label}"
    return fnmatchcase(condition.label, pattern) or fnmatchcase(qualified, pattern)


def _bound_check(
    panel: Panel, method: Method, name: str, point: Point | None, bound: Threshold
) -> Check:
    what = f"{panel.dataset} {method.model}/{method.adaptation} {name}"
    what = f"{bound.name}: {what}" if bound.name else what
    digits = panel.metric.digits if bound.quantity == "value" else 3
    label = panel.metric.name if bound.quantity == "value" else bound.quantity
    if point is None:
        return Check(what, "error", f"There is no finished cell with {name}.")
    estimate = point.estimate(bound.quantity)
    value = getattr(estimate, bound.bound)
    number = Number(estimate, digits)
    shown = f"{label} {number}" + (f" ({number.interval})" if number.interval else "")
    if math.isnan(value):
        return Check(what, "error", f"{label} {bound.bound} is undefined.")
    asked = []
    if bound.min is not None:
        asked.append((value >= bound.min, f"at least {bound.min:g}"))
    if bound.max is not None:
        asked.append((value <= bound.max, f"at most {bound.max:g}"))
    end = "" if bound.bound == "value" else f" {bound.bound} end"
    passed = all(held for held, _ in asked)
    return Check(
        what,
        "passed" if passed else "failed",
        f"{shown}; asked:{end} {' and '.join(words for _, words in asked)}.",
    )


def _dropped(
    folder: Path,
    base: Path,
    drop: Drop,
    metric: str,
    registry: Registry,
    resamples: int,
) -> Iterator[Check]:
    patterns = (drop.method,) if drop.method else ()
    sides = find_sides([base / drop.baseline, folder], patterns)
    (named,) = find_metrics(registry, [metric])
    found = compare(sides[0], sides[1], named, resamples=resamples)
    sign = 1 if named.metric.higher_is_better else -1
    unit = " points" if named.unit == "%" else ""
    wanted = [
        row
        for row in found.rows
        if row.name == drop.corruption
        or (drop.corruption == "mean" and row.name == "all corruptions")
        or (
            row.name not in ("clean", "all corruptions")
            and fnmatchcase(row.name, drop.corruption)
        )
    ]
    if drop.corruption == "mean" and not wanted:
        # Of a single corruption the mean is itself.
        wanted = [row for row in found.rows if row.name != "clean"]
    if not wanted:
        yield Check(
            _drop_name(drop, metric),
            "error",
            f"Both runs have no cells with {drop.corruption!r}.",
        )
    for row in wanted:
        gain = row.gain if sign > 0 else _negated(row.gain)
        best = gain.high if drop.sure else gain.value
        number = Number(row.gain, named.digits, signed=True)
        interval = f" ({number.interval})" if number.interval else ""
        yield Check(
            f"{_drop_name(drop, metric)} {row.name}",
            "error"
            if math.isnan(best)
            else "failed"
            if best < -drop.points
            else "passed",
            f"{number}{unit}{interval} against {found.first} on {found.clips} clips;"
            f" asked: no drop of more than {drop.points:g}"
            f"{' for sure' if drop.sure else ''}.",
        )


def _negated(estimate: Estimate) -> Estimate:
    return Estimate(-estimate.value, -estimate.high, -estimate.low)


def _drop_name(drop: Drop, metric: str) -> str:
    return drop.name or f"{metric} against {drop.baseline}"


def _words(bound: Threshold) -> str:
    return (
        f"dataset {bound.dataset!r}, model {bound.model!r},"
        f" adaptation {bound.adaptation!r}, corruption {bound.corruption!r}"
        f"{_severities(bound)}"
    )


def _severities(bound: Threshold) -> str:
    return "".join(f" s{s}" for s in bound.severities)


def junit(checks: list[Check], folder: Path) -> bytes:
    """Return the checks as a JUnit file, which CI systems show."""
    failures = sum(check.outcome == "failed" for check in checks)
    errors = sum(check.outcome == "error" for check in checks)
    counts = {
        "tests": str(len(checks)),
        "failures": str(failures),
        "errors": str(errors),
    }
    root = ElementTree.Element("testsuites", {"name": "avplug gate", **counts})
    suite = ElementTree.SubElement(root, "testsuite", {"name": _xml(folder), **counts})
    for check in checks:
        case = ElementTree.SubElement(
            suite, "testcase", {"classname": "avplug.gate", "name": _xml(check.name)}
        )
        if check.outcome == "passed":
            ElementTree.SubElement(case, "system-out").text = _xml(check.message)
        else:
            tag = "failure" if check.outcome == "failed" else "error"
            ElementTree.SubElement(case, tag, {"message": _xml(check.message)})
    ElementTree.indent(root)
    text: bytes = ElementTree.tostring(root, "utf-8", xml_declaration=True)
    return text + b"\n"


def _xml(text: object) -> str:
    """Return text that XML can hold: it has no place for most control characters."""
    return "".join(
        c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(text)
    )
