"""Numbers of trained networks under attack, with their spread over trainings."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from avplug.report.attacked import AttackedCell, AttackPanel
from avplug.report.labels import canonical
from avplug.report.table import plain


@dataclass(frozen=True, slots=True)
class Spread:
    """A number of each training, by its seed."""

    values: Mapping[int, float]

    @property
    def mean(self) -> float:
        """Over the trainings."""
        return statistics.fmean(self.values.values())

    def __str__(self) -> str:
        return self.shown()

    def shown(self, signed: bool = False, digits: int = 1) -> str:
        """Return the mean, with the standard deviation of several."""
        text = str(plain(self.mean, digits, signed))
        if len(self.values) < 2:
            return text
        return f"{text} ± {statistics.stdev(self.values.values()):.{digits}f}"


def spread(pairs: Iterable[tuple[int, float]]) -> Spread | None:
    """Return the mean for each seed of a training; None of nothing."""
    by_seed: dict[int, list[float]] = {}
    for seed, value in pairs:
        by_seed.setdefault(seed, []).append(value)
    means = {seed: statistics.fmean(values) for seed, values in by_seed.items()}
    return Spread(means) if means else None


def combined(parts: Sequence[Spread | None], factors: Sequence[float]) -> Spread | None:
    """Return a weighted sum, for the seeds that all parts have."""
    if any(part is None for part in parts):
        return None
    known = [part.values for part in parts if part is not None]
    seeds = [seed for seed in known[0] if all(seed in values for values in known)]
    sums = {
        seed: sum(f * values[seed] for f, values in zip(factors, known, strict=True))
        for seed in seeds
    }
    return Spread(sums) if sums else None


def mean_of(parts: Sequence[Spread | None]) -> Spread | None:
    """Return the mean of numbers, all of which must be there."""
    return combined(parts, [1 / len(parts)] * len(parts)) if parts else None


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """A table as a suite states it."""

    form: str
    title: str
    rows: Mapping[str, str]
    attacks: Sequence[str] = ()
    base: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """What the tables are made of.

    Args:
        panel: Attacked cells; those of trained networks on clean clips count.
        costs: Rows of :func:`avplug.bench.trained.training_costs`.
    """

    panel: AttackPanel
    costs: Sequence[Mapping[str, Any]] = ()
    cells: Sequence[AttackedCell] = field(init=False)

    def __post_init__(self) -> None:
        kept = [c for c in self.panel.cells if training_of(c) and not c.corruption]
        object.__setattr__(self, "cells", kept)

    def find(self, **wanted: Any) -> list[AttackedCell]:
        """Return the white-box cells of such a training, attack, senses, threat."""
        return [
            cell
            for cell in self.cells
            if not cell.about.get("surrogates")
            and all(_property(cell, key) == value for key, value in wanted.items())
        ]

    def clean(self, training: str) -> Spread | None:
        """Return the metric of a training's networks before any attack."""
        return spread(
            (seed_of(cell), float(cell.clean_value[0]))
            for cell in self.find(training=training)
            if cell.clean_value is not None
        )


def training_of(cell: AttackedCell) -> str:
    """Return the name of the training of the attacked network; "" if it has none."""
    model: dict[str, Any] = cell.stored.cell["model"]
    return str(model.get("training", {}).get("name", ""))


def seed_of(cell: AttackedCell) -> int:
    """Return the seed of the training of the attacked network."""
    return int(cell.stored.cell["model"]["training"]["seed"])


def values(cells: Iterable[AttackedCell]) -> Spread | None:
    """Return the metric of attacked cells."""
    return spread((seed_of(cell), float(cell.value[0])) for cell in cells)


def successes(cells: Iterable[AttackedCell]) -> Spread | None:
    """Return how many of the clips that were right are fooled, in percent."""
    counts = ((seed_of(cell), cell.success()) for cell in cells)
    return spread((s, 100 * c[0] / c[1]) for s, c in counts if c and c[1])


def _property(cell: AttackedCell, key: str) -> Any:
    match key:
        case "training":
            return training_of(cell)
        case "threat":
            return canonical(cell.about["threat"])
        case "attack":
            return cell.attack
    return getattr(cell, key)


def attacks_of(source: Source, layout: Layout) -> list[str]:
    """Return the labels of the attacks that a table is about."""
    met = dict.fromkeys(c.attack for c in source.cells)
    return [name for name in met if not layout.attacks or _named(name, layout.attacks)]


def _named(label: str, names: Sequence[str]) -> bool:
    return label.partition(" ")[0] in names


def threats_of(cells: Iterable[AttackedCell]) -> dict[str, AttackedCell]:
    """Return one cell for each threat model to all senses."""
    found: dict[str, AttackedCell] = {}
    for cell in cells:
        found.setdefault(canonical(cell.about["threat"]), cell)
    return found


def shown(found: Spread | None) -> str | None:
    """Return a number as tables print it."""
    return None if found is None else str(found)
