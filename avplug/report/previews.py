"""Films of clips that flipped, clean and corrupted, made again from a run's settings.

A corruption depends on seed, name, clip and time alone, so what is played is what the
model got, with every frame instead of those that it sampled.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from avplug.core.clip import InputSpec
from avplug.core.errors import AvplugError, DatasetError
from avplug.core.registry import Registry
from avplug.report.flips import condition_of, mildest, most_often
from avplug.report.gallery import Player, Shelf
from avplug.report.labels import canonical
from avplug.report.outcomes import ClassNames, Outcomes
from avplug.report.panel import ScoredCell

if TYPE_CHECKING:
    from avplug.bench.conditions import Condition
    from avplug.bench.config import RunConfig
    from avplug.core.clip import ClipRef
    from avplug.core.dataset import Dataset

#: How many clips are shown where nobody says, of data that need not be read from disk.
USUAL = 3
#: Of the beginning of each clip.
_SECONDS = 4.0
#: Of clips that were corrupted at their own size, or by a run that does not tell.
_SIZE, _RATE = 224, 16_000

_log = logging.getLogger("avplug")


@dataclass(frozen=True, slots=True)
class Previews:
    """What can be played, and what is to be said of it."""

    shelves: tuple[Shelf, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class _Flip:
    """A clip to show, and the corrupted cell in which it is lost."""

    row: int
    cell: ScoredCell


def usual_count(run: dict[str, Any], registry: Registry) -> int:
    """Return how many clips are shown by default: none where data are on disk.

    Opening a data set may take minutes there, and a report is to be quick.
    """
    config = run.get("config") or {}
    known = {entry.spec.name: entry for entry in registry.entries("dataset")}
    entry = known.get(str(config.get("dataset")))
    if entry is None or config.get("data_root"):
        return 0
    return 0 if entry.spec.needs_root else USUAL  # type: ignore[attr-defined]


def make_previews(
    one: Outcomes,
    names: ClassNames,
    run: dict[str, Any],
    registry: Registry,
    count: int,
) -> Previews:
    """Return films of the clips that a method lost most often, each clean and spoilt.

    What goes wrong is told in the note: a report of numbers does not need the data.

    Args:
        one: What was lost.
        names: Of the classes.
        run: ``run.json``.
        registry: Where data set and corruptions are looked up.
        count: Clips at most.
    """
    chosen = _choose(one, count)
    if not chosen:
        return Previews()
    try:
        shelves = tuple(_shelves(one, names, run, registry, chosen))
    except AvplugError as error:
        return Previews(note=f"No clip can be played here. {error}")
    except Exception as error:
        # Data sets and corruptions are plugins.
        _log.debug("No previews could be made.", exc_info=True)
        what = f"{type(error).__name__}: {error}"
        return Previews(note=f"No clip can be played here. {what}")
    return Previews(shelves, _note(chosen))


def _choose(one: Outcomes, count: int) -> list[_Flip]:
    """Return clips that are lost most often, of unlike classes and corruptions."""
    lost = one.lost
    rows = most_often(lost)
    firsts = {int(one.labels[row]): row for row in reversed(rows)}
    rows.sort(key=lambda row: firsts[int(one.labels[row])] != row)
    shown: set[str] = set()
    flips = []
    for row in rows[:count]:
        cells = [one.cells[k] for k in np.flatnonzero(lost[:, row])]
        fresh = [c for c in cells if c.corruption and c.corruption.label not in shown]
        cell = mildest(fresh or cells)
        shown.add(cell.corruption.label if cell.corruption else "")
        flips.append(_Flip(row, cell))
    return flips


def _shelves(
    one: Outcomes,
    names: ClassNames,
    run: dict[str, Any],
    registry: Registry,
    chosen: Sequence[_Flip],
) -> Iterator[Shelf]:
    from avplug.bench.conditions import conditions
    from avplug.bench.config import from_data
    from avplug.bench.prepare import open_dataset

    config = from_data(run["config"], "run.json")
    _, dataset, clips = open_dataset(registry, config)
    fingerprint = chosen[0].cell.stored.cell["dataset"]["fingerprint"]
    if dataset.fingerprint(clips) != fingerprint:
        raise DatasetError(f"'{config.dataset}' has other clips than the run had.")
    references = {ref.id: ref for ref in clips}
    found = {_key(c.identity, c.severity): c for c in conditions(config, registry)}
    for number, flip in enumerate(chosen):
        stored = flip.cell.stored.cell
        condition = found.get(_key(stored["corruption"], flip.cell.severity))
        if condition is None:
            raise DatasetError(
                f"{condition_of(flip.cell)} is not the corruption that it was."
            )
        reference = references[str(one.ids[flip.row])]
        clean, spoilt = _films(flip, dataset, reference, condition, config)
        said = int(one.said[one.cells.index(flip.cell), flip.row])
        yield Shelf(
            f"{reference.id}: {names[int(one.labels[flip.row])]}",
            f"Taken for {names[said]} under {condition_of(flip.cell)}.",
            (
                Player("clean", f"flip-{number}-clean", *clean),
                Player(condition_of(flip.cell), f"flip-{number}-corrupted", *spoilt),
            ),
        )


def _films(
    flip: _Flip,
    dataset: Dataset,
    reference: ClipRef,
    condition: Condition,
    config: RunConfig,
) -> list[tuple[bytes, bytes]]:
    """Return film and poster of the clip, and of the clip under the condition."""
    from avplug.core.corruption import recordings_from
    from avplug.media.excerpt import excerpt
    from avplug.media.film import film

    clip = dataset.load(reference, _spec(flip.cell))
    with recordings_from(config.recordings):
        spoilt = condition.apply(clip, flip.cell.seed)
    return [film(excerpt(shown, _SECONDS)) for shown in (clip, spoilt)]


def _spec(cell: ScoredCell) -> InputSpec:
    """Return what the cell's model wants, with every frame and all the sound."""
    identity = cell.stored.cell
    wanted = identity["model"].get("input") or {}
    if identity.get("at") != "model-input":
        wanted = {}
    size, rate = wanted.get("size") or _SIZE, wanted.get("sample_rate") or _RATE
    return InputSpec(size, rate, 0.0, 0, (), "all", wanted.get("channels", "first"))


def _note(chosen: Sequence[_Flip]) -> str:
    spec = _spec(chosen[0].cell)
    return (
        f"The first {_SECONDS:g} seconds at {spec.size} pixels and"
        f" {spec.sample_rate / 1000:g} kHz, compressed for viewing: H.264 with 4:2:0"
        " colour softens pixel noise. The run corrupted frames and samples as they are."
    )


def _key(identity: Any, severity: int) -> tuple[str, int]:
    return canonical(identity), severity
