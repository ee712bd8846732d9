"""Cells written and read per second, against the least that keeps them: a synced file.

The bare write is ``np.savez`` of the same arrays into a new file, flushed and synced;
the bare read is ``np.load`` of it. The store also writes identity and record, hashes
all three, renames the folder into place, and syncs both folders. Rounds are
interleaved, so that a busy machine disturbs all alike; each figure is the best round's.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from avplug.bench.store import Store, cell_id
from avplug.bench.store_checks import check_store
from avplug.core.metric import Predictions

#: Clips and classes: a trial, VGGSound's test split, AudioSet's.
SIZES = {"trial": (100, 12), "VGGSound": (15_446, 309), "AudioSet": (16_742, 527)}

RECORD = {
    "clips": {"evaluated": 1, "failed": 0},
    "failures": [],
    "seconds": {"total": 1.0},
    "environment": {"avplug": "0"},
}


def arrays(clips: int, classes: int) -> Predictions:
    """Return predictions of a size, always the same."""
    draw = np.random.default_rng(0)
    return Predictions(
        np.array([f"clip-{i:08}" for i in range(clips)]),
        draw.standard_normal((clips, classes), np.float32),
        np.eye(classes, dtype=bool)[draw.integers(0, classes, clips)],
    )


def identity(number: int, clips: int, classes: int) -> dict[str, object]:
    """Return the identity of a cell, as short as may be."""
    return {
        "seed": number,
        "dataset": {"fingerprint": "0", "clips": clips, "classes": classes},
    }


def bare_write(folder: Path, number: int, what: Predictions) -> None:
    """Write the same arrays into one file, and sync it."""
    with (folder / f"{number}.npz").open("wb") as file:
        np.savez(file, ids=what.ids, logits=what.logits, targets=what.targets)
        file.flush()
        os.fsync(file.fileno())


def bare_read(folder: Path, number: int) -> None:
    """Read the arrays of such a file."""
    with np.load(folder / f"{number}.npz") as data:
        for name in data:
            data[name]


def timed(work: Callable[[int], object], count: int) -> float:
    """Return seconds that one call takes."""
    begin = time.perf_counter()
    for number in range(count):
        work(number)
    return (time.perf_counter() - begin) / count


def measure(folder: Path, size: tuple[int, int], rounds: int) -> dict[str, float]:
    """Return the least seconds of each kind of access to a cell."""
    what = arrays(*size)
    count = max(3, min(50, 2_000_000 // what.logits.size))
    best: dict[str, float] = {}
    for turn in range(rounds):
        here = folder / f"{size[0]}-{turn}"
        bare = here / "bare"
        bare.mkdir(parents=True)
        store = Store(here / "store")

        def write(number: int, store: Store = store) -> None:
            store.put(identity(number, *size), what, RECORD)

        def read(number: int, store: Store = store) -> None:
            stored = store.get(cell_id(identity(number, *size)))
            assert stored is not None
            stored.predictions()

        found = {
            "bare write": timed(lambda n, b=bare: bare_write(b, n, what), count),
            "write": timed(write, count),
            "bare read": timed(lambda n, b=bare: bare_read(b, n), count),
            "read": timed(read, count),
            "verify": timed(lambda _, s=store: check_store(s), 1) / count,
        }
        best = {k: min(v, best.get(k, v)) for k, v in found.items()}
    return best


def main() -> int:
    """Print cells per second and ratios; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", help="on the disk to measure; a temporary one else")
    options = parser.parse_args()
    print("| cell | write /s | x bare | read /s | x bare | verify /s |")
    print("|---|---|---|---|---|---|")
    for name, size in SIZES.items():
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            best = measure(Path(folder), size, options.rounds)
        print(
            f"| {name}, {size[0]} x {size[1]} | {1 / best['write']:.1f} "
            f"| {best['write'] / best['bare write']:.2f} | {1 / best['read']:.1f} "
            f"| {best['read'] / best['bare read']:.2f} | {1 / best['verify']:.1f} |"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
