"""Where a run stands: what is done, what failed, who is at work, how long it takes."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from avplug.bench.describing import describe_cell
from avplug.bench.integrity import DamageError
from avplug.bench.locking import current_writer
from avplug.bench.store import Store, StoredCell
from avplug.bench.writers import Writer

#: ``ended``: killed, and the next run takes its place; ``active``: at work, or on a
#: machine that cannot be asked from here.
WriterState = Literal["none", "active", "ended"]


@dataclass(frozen=True, slots=True)
class Trouble:
    """A cell that is not as it should be: its id, the cell in words, and the reason."""

    id: str
    cell: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How far a run is.

    Args:
        folder: Of its results.
        planned: Cells of its plan.
        done: Of these, finished ones.
        failed: Cells that raised in the last run.
        lacking_clips: Finished cells of which clips failed.
        skipped: What the plan leaves out, with the reason.
        damaged: Planned cells whose files are not as they were written.
        set_aside: Damaged cells that were found before.
        writer: Who writes now, or was killed while it did.
        writer_state: Which of these.
        cells_per_hour: Of the last run; None before it has finished a cell.
        seconds_left: At that pace; None if it is not known.
    """

    folder: str
    planned: int
    done: int
    failed: tuple[Trouble, ...]
    lacking_clips: tuple[Trouble, ...]
    skipped: list[dict[str, Any]]
    damaged: tuple[Trouble, ...]
    set_aside: int
    writer: Writer | None
    writer_state: WriterState
    cells_per_hour: float | None
    seconds_left: float | None

    @property
    def complete(self) -> bool:
        """Whether every planned cell is finished."""
        return self.done == self.planned

    def as_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {**asdict(self), "complete": self.complete}


def inspect_run(store: Store) -> Status:
    """Look at a store without changing it, while it is written or after.

    Records are checked against their hash; arrays are left to
    :func:`avplug.bench.store_checks.check_store`, which reads every byte.

    Raises:
        UsageError: The folder holds no run, or its plan is damaged.
    """
    run = store.run
    cells = {row["id"]: row["cell"] for row in run["cells"]}
    done: dict[str, StoredCell] = {}
    damaged: list[Trouble] = []
    for name, cell in cells.items():
        try:
            stored = store.read(name, arrays=False)
        except DamageError as damage:
            damaged.append(Trouble(name, describe_cell(cell), str(damage)))
            continue
        if stored:
            done[name] = stored
    failed = run.get("failed", {})
    writer = current_writer(store.folder)
    state: WriterState = "none"
    if writer:
        state = "ended" if writer.ended(Writer.here()) else "active"
    rest = [cell for name, cell in cells.items() if name not in done]
    begun = _moment(run.get("started"))
    until = dt.datetime.now(dt.UTC) if state == "active" else None
    rate, left = _pace(list(done.values()), rest, begun, until)
    aside = store.folder / "damaged"
    return Status(
        folder=str(store.folder),
        planned=len(cells),
        done=len(done),
        failed=tuple(
            Trouble(name, describe_cell(cell), failed[name])
            for name, cell in cells.items()
            if name in failed and name not in done
        ),
        lacking_clips=tuple(
            Trouble(cell.id, describe_cell(cell.cell), _lack(cell))
            for cell in done.values()
            if _lack(cell)
        ),
        skipped=list(run.get("skipped", [])),
        damaged=tuple(damaged),
        set_aside=sum(1 for _ in aside.iterdir()) if aside.is_dir() else 0,
        writer=writer,
        writer_state=state,
        cells_per_hour=rate,
        seconds_left=left,
    )


def _lack(cell: StoredCell) -> str:
    """Return how many clips of a cell failed, "" if none did."""
    clips = cell.record.get("clips", {})
    failed = clips.get("failed", 0)
    return f"{failed} of {failed + clips['evaluated']} clips failed" if failed else ""


def _pace(
    done: Sequence[StoredCell],
    rest: Sequence[Mapping[str, Any]],
    begun: dt.datetime | None,
    until: dt.datetime | None,
) -> tuple[float | None, float | None]:
    """Return cells an hour and the seconds that the rest takes.

    A cell is expected to take as long as others of its kind did. How many are in work
    at once shows in the last run: seconds of its cells by seconds that have passed.
    """
    if not rest:
        return None, 0.0
    ended = {cell.id: _moment(cell.record.get("finished")) for cell in done}
    recent = [c for c in done if begun and (end := ended[c.id]) and end >= begun]
    if not recent or begun is None:
        return None, None
    last = max(end for c in recent if (end := ended[c.id]))
    passed = max(((until or last) - begun).total_seconds(), 1.0)
    by_kind: dict[Any, list[float]] = defaultdict(list)
    for cell in done:
        by_kind[_kind(cell.cell)].append(_seconds(cell))
    usual = sum(map(_seconds, done)) / len(done)
    work = sum(
        sum(times) / len(times) if (times := by_kind.get(_kind(cell))) else usual
        for cell in rest
    )
    at_once = sum(map(_seconds, recent)) / passed
    left = work / at_once if at_once else None
    return 3600 * len(recent) / passed, left


def _kind(cell: Mapping[str, Any]) -> tuple[str, str, str, int]:
    attack = cell.get("attack") or {}
    return (
        str(cell["model"].get("name")),
        str(cell["adaptation"].get("name")),
        str(attack.get("name", "")),
        len(cell.get("stream", ())),
    )


def _seconds(cell: StoredCell) -> float:
    return float(cell.record.get("seconds", {}).get("total", 0.0))


def _moment(text: Any) -> dt.datetime | None:
    return dt.datetime.fromisoformat(text) if isinstance(text, str) else None
