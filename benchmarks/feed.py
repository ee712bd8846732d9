"""What a run costs beside its model: decoding, corrupting, feeding, keeping.

Every figure is a ratio, or both of its sides are of one run on one machine. A small
CAV-MAE looks at mp4s, so that the feed has little to hide behind.

``--clips`` names a folder of mp4s that the clips of the data set are taken from, in
turn, each decoded anew; without it, two are made. ``--quick`` is for trying it out.

What "run / model alone" compares: above the line all that a run does, from its plan to
its last cell on disk, without the start of Python; below it the model on tensors that
are all there, once for each cell, on one thread as in the run, the other cores idle.
So a run has its start (some 0.1 s) and what each cell costs (some 5 ms and five synced
files) to pay from its clips: ``--count`` gives cells more of them. The CPU of all
threads, over the number of cores, is what no run can be faster than; so is 1.

The model's milliseconds tell what the ratio is worth. Where they are more on the clock
than of CPU, others use the cores. And they depend on how often the allocator gives
memory back to the system, which is a matter of what came before in the process: set
MALLOC_MMAP_THRESHOLD_ and MALLOC_TRIM_THRESHOLD_ (glibc) to compare two versions.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch

from avplug.bench.clip_cache import ClipCache
from avplug.bench.clip_store import ClipStore, clip_key
from avplug.bench.config import RunConfig
from avplug.bench.evaluate import evaluate_group
from avplug.bench.feed import Feed
from avplug.bench.plan import Cell, Plan
from avplug.bench.planning import make_plan
from avplug.bench.runner import run
from avplug.bench.threads import operation_threads
from avplug.builtin_datasets.events.dataset import Events
from avplug.builtin_models.cavmae import CAVMAE
from avplug.core.clip import AS_IS, Clip
from avplug.core.registry import get_registry
from avplug.core.weights import save_checkpoint
from avplug.media.write import write_clip

SIZES: dict[str, Any] = {
    "image_size": 96,
    "target_length": 256,
    "width": 64,
    "depth": 2,
    "heads": 4,
}
LABELS = ("one", "two")
ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table."""

    what: str
    figure: str
    target: str = ""

    def text(self) -> str:
        """Return it as a row of Markdown."""
        return f"| {self.what} | {self.figure} | {self.target} |"


class Bench:
    """The data, the models and the folder that the measurements share.

    Args:
        folder: For everything that is written.
        videos: Folder of mp4s.
        clips: How many clips the data set has.
        severities: Of the fifteen corruptions.
    """

    def __init__(
        self, folder: Path, videos: Path, clips: int, severities: tuple[int, ...]
    ) -> None:
        self.folder = folder
        files = sorted(videos.glob("*.mp4"))
        if not files:
            raise SystemExit(f"There is no mp4 in {videos}.")
        rows = [
            f"{files[i % len(files)].resolve()},{LABELS[i % 2]},clip-{i}"
            for i in range(clips)
        ]
        table = "\n".join(["file,label,id", *rows])
        (folder / "clips.csv").write_text(table + "\n", encoding="utf-8")
        self.config = RunConfig(
            dataset="folder",
            data_root=str(folder),
            weights=(self._checkpoint(0),),
            severities=severities,
            device="cpu",
            workers=2,
        )
        self._outs = 0

    def _checkpoint(self, seed: int) -> str:
        torch.manual_seed(seed)
        path = self.folder / f"{seed}.safetensors"
        model = CAVMAE(LABELS, **SIZES)
        save_checkpoint(path, model, {"model": "cav-mae", "dataset": "folder"})
        return str(path)

    def with_models(self, count: int) -> RunConfig:
        """Return the run of so many models of the same size."""
        weights = tuple(self._checkpoint(seed) for seed in range(count))
        return replace(self.config, models=("cav-mae:tiny",) * count, weights=weights)

    def spent(self, config: RunConfig) -> Spent:
        """Return what a run takes, from its plan to its last cell on disk."""
        self._outs += 1
        out = str(self.folder / f"run-{self._outs}")
        return spent(lambda: run(replace(config, out=out), get_registry()))


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds on the clock, of all threads on the CPU, and of the model's thread."""

    wall: float
    cpu: float
    own: float

    def least(self) -> float:
        """Return the wall time below which no run with these multiples can be."""
        return max(1.0, self.cpu / len(os.sched_getaffinity(0)))

    def over(self, model: Spent, cells: int) -> Spent:
        """Return multiples of what a model takes for so many cells."""
        return Spent(
            self.wall / (cells * model.wall),
            self.cpu / (cells * model.cpu),
            self.own / (cells * model.own),
        )

    def text(self) -> str:
        """Return the three figures in words."""
        return (
            f"{self.wall:.2f} (CPU {self.cpu:.2f}, model's thread {self.own:.2f}, "
            f"at least {self.least():.2f})"
        )


def spent(work: Callable[[], Any]) -> Spent:
    """Return what it takes."""
    clocks = (time.perf_counter, time.process_time, time.thread_time)
    begin = [clock() for clock in clocks]
    work()
    return Spent(*(c() - b for c, b in zip(clocks, begin, strict=True)))


def seconds(work: Callable[[], Any]) -> float:
    """Return what it takes on the clock."""
    return spent(work).wall


def middle(found: Sequence[Spent]) -> Spent:
    """Return the medians."""
    return Spent(
        median(f.wall for f in found),
        median(f.cpu for f in found),
        median(f.own for f in found),
    )


def pure(plan: Plan, cell: Cell) -> Spent:
    """Return what a model takes on the tensors of a cell, that are all there."""
    model = cell.model.model
    batches = [group.batch for group in Feed(plan).stream(cell)]

    def once() -> None:
        with torch.no_grad(), operation_threads(0, model):
            for batch in batches:
                assert batch is not None
                model.classify(batch)

    once()
    return middle([spent(once) for _ in range(3)])


def against_model(bench: Bench) -> Iterator[Row]:
    """Compare runs, decoding included and not, with the model alone."""
    cache = str(bench.folder / "cache")
    config = replace(bench.config, clip_cache=cache)
    plan = make_plan(config, get_registry())
    cells = len(plan.cells)
    about = f"{cells} cells of {len(plan.clips)} mp4s"
    first = bench.spent(config).over(pure(plan, plan.cells[0]), cells)
    ratios: dict[int, list[Spent]] = {2: [], 1: [], 0: []}
    alone: list[Spent] = []
    for _ in range(ROUNDS):
        for workers, found in ratios.items():
            done = bench.spent(replace(config, workers=workers))
            # The machine's pace changes: each run has its own model time beside it.
            alone.append(pure(plan, plan.cells[0]))
            found.append(done.over(alone[-1], cells))
    figures = {workers: middle(found) for workers, found in ratios.items()}
    for workers, figure in figures.items():
        yield Row(
            f"run / model alone, {about}, {workers} workers, clips on disk",
            figure.text(),
            "1.10" if workers == 2 else "",
        )
    yield Row("the same, 2 workers, first run: decoding included", first.text())
    clip = 1e3 / len(plan.clips)
    model = middle(alone)
    yield Row(
        "model alone, a clip",
        f"{clip * model.wall:.1f} ms ({clip * model.cpu:.1f} ms of CPU)",
    )


def decoding(bench: Bench) -> Iterator[Row]:
    """Compare decoding once with decoding for each corruption, and with the disk."""
    config = replace(bench.config, workers=0)
    plan = make_plan(config, get_registry())
    cells, clips = plan.cells[:6], plan.clips[:8]
    model = plan.cells[0].model.model

    def evaluated(feeds: Sequence[Feed]) -> None:
        for cell, feed in zip(cells, feeds, strict=True):
            evaluate_group([cell], plan, feed, lambda count: None, clips)

    evaluated([Feed(plan)] * len(cells))
    feed = Feed(plan)
    once = seconds(lambda: evaluated([feed] * len(cells)))
    each = seconds(lambda: evaluated([Feed(plan) for _ in cells]))
    yield Row(f"decode for each of {len(cells)} cells / once", f"{each / once:.1f}")
    store = ClipStore(bench.folder / "cache", 10**9)
    ref = plan.clips[0]
    clip = ClipCache(plan.dataset, model.input, store=store).load(ref)
    key = clip_key(plan.dataset, "", ref, model.input)
    kept = sum(array.nbytes for array in (clip.frames, clip.audio) if array is not None)
    decode = median(
        seconds(lambda: plan.dataset.load(ref, model.input)) for _ in range(5)
    )
    read = median(seconds(lambda: store.get(key)) for _ in range(50))
    yield Row(
        f"decode a clip / read it from the clip cache ({kept / 1e3:.0f} kB, verified)",
        f"{1e3 * decode:.0f} ms / {1e3 * read:.2f} ms = {decode / read:.0f}",
    )


def sharing(bench: Bench) -> Iterator[Row]:
    """Compare models that share each corruption pass with models that do not."""
    cache = str(bench.folder / "cache")
    config = replace(bench.with_models(3), clip_cache=cache, workers=0)
    plan = make_plan(config, get_registry())
    groups: dict[Any, list[Cell]] = {}
    for cell in plan.cells:
        groups.setdefault(id(cell.segments[0]), []).append(cell)

    def evaluated(together: bool) -> None:
        feed = Feed(plan)
        for group in groups.values():
            for part in [group] if together else [[cell] for cell in group]:
                evaluate_group(part, plan, feed, lambda count: None)

    alone, shared = seconds(lambda: evaluated(False)), seconds(lambda: evaluated(True))
    yield Row(
        "3 models, a pass each / one pass shared, no workers", f"{alone / shared:.2f}"
    )


def peak(clips: int) -> None:
    """Evaluate a cell on rendered clips; print the peak MB before and after."""
    config = RunConfig(
        corruptions=("gaussian",),
        severities=(3,),
        workers=2,
        options={"dataset": {"clips": clips}},
    )
    plan = make_plan(config, get_registry())
    before = _resident()
    feed = Feed(plan)
    evaluate_group(plan.cells[1:], plan, feed, lambda count: None)
    print(f"{before:.0f} {_resident():.0f}")


def _resident() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def memory(counts: Sequence[int]) -> Iterator[Row]:
    """Compare the peak memory of small and large data sets, each in its process."""
    for count in counts:
        done = subprocess.run(
            [sys.executable, __file__, "--peak", str(count)],
            check=True,
            capture_output=True,
            text=True,
        )
        before, after = (int(word) for word in done.stdout.split())
        yield Row(
            f"peak memory, a cell of {count:,} clips (before the first: {before} MB)",
            f"{after} MB",
            "before + 1.1 GB of clips + 0.3",
        )


def make_videos(folder: Path) -> Path:
    """Write two mp4s of 10 s, 640 x 360 at 25 frames a second."""
    folder.mkdir()
    events = Events(clips=2)
    spec = replace(AS_IS, size=360)
    for ref in events.clips:
        write_clip(_long(events.load(ref, spec)), folder / f"{ref.id}.mp4")
    return folder


def _long(clip: Clip) -> Clip:
    assert clip.frames is not None
    assert clip.audio is not None
    frames = np.resize(clip.frames, (250, *clip.frames.shape[1:]))
    wide = np.pad(frames, ((0, 0), (0, 0), (140, 140), (0, 0)), mode="wrap")
    audio = np.resize(clip.audio, (1, 10 * clip.sample_rate))
    return Clip(clip.id, wide, np.arange(250) / 25, audio, clip.sample_rate, 10.0)


@contextmanager
def scratch() -> Iterator[Path]:
    """Yield a folder that goes away."""
    with tempfile.TemporaryDirectory(prefix="avplug-feed-") as name:
        yield Path(name)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=Path, help="folder of mp4s")
    parser.add_argument("--only", nargs="*", default=[], help="parts of the table")
    parser.add_argument("--quick", action="store_true", help="few clips and cells")
    parser.add_argument("--count", type=int, help="clips; 32, or 16 with --quick")
    parser.add_argument("--peak", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.peak:
        peak(given.peak)
        return
    with scratch() as folder:
        videos = given.clips or make_videos(folder / "videos")
        count = given.count or (16 if given.quick else 32)
        bench = Bench(folder, videos, count, (3,))
        parts: dict[str, Callable[[], Iterator[Row]]] = {
            "model": lambda: against_model(bench),
            "decode": lambda: decoding(bench),
            "share": lambda: sharing(bench),
            "memory": lambda: memory((100, 1000 if given.quick else 10_000)),
        }
        print("| what | figure | target |\n|---|---|---|")
        for name, rows in parts.items():
            if not given.only or name in given.only:
                for row in rows():
                    print(row.text(), flush=True)


if __name__ == "__main__":
    main()
