"""The plan of a run: its cells, and what was skipped and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from avplug.bench.attacking import AttackSetting
from avplug.bench.conditions import Condition
from avplug.bench.config import RunConfig
from avplug.bench.methods import Treatment
from avplug.bench.models import LoadedModel
from avplug.bench.protocols import Protocol
from avplug.core.clip import ClipRef
from avplug.core.dataset import Dataset
from avplug.core.registry import Entry


@dataclass(frozen=True, slots=True, eq=False)
class Cell:
    """One unit of work: data set x model x method x stream x attack x seed.

    Most streams have one segment, a corruption at a severity. ``identity`` holds every
    choice that changes its numbers; ``id`` is its hash.
    """

    id: str
    identity: Mapping[str, Any]
    model: LoadedModel
    treatment: Treatment
    segments: tuple[Condition, ...]
    seed: int
    attack: AttackSetting | None = None

    @property
    def method(self) -> Entry:
        """The adaptation method."""
        return self.treatment.method

    @property
    def protocol(self) -> Protocol:
        """How its clips become a stream."""
        return self.treatment.protocol

    @property
    def clean(self) -> bool:
        """Whether nothing is corrupted or attacked."""
        return self.attack is None and all(
            condition.clean for condition in self.segments
        )


@dataclass(frozen=True, slots=True)
class Skip:
    """Cells that cannot be, as a group, and the reason."""

    what: str
    cells: int
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """A run, ready to be executed."""

    config: RunConfig
    dataset: Dataset
    clips: tuple[ClipRef, ...]
    cells: tuple[Cell, ...]
    skips: tuple[Skip, ...]
    metrics: tuple[Entry, ...]

    def visits(self, cell: Cell) -> int:
        """Return how many times a clip is shown to the model in a cell."""
        treatment = cell.treatment
        answers = len(cell.segments) * len(self.clips)
        if not treatment.protocol.frozen:
            return answers
        shown = treatment.shots.get(cell.seed, self.clips)
        return treatment.protocol.passes * len(shown) + answers
