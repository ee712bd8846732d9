"""From outcomes of tasks to outcomes of cells: shards gathered and put together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from avplug.bench.energy import add as add_energy
from avplug.bench.evaluate import NoClipError, Outcome
from avplug.bench.probes import CollapseWatch
from avplug.bench.tasks import Task
from avplug.core.metric import Embeddings, Predictions


class Gathering:
    """Holds the shards of each cell until the last of them comes.

    Args:
        tasks: All that will come.
        batch_size: Of the run.
    """

    def __init__(self, tasks: Iterable[Task], batch_size: int) -> None:
        self._wanted = Counter(cell for task in tasks for cell in task.cells)
        self._batch_size = batch_size
        self._parts: dict[str, dict[int, Outcome | Exception]] = {}

    def take(
        self, task: Task, outcomes: Mapping[str, Outcome | Exception] | Exception
    ) -> Iterator[tuple[str, Outcome | Exception]]:
        """Yield the cells that are whole now, with what came of them.

        Args:
            task: That has ended.
            outcomes: Of its cells, or what the task raised.
        """
        begin = task.clips[0] if task.clips else 0
        for name in task.cells:
            parts = self._parts.setdefault(name, {})
            if isinstance(outcomes, Exception):
                parts[begin] = outcomes
            else:
                parts[begin] = outcomes[name]
            if len(parts) == self._wanted[name]:
                yield name, self._whole(self._parts.pop(name))

    def _whole(self, parts: Mapping[int, Outcome | Exception]) -> Outcome | Exception:
        shards = []
        for _, part in sorted(parts.items()):
            if isinstance(part, Exception):
                return part
            shards.append(part)
        merged = merge(shards, self._batch_size)
        if len(merged.predictions):
            return merged
        first, *rest = merged.record["failures"]
        return NoClipError(
            f"None of {len(rest) + 1} clips could be evaluated. The first, "
            f"'{first['id']}': {first['reason']}"
        )


def merge(parts: Sequence[Outcome], batch_size: int) -> Outcome:
    """Return a cell's outcome from those of its shards, in the order of their clips.

    Predictions are those of the whole cell. Seconds and joules add up; memory is
    the most that one took, the environment that of the first.
    """
    if len(parts) == 1:
        return parts[0]
    predictions = Predictions(
        np.concatenate([part.predictions.ids for part in parts]),
        np.concatenate([part.predictions.logits for part in parts]),
        np.concatenate([part.predictions.targets for part in parts]),
        parts[0].predictions.outputs,
        embeddings=_joined(parts),
    )
    watch = CollapseWatch()
    for begin in range(0, len(predictions), batch_size):
        watch.see(predictions.logits[begin : begin + batch_size])
    records = [part.record for part in parts]
    record = {
        **records[0],
        "clips": _sum([r["clips"] for r in records]),
        "adapted": sum(r["adapted"] for r in records),
        "failures": sorted(
            (row for r in records for row in r["failures"]), key=lambda row: row["id"]
        ),
        "seconds": _sum([r["seconds"] for r in records]),
        "memory": max((r["memory"] for r in records), key=lambda m: m["bytes"]),
        "energy": add_energy([r["energy"] for r in records]),
        "collapse": watch.facts(),
        "shards": len(parts),
    }
    retries = {k: v for r in records for k, v in r.get("retries", {}).items()}
    if retries:
        record["retries"] = retries
    return Outcome(predictions, record, None, None)


def _joined(parts: Sequence[Outcome]) -> Embeddings | None:
    # A shard none of whose clips could be read has none.
    found = [e for part in parts if (e := part.predictions.embeddings) is not None]
    if not found:
        return None
    return Embeddings(
        np.concatenate([vectors.audio for vectors in found]),
        np.concatenate([vectors.video for vectors in found]),
    )


def _sum(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    keys = {key: None for row in rows for key in row}
    return {key: sum(row.get(key, 0) for row in rows) for key in keys}
