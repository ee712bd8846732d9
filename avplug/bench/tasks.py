"""Tasks: what an executor hands out, formed from cells.

A task is a group of cells that can share one pass of corruption: cells without state
and attack whose clips are the same, up to the model. Any other cell is a task by
itself. Tasks of cells without state may be cut into shards, runs of clips, which
:mod:`avplug.bench.shards` puts together again; an adapted stream cannot be cut.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from avplug.bench.plan import Cell, Plan


@dataclass(frozen=True, slots=True)
class Task:
    """Cells to evaluate together, by id.

    Args:
        cells: Ids.
        clips: First and one past the last clip of the plan; None for all.
    """

    cells: tuple[str, ...]
    clips: tuple[int, int] | None = None

    def split(self) -> list[Task]:
        """Return a task for each cell."""
        return [replace(self, cells=(cell,)) for cell in self.cells]


def shareable(cell: Cell) -> bool:
    """Return whether a clip's prediction depends on that clip alone."""
    treatment = cell.treatment
    return not (
        treatment.adapter.stateful
        or cell.attack
        or treatment.source
        or cell.protocol.shots
        or cell.identity.get("probes")
    )


def form_tasks(plan: Plan, todo: Sequence[Cell], shard: int = 0) -> list[Task]:
    """Group cells into tasks, each where its first cell stands.

    Args:
        plan: The run.
        todo: Cells of it.
        shard: Clips of a shard; rounded up to whole batches, so that a clip meets
            the same neighbours as in a whole cell. 0 cuts nothing.
    """
    groups: dict[Any, list[Cell]] = {}
    for cell in todo:
        groups.setdefault(_key(cell), []).append(cell)
    tasks = []
    for cells in groups.values():
        task = Task(tuple(cell.id for cell in cells))
        whole = not shard or not shareable(cells[0])
        tasks += [task] if whole else _shards(task, plan, shard)
    return tasks


def _key(cell: Cell) -> Any:
    if not shareable(cell):
        return cell.id
    segments = tuple(id(condition) for condition in cell.segments)
    return segments, cell.seed, cell.model.model.input


def _shards(task: Task, plan: Plan, shard: int) -> list[Task]:
    size = plan.config.batch_size
    step = -(-shard // size) * size
    count = len(plan.clips)
    return [
        replace(task, clips=(begin, min(begin + step, count)))
        for begin in range(0, count, step)
    ]
