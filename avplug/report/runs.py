"""Several runs read as one: their cells, plans, recordings and names together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

from avplug.bench.store import Store, StoredCell
from avplug.report.labels import canonical

#: Parts of ``run.json`` that are lists, and those that are mappings.
_LISTS = ("cells", "metrics", "skipped", "trainings")
_MAPPINGS = ("tasks", "missing", "groups", "failed")


class Runs:
    """What a report is computed from.

    A cell that several runs have finished counts once: the one of which fewest clips
    failed, the first of equals.

    Args:
        stores: One or more, read only.

    Raises:
        UsageError: A folder holds no run.
    """

    def __init__(self, stores: Sequence[Store]) -> None:
        self._runs = {store.folder: store.run for store in stores}
        self._stores = stores

    @property
    def run(self) -> dict[str, Any]:
        """The ``run.json``, of several the parts of all; ``labels`` if they agree.

        Settings that differ are a list of what there is.
        """
        runs = list(self._runs.values())
        if len(runs) == 1:
            return runs[0]
        finished = {cell.id for cell in self.cells()}
        merged: dict[str, Any] = {
            name: _union(run.get(name, ()) for run in runs) for name in _LISTS
        }
        for name in _MAPPINGS:
            merged[name] = {k: v for run in runs for k, v in run.get(name, {}).items()}
        merged["failed"] = {
            k: v for k, v in merged["failed"].items() if k not in finished
        }
        labels = runs[0].get("labels", [])
        same = all(run.get("labels", []) == labels for run in runs)
        merged["labels"] = labels if same else []
        merged["config"] = _settings([run.get("config") or {} for run in runs])
        commands = (str(run.get("command", "")) for run in runs)
        merged["command"] = "; ".join(filter(None, dict.fromkeys(commands)))
        merged["started"] = min(str(run.get("started", "")) for run in runs)
        return merged

    def cells(self) -> list[StoredCell]:
        """Return the finished cells, in the order of the plans."""
        return [min(same, key=_failed) for same in self._finished.values()]

    def groups(self, cells: Iterable[StoredCell]) -> dict[str, str]:
        """Return the recordings of the clips of some cells, as their runs name them.

        Clips of different data sets may have one name.
        """
        folders = {cell.folder.parents[1] for cell in cells}
        runs = (run for folder, run in self._runs.items() if folder in folders)
        return {clip: g for run in runs for clip, g in run.get("groups", {}).items()}

    def notes(self) -> list[str]:
        """Say what was merged, and what in it does not go together."""
        if len(self._stores) == 1:
            return []
        twice = [same for same in self._finished.values() if len(same) > 1]
        notes = [f"{len(self._stores)} runs in one report."]
        if twice:
            notes.append(
                f"{_cells(len(twice))} of several runs counted once: the one of which"
                " fewest clips failed, else the first run's."
            )
        apart = [cells for cells in twice if len({_hash(c) for c in cells}) > 1]
        if apart:
            notes.append(
                f"{_cells(len(apart))} of these have other predictions in another run,"
                " though the setting is the same: other hardware, other versions, or"
                " something that is not deterministic."
            )
        return notes + _mixed(self.cells())

    @cached_property
    def _finished(self) -> dict[str, list[StoredCell]]:
        """Finished cells by their ids, of each run that has them."""
        found: dict[str, list[StoredCell]] = {}
        for store in self._stores:
            for cell in store.cells():
                found.setdefault(cell.id, []).append(cell)
        return found


def _cells(count: int) -> str:
    return "1 cell" if count == 1 else f"{count} cells"


def _mixed(cells: Iterable[StoredCell]) -> list[str]:
    """Say if corruptions of one name have several profiles: means are over them."""
    about = [cell for part in cells for cell in part.segments()]
    corruptions = [c.cell["corruption"] for c in about if c.cell["corruption"]]
    profiles = sorted({str(c.get("profile", "paper")) for c in corruptions})
    if len(profiles) < 2:
        return []
    return [
        f"The runs have corruptions of the profiles {', '.join(profiles)}, which count"
        " as different corruptions: a mean is over those that a method has."
    ]


def _settings(configs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for key in dict.fromkeys(key for config in configs for key in config):
        values = [config[key] for config in configs if key in config]
        if all(isinstance(value, list) for value in values):
            merged[key] = _union(values)
        else:
            distinct = _union([values])
            merged[key] = distinct[0] if len(distinct) == 1 else distinct
    return merged


def _union(lists: Iterable[Iterable[Any]]) -> list[Any]:
    return list({canonical(item): item for part in lists for item in part}.values())


def _failed(cell: StoredCell) -> int:
    return int(cell.record["clips"]["failed"])


def _hash(cell: StoredCell) -> str:
    return str(cell.record["predictions_sha256"])
