"""Kill a run at random, its workers or the whole of it, until it has ended anyway.

::

    python benchmarks/soak.py --kills 200 --minutes 30
    python benchmarks/soak.py --executor ray --kills 50
    python benchmarks/soak.py --data-root FOLDER_OF_MP4S --kills 50

A run is done undisturbed, in one process. Then the same run is started on the executor,
and processes of its tree are killed with SIGKILL: a worker, or the process that was
started, which is then started again with the same command. If a run ends before all
kills are spent, another one is begun. At the end each must hold the predictions of the
undisturbed one, bit for bit, and each cell once. Exit code 1 says that one does not.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

#: Names of processes of Ray that are killed; its own servers are the cluster's.
_RAY_WORKER = "ray::"

#: So many times Ray may end by itself.
_COLLAPSES = 10


def main(arguments: Sequence[str] | None = None) -> int:
    """Soak, and return the exit code."""
    options = _options().parse_args(arguments)
    folder = Path(tempfile.mkdtemp(prefix="avplug-soak-"))
    try:
        soak = Soak(options, folder)
        soak.prepare()
        soak.kill_all()
        faults = soak.faults()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    spent = ", ".join(f"{n} of the {what}" for what, n in sorted(soak.kills.items()))
    print(
        f"{soak.kills.total()} kills ({spent}) in {soak.runs} runs of "
        f"{len(soak.whole)} cells, {soak.starts} starts, "
        f"{soak.collapses} collapses of Ray, "
        f"{soak.seconds():.0f} s: "
        + ("every run as an undisturbed one, bit for bit" if not faults else "FAULTS")
    )
    for fault in faults:
        print(f"  {fault}")
    return 1 if faults else 0


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=10, help="no kill after")
    parser.add_argument("--executor", choices=("local", "ray"), default="local")
    parser.add_argument("--data-root", help="folder of CLASS/CLIP.mp4; default: events")
    parser.add_argument("--limit", type=int, default=48, help="clips")
    parser.add_argument("--seed", type=int, default=0)
    return parser


class Soak:
    """Runs that are killed, one after the other.

    Args:
        options: Of the command line.
        folder: For everything that is written.
    """

    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self._options = options
        self._folder = folder
        self._draw = random.Random(options.seed)
        self._begin = time.monotonic()
        self._pause = 1.0
        self.kills: Counter[str] = Counter()
        self.runs = self.starts = self.collapses = 0
        self.whole: dict[str, str] = {}

    def seconds(self) -> float:
        """Return the time spent."""
        return time.monotonic() - self._begin

    def prepare(self) -> None:
        """Do the run that nobody disturbs."""
        self._weights()
        if self._start("whole", "in-process").wait():
            raise SystemExit(f"The undisturbed run failed: {self._said('whole')}")
        # Most kills come before the end of what was begun, and some after, also where
        # the machine was busy just now.
        self._pause = min(2.0, self.seconds() / 3)
        self.whole = digests(self._folder / "whole")

    def kill_all(self) -> None:
        """Spend the kills."""
        while self._more():
            self._run()

    def faults(self) -> list[str]:
        """Return in what the runs differ from the undisturbed one."""
        found = []
        for number in range(self.runs):
            folder = self._folder / f"run{number}"
            got = digests(folder)
            if got != self.whole:
                wrong = {
                    k for k in got.keys() & self.whole.keys() if got[k] != self.whole[k]
                }
                found.append(
                    f"{folder.name}: {len(self.whole.keys() - got.keys())} cells "
                    f"missing, {len(got.keys() - self.whole.keys())} too many, "
                    f"{len(wrong)} with other predictions"
                )
            if (folder / "damaged").exists():
                found.append(f"{folder.name}: a damaged cell")
            if left := [p.name for p in (folder / "cells").glob(".*")]:
                found.append(f"{folder.name}: left behind {left}")
        return found

    def _more(self) -> bool:
        late = self.seconds() > 60 * self._options.minutes
        return self.kills.total() < self._options.kills and not late

    def _run(self) -> None:
        """Do one run, disturbed as long as there are kills to spend."""
        name = f"run{self.runs}"
        self.runs += 1
        while True:
            driver = self._start(name, self._options.executor)
            self._disturb(driver)
            code = driver.wait()
            if code == 0:
                return
            if self.collapses == _COLLAPSES:
                raise SystemExit(f"Ray does not stay up: {self._said(name)}")
            if self._options.executor == "ray" and code == 1:
                # Where the machine is too busy, Ray takes its own node for dead, and
                # ends the process that started it: one crash more to go on from.
                self.collapses += 1
            elif code != -signal.SIGKILL:
                raise SystemExit(f"{name} ended with {code}: {self._said(name)}")

    def _disturb(self, driver: subprocess.Popen[bytes]) -> None:
        while self._more():
            try:
                driver.wait(self._draw.uniform(0.1, self._pause))
                return
            except subprocess.TimeoutExpired:
                pass
            workers = self._workers(driver.pid)
            # Now and then while it starts; most often a worker at work.
            hit = self._draw.random() < (0.15 if workers else 0.05)
            if hit and kill(driver.pid):
                self.kills["driver"] += 1
                return
            if workers and not hit and kill(self._draw.choice(workers)):
                self.kills["workers"] += 1

    def _workers(self, pid: int) -> list[int]:
        tree = list(descendants(pid))
        if self._options.executor != "ray":
            return tree
        return [each for each in tree if title(each).startswith(_RAY_WORKER)]

    def _start(self, name: str, executor: str) -> subprocess.Popen[bytes]:
        self.starts += 1
        options = self._options
        more = {"local": ["-j", "2"], "ray": ["--executor", "ray"]}.get(executor, [])
        if executor != "in-process":
            # A cell shall be given up only for what it does itself.
            more += ["-o", "executor.attempts=1000", "-o", "executor.shard=16"]
        if options.data_root:
            more += ["--dataset", "folder"]
            more += ["--data-root", str(self._folder / "clips.csv")]
            more += ["-o", f"dataset.classes={self._folder / 'classes.txt'}"]
        command = [
            *(sys.executable, "-m", "avplug", "run", "--no-report"),
            *("--weights", str(self._folder / "toy.safetensors")),
            *("--corruption", "gaussian,compression,rain", "--severity", "1,3,5"),
            *("--tta", "source,tent,av2c", "--limit", str(options.limit)),
            *("--device", "cpu", "--out", str(self._folder / name), *more),
        ]
        with (self._folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=log)

    def _said(self, name: str) -> str:
        return (self._folder / f"{name}.log").read_text(errors="replace")[-2000:]

    def _weights(self) -> None:
        """Save an untrained network: what it says matters less than that it stays."""
        import torch

        from avplug.builtin_datasets.events.classes import CLASSES
        from avplug.builtin_models.cavmae import CAVMAE
        from avplug.core.weights import save_checkpoint

        labels, dataset = tuple(kind.name for kind in CLASSES), "events"
        if self._options.data_root:
            labels, dataset = self._list_clips(), "folder"
        torch.manual_seed(7)
        size = {"image_size": 32, "target_length": 64}
        model = CAVMAE(labels, **size, width=16, depth=1, heads=2)
        about = {"model": "cav-mae", "dataset": dataset}
        save_checkpoint(self._folder / "toy.safetensors", model, about)

    def _list_clips(self) -> tuple[str, ...]:
        """Write the list of the folder's clips, and return the names of its classes."""
        clips = sorted(Path(self._options.data_root).resolve().glob("*/*.mp4"))
        rows = ["file,label", *(f"{path},{path.parent.name}" for path in clips)]
        (self._folder / "clips.csv").write_text("\n".join(rows) + "\n")
        labels = sorted({path.parent.name for path in clips})
        (self._folder / "classes.txt").write_text("\n".join(labels) + "\n")
        return tuple(labels)


def digests(folder: Path) -> dict[str, str]:
    """Return the hash of the predictions of each cell, without its packing."""
    import numpy as np

    found = {}
    for path in sorted((folder / "cells").glob("[!.]*/predictions.npz")):
        total = hashlib.sha256()
        with np.load(path, allow_pickle=False) as data:
            for name in data.files:
                array = data[name]
                total.update(f"{name} {array.dtype} {array.shape}\n".encode())
                total.update(array.tobytes())
        found[path.parent.name] = total.hexdigest()
    return found


def descendants(pid: int) -> Iterator[int]:
    """Yield the processes that a process started, and that those started."""
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return
    for child in map(int, text.split()):
        yield child
        yield from descendants(child)


def title(pid: int) -> str:
    """Return the command line of a process, "" where it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def kill(pid: int) -> bool:
    """Kill a process; returns whether it was there."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
