"""What an executor costs beside the work: its start, and each task.

Tasks do nothing and return what a cell of 1,000 clips of AudioSet does, 2 MB of logits.
The cost of a task is the time between the first outcome and the last over the number
of tasks between; the start is the time to the first. Both stand beside a cell of so
many clips of ``events``, evaluated in this process by a network of no size to speak
of: the shortest cell that there is.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

CLIPS, CLASSES = 1000, 527
#: Clips that are evaluated, to be scaled to ``CLIPS``.
SAMPLE = 96


class Nothing:
    """Work that is only its outcome."""

    device = "cpu"

    def __call__(self, task: int, tick: Callable[[int], None]) -> NDArray[np.float32]:
        """Return logits."""
        return np.zeros((CLIPS, CLASSES), np.float32)


def measure(executor: Any, tasks: int) -> tuple[float, float]:
    """Return the seconds to the first outcome, and those of each further one."""
    begin = time.perf_counter()
    outcomes = executor.run(range(tasks), Nothing(), lambda task, count: None)
    next(outcomes)
    first = time.perf_counter()
    count = sum(1 for _ in outcomes)
    return first - begin, (time.perf_counter() - first) / count


def cell_seconds(folder: Path) -> float:
    """Return what a cell takes in this process."""
    import torch

    from avplug.bench.config import RunConfig
    from avplug.bench.evaluate import evaluate
    from avplug.bench.feed import Feed
    from avplug.bench.planning import make_plan
    from avplug.builtin_datasets.events.classes import CLASSES as KINDS
    from avplug.builtin_models.cavmae import CAVMAE
    from avplug.core.registry import get_registry
    from avplug.core.weights import save_checkpoint

    torch.manual_seed(0)
    size = {"image_size": 32, "target_length": 64}
    labels = tuple(kind.name for kind in KINDS)
    model = CAVMAE(labels, **size, width=16, depth=1, heads=2)
    path = folder / "toy.safetensors"
    save_checkpoint(path, model, {"model": "cav-mae", "dataset": "events"})
    config = RunConfig(
        weights=(str(path),),
        corruptions=("gaussian",),
        severities=(5,),
        limit=SAMPLE,
        device="cpu",
    )
    plan = make_plan(config, get_registry())
    feed = Feed(plan)
    seconds = []
    # The first pass decodes.
    for _ in range(3):
        begin = time.perf_counter()
        evaluate(plan.cells[-1], plan, feed, lambda count: None)
        seconds.append(time.perf_counter() - begin)
    return min(seconds) * CLIPS / SAMPLE


def executors(folder: Path) -> dict[str, Any]:
    """Return the executors, each with one worker."""
    from avplug.bench.executors.in_process import InProcess
    from avplug.bench.executors.local import Local
    from avplug.bench.executors.ray_cluster import RayCluster
    from avplug.bench.executors.slurm import Slurm

    return {
        "in-process": InProcess(),
        "local": Local(processes=1),
        "ray, a cluster of its own": RayCluster(cpus=2),
        "slurm, submitit's local processes": Slurm(
            cluster="local", jobs=1, folder=str(folder / "jobs")
        ),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tasks", type=int, default=100)
    tasks = parser.parse_args().tasks
    with tempfile.TemporaryDirectory() as name:
        cell = cell_seconds(Path(name))
        print(f"A cell of {CLIPS} clips: {cell:.2f} s\n")
        print("| executor | start, s | a task, ms | share of a cell |")
        print("|---|---|---|---|")
        for title, executor in executors(Path(name)).items():
            start, each = measure(executor, tasks)
            share = f"{100 * each / cell:.2f} %"
            row = f"| {title} | {start:.2f} | {1000 * each:.2f} | {share} |"
            print(row, flush=True)


if __name__ == "__main__":
    # Workers look the work up by the name of its module.
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    from benchmarks.executors import main as importable

    importable()
