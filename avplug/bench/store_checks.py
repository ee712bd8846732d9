"""Every byte of a store against its hash, and every cell against the plan's clips."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from avplug.bench.integrity import (
    DamageError,
    cell_id,
    read_environment,
    read_sealed,
)
from avplug.bench.locking import only_writer
from avplug.bench.store import Store, StoredCell


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is not as it should be.

    Args:
        path: Of the cell or file, below the store's folder.
        what: Is wrong with it.
    """

    path: str
    what: str


@dataclass(frozen=True, slots=True)
class Checked:
    """What was looked at, and what is wrong.

    Args:
        cells: How many were read whole.
        faults: All of them.
        leftovers: What writers that were killed left, or others are writing now; not
            wrong, and cleared by the next run.
    """

    cells: int
    faults: tuple[Fault, ...]
    leftovers: tuple[str, ...]


def check_store(store: Store) -> Checked:
    """Read everything and compare it; nothing is changed.

    Cells of earlier plans in the same folder are checked, too.
    """
    faults = list(_plan_faults(store))
    clips: dict[str, frozenset[str] | None] = {}
    for path in sorted((store.folder / "clips").glob("*.json")):
        try:
            clips[path.stem] = frozenset(read_sealed(path)["ids"])
        except (DamageError, KeyError, TypeError) as damage:
            faults.append(Fault(_below(store, path), str(damage)))
    count = 0
    for folder in sorted((store.folder / "cells").glob("[!.]*")):
        count += 1
        faults += [Fault(_below(store, folder), what) for what in _cell(folder, clips)]
    for path in sorted((store.folder / "environments").glob("*.json")):
        try:
            read_environment(store.folder, path.stem)
        except DamageError as damage:
            faults.append(Fault(_below(store, path), str(damage)))
    leftovers = tuple(_below(store, path) for path in sorted(store.temporaries()))
    return Checked(count, tuple(faults), leftovers)


def set_aside(store: Store, checked: Checked) -> list[Path]:
    """Move what is wrong into ``damaged``, to be made again by the same command.

    Returns:
        Where it is now.

    Raises:
        LockedError: Somebody writes to the folder.
        StorageError: It cannot be moved.
    """
    found: dict[str, str] = {}
    for fault in checked.faults:
        found.setdefault(fault.path, fault.what)
    with only_writer(store.folder):
        return [
            store.set_aside(store.folder / path, what)
            for path, what in found.items()
            if (store.folder / path).exists()
        ]


def _below(store: Store, path: Path) -> str:
    return str(path.relative_to(store.folder))


def _plan_faults(store: Store) -> Iterator[Fault]:
    path = store.folder / "run.json"
    try:
        rows = read_sealed(path)["cells"]
        ids = [row["id"] for row in rows]
        wrong = [row["id"] for row in rows if cell_id(row["cell"]) != row["id"]]
    except DamageError as damage:
        yield Fault("run.json", str(damage))
        return
    except (KeyError, TypeError):
        yield Fault("run.json", "run.json has no list of cells")
        return
    if len(set(ids)) < len(ids):
        yield Fault("run.json", "it plans a cell twice")
    for name in wrong:
        yield Fault("run.json", f"its cell {name} has another hash")


def _cell(folder: Path, clips: Mapping[str, frozenset[str] | None]) -> Iterator[str]:
    """Yield what is wrong with a cell; the first thing, if that hides the rest."""
    store = Store(folder.parents[1])
    try:
        stored = store.read(folder.name)
    except DamageError as damage:
        yield str(damage)
        return
    if stored is None:
        yield "it is no folder of a cell"
        return
    environment = stored.record.get("environment")
    if isinstance(environment, str):
        name = f"environments/{environment}.json"
        if not (store.folder / name).exists():
            yield f"{name}, which it names, is missing"
    try:
        yield from _answers(stored, clips)
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        yield f"it cannot be read: {type(error).__name__}: {error}"


def _answers(
    stored: StoredCell, clips: Mapping[str, frozenset[str] | None]
) -> Iterator[str]:
    everything, dataset = stored.predictions(), stored.cell["dataset"]
    count, classes = len(everything.ids), dataset["classes"]
    shapes = everything.logits.shape, everything.targets.shape
    if shapes != ((count, classes), (count, classes)):
        yield f"logits and targets are {shapes}, not {count} clips by {classes} classes"
        return
    if not np.isfinite(everything.logits).all():
        yield "logits are not finite"
    if stored.record["clips"]["evaluated"] != count:
        evaluated = stored.record["clips"]["evaluated"]
        yield f"it has predictions of {count} clips, and its record says {evaluated}"
    stored.maps()
    for part in stored.segments():
        where = "" if part.segment is None else f" in segment {part.segment}"
        ids = [str(name) for name in part.predictions().ids]
        failed = [row["id"] for row in part.record["failures"]]
        for fault in _membership(ids + failed, dataset, clips):
            yield f"{fault}{where}"


def _membership(
    ids: list[str],
    dataset: Mapping[str, Any],
    clips: Mapping[str, frozenset[str] | None],
) -> Iterator[str]:
    met = set(ids)
    if len(met) < len(ids):
        twice = next(name for name in ids if ids.count(name) > 1)
        yield f"clip {twice!r} is there twice"
    planned = clips.get(dataset["fingerprint"])
    if planned is None:
        if len(met) != dataset["clips"]:
            yield f"{len(met)} clips are answered or failed, of {dataset['clips']}"
        return
    for name in sorted(met - planned)[:1]:
        yield f"clip {name!r} is none of the plan's"
    for name in sorted(planned - met)[:1]:
        yield f"clip {name!r} of the plan is missing, of {len(planned - met)}"
