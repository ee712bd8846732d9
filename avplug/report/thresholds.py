"""What a run must reach, read from a TOML file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from avplug.bench.config_files import read_config
from avplug.bench.decode import decode
from avplug.core.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """A bound on a number of the run.

    Args:
        name: How the check is called; made of the rest if "".
        metric: Name; the run's first if "".
        dataset: Its label, with ``*`` and ``?``.
        model: The same.
        adaptation: The same; attacked cells are under other thresholds.
        corruption: ``"mean"`` of all, ``"clean"``, or names with ``*`` and ``?``, each
            of which must hold.
        severities: Whose mean is taken; all of the run if empty.
        quantity: The metric in percent, or alpha or rho as fractions.
        bound: The number itself, or the end of its 95 % interval that must hold.
        min: At least this.
        max: At most this.

    Raises:
        UsageError: It bounds nothing, or nothing can pass it.
    """

    name: str = ""
    metric: str = ""
    dataset: str = "*"
    model: str = "*"
    adaptation: str = "source"
    corruption: str = "mean"
    severities: tuple[int, ...] = ()
    quantity: Literal["value", "alpha", "rho"] = "value"
    bound: Literal["value", "low", "high"] = "value"
    min: float | None = None
    max: float | None = None

    def __post_init__(self) -> None:
        if self.min is None and self.max is None:
            raise UsageError("A threshold needs min or max.", "Such as: min = 60.0")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise UsageError(f"min is {self.min}, more than max, {self.max}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """How much worse than a baseline run it may be, paired by clip.

    Args:
        name: How the check is called; made of the rest if "".
        baseline: Folder of the run to compare with; relative to the file of thresholds.
        metric: Name; the run's first if "".
        method: ``model/adaptation`` in both, with ``*`` and ``?``; may be left out
            where there is one.
        corruption: ``"mean"`` of all, ``"clean"``, or names with ``*`` and ``?``, each
            of which must hold.
        points: The largest drop that passes.
        sure: Whether the whole interval of the drop must be beyond it to fail.

    Raises:
        UsageError: ``points`` is negative.
    """

    name: str = ""
    baseline: str = ""
    metric: str = ""
    method: str = ""
    corruption: str = "mean"
    points: float = 0.0
    sure: bool = True

    def __post_init__(self) -> None:
        if self.points < 0:
            raise UsageError(f"points is {self.points}; it is 0 or more.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """A file of thresholds.

    Args:
        threshold: Bounds.
        drop: Comparisons with baselines.
        limited: Whether a run of a part of the data set may pass.
        unfinished: Whether one that lacks planned cells may.
        folder: Where the file is; baselines are relative to it.
    """

    threshold: tuple[Threshold, ...] = ()
    drop: tuple[Drop, ...] = ()
    limited: bool = False
    unfinished: bool = False
    folder: Path = field(default_factory=Path)


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    threshold: tuple[Any, ...] = ()
    drop: tuple[Any, ...] = ()
    limited: bool = False
    unfinished: bool = False


def read_thresholds(path: Path) -> Thresholds:
    """Read a file of thresholds.

    Raises:
        UsageError: It is missing, malformed, has unknown keys, or checks nothing.
    """
    file = decode(_File, read_config(path), str(path))
    bounds = [
        _table(Threshold, table, f"{path}: threshold {number}")
        for number, table in enumerate(file.threshold, 1)
    ]
    drops = [
        _table(Drop, table, f"{path}: drop {number}")
        for number, table in enumerate(file.drop, 1)
    ]
    if not bounds and not drops:
        raise UsageError(
            f"{path} checks nothing.",
            "Write [[threshold]] with min or max, or [[drop]] with a baseline.",
        )
    return Thresholds(
        threshold=tuple(bounds),
        drop=tuple(drops),
        limited=file.limited,
        unfinished=file.unfinished,
        folder=path.parent,
    )


def _table(kind: Any, table: Any, origin: str) -> Any:
    if not isinstance(table, Mapping):
        raise UsageError(f"{origin} is {table!r}, not a table of keys and values.")
    try:
        return decode(kind, table, origin)
    except UsageError as error:
        if error.message.startswith(origin):
            raise
        raise UsageError(f"{origin}: {error.message}", error.hint) from error
