"""Other clips than those that are scored: labelled shots, and clean source data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from avplug.bench.config import RunConfig
from avplug.bench.prepare import open_dataset
from avplug.core.clip import ClipRef
from avplug.core.dataset import Dataset
from avplug.core.errors import DatasetError, UsageError
from avplug.core.randomness import KeyedRandom
from avplug.core.registry import Registry

#: What source data is drawn from.
TRAINING = "train"


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Another split of the run's data set, or why it cannot be opened."""

    name: str
    dataset: Dataset | None
    fingerprint: str = ""
    problem: str = ""

    @property
    def identity(self) -> dict[str, str]:
        """What belongs to the identity of a cell that uses the whole split."""
        return {"split": self.name, "fingerprint": self.fingerprint}


def open_split(registry: Registry, config: RunConfig, name: str) -> Split:
    """Open another split of the configured data set; none is no error here."""
    try:
        wanted = replace(config, split=name, limit=None)
        dataset = open_dataset(registry, wanted)[1]
    except UsageError as error:
        return Split(name, None, problem=error.message)
    return Split(name, dataset, dataset.fingerprint())


def draw_shots(dataset: Dataset, count: int, seed: int) -> tuple[ClipRef, ...]:
    """Return so many clips of each class, drawn by the seed.

    A clip of several labels counts for its first.

    Raises:
        DatasetError: A class has fewer clips.
    """
    clips: Sequence[ClipRef] = dataset.clips
    drawn: dict[int, list[ClipRef]] = {i: [] for i in range(len(dataset.labels))}
    for i in KeyedRandom((seed, "shots")).permutation(len(clips)):
        group = drawn[clips[i].labels[0]] if clips[i].labels else []
        if len(group) < count:
            group.append(clips[i])
    for label, group in drawn.items():
        if len(group) < count:
            raise DatasetError(
                f"Class '{dataset.labels[label]}' has {len(group)} clips of the "
                f"{count} that are asked for.",
                "Ask for fewer with -o protocol.shots=N.",
            )
    return tuple(ref for group in drawn.values() for ref in group)
