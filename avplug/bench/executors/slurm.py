"""Tasks as jobs of Slurm, submitted and watched by submitit.

Each job gets a share of the tasks, and leaves the outcome of each in a folder that all
machines see, where the process that started the run collects it: a job that meets its
time limit loses the task in hand alone. Its other tasks are submitted anew.
"""

from __future__ import annotations

import pickle
import shutil
import tempfile
import time
from collections import Counter, deque
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Any, Generic

import submitit

from avplug.bench.executors.far import perform
from avplug.bench.executors.heartbeat import beating, end_with
from avplug.bench.executors.local import lost
from avplug.core.errors import UsageError
from avplug.core.executor import Executor, Outcome, Task, Tell, Work
from avplug.core.files import write_atomic

#: Seconds without a sign of life of the run after which its jobs end.
_PATIENCE = 300.0

_PULSE = "alive"


class Slurm(Executor):
    """Runs tasks in jobs of Slurm.

    Args:
        partition: Of Slurm; "" for the default one.
        time: Of a job, in minutes.
        cpus: Cores of a job.
        gpus: GPUs of a job.
        memory_gb: Of a job; 0 for Slurm's default.
        jobs: At once, at most.
        sbatch: Other options of sbatch, such as ``{account = "x"}``.
        folder: For jobs' files; every machine must see it.
        cluster: ``slurm``, or ``local`` for processes of this machine, as a trial.
        attempts: So many jobs may be lost with a task.
        shard: Clips of a stateless cell that a task has at most; 0 keeps cells whole.

    Raises:
        ValueError: A number is out of range.
    """

    def __init__(
        self,
        partition: str = "",
        time: int = 60,
        cpus: int = 4,
        gpus: int = 0,
        memory_gb: float = 0,
        jobs: int = 4,
        sbatch: Mapping[str, Any] | None = None,
        folder: str = "avplug-jobs",
        cluster: str = "slurm",
        attempts: int = 3,
        shard: int = 0,
    ) -> None:
        super().__init__(shard)
        if min(time, cpus, jobs, attempts) < 1 or min(gpus, memory_gb) < 0:
            raise ValueError(
                "time, cpus, jobs and attempts must be at least 1, gpus and memory_gb "
                "not negative"
            )
        if cluster not in ("slurm", "local"):
            raise ValueError(f"cluster is {cluster!r}, neither 'slurm' nor 'local'")
        self._folder = Path(folder)
        self._cluster = cluster
        self._jobs = jobs
        self._attempts = attempts
        self._parameters = {
            "name": "avplug",
            "timeout_min": time,
            "cpus_per_task": cpus,
            "gpus_per_node": gpus,
            "mem_gb": memory_gb or None,
            "slurm_partition": partition or None,
            "slurm_additional_parameters": dict(sbatch) if sbatch else None,
        }

    def run(
        self, tasks: Sequence[Task], work: Work[Task, Outcome], tell: Tell
    ) -> Generator[tuple[Task, Outcome | Exception], None, None]:
        """Yield each task with its outcome, or with what it raised, as it ends.

        Raises:
            UsageError: Slurm is not there, or the device is a GPU and jobs have none.
        """
        if work.device.startswith("cuda") and not self._parameters["gpus_per_node"]:
            raise UsageError(
                f"The device is {work.device!r}, and jobs have no GPU.",
                "Give them one with -o executor.gpus=1.",
            )
        self._folder.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="run-", dir=self._folder)).resolve()
        queue = _Queue(folder, self._submitter(folder), tasks, self._attempts)
        with beating(folder / _PULSE):
            try:
                queue.prepare(pickle.dumps(work))
                while queue.busy():
                    queue.submit(self._jobs)
                    yield from queue.collect(tell)
                    time.sleep(0.2 if self._cluster == "local" else 2.0)
            finally:
                queue.cancel()
        if not queue.lost:
            # Else what jobs wrote says why.
            shutil.rmtree(folder)

    def _submitter(self, folder: Path) -> submitit.AutoExecutor:
        try:
            submitter = submitit.AutoExecutor(folder / "log", cluster=self._cluster)
        except RuntimeError as error:
            raise UsageError(
                f"Slurm cannot be used here: {error}",
                "Run this where sbatch and srun are, or choose another --executor.",
            ) from error
        submitter.update_parameters(**self._parameters)
        return submitter


class _Queue(Generic[Task]):
    """The tasks of a run, those that wait and those that jobs are at."""

    def __init__(
        self,
        folder: Path,
        submitter: submitit.AutoExecutor,
        tasks: Sequence[Task],
        attempts: int,
    ) -> None:
        self._folder = folder
        self._submitter = submitter
        self._tasks = list(tasks)
        self._waiting = deque(range(len(tasks)))
        self._jobs: dict[Any, list[int]] = {}
        self._deaths: Counter[int] = Counter()
        self._attempts = attempts
        self.lost = False

    def prepare(self, work: bytes) -> None:
        """Put down what jobs read."""
        write_atomic(self._folder / "work.pickle", work)

    def busy(self) -> bool:
        """Return whether a task is not done."""
        return bool(self._waiting or self._jobs)

    def submit(self, limit: int) -> None:
        """Share waiting tasks out among as many jobs as may be added."""
        free = limit - len(self._jobs)
        for number in range(min(free, len(self._waiting))):
            share = -(-len(self._waiting) // (free - number))
            numbers = [self._waiting.popleft() for _ in range(share)]
            tasks = [(n, self._tasks[n]) for n in numbers]
            job = self._submitter.submit(work_off, str(self._folder), tasks)
            self._jobs[job] = numbers

    def collect(self, tell: Tell) -> Generator[tuple[Task, Any], None, None]:
        """Yield what jobs have put down, and give up or repeat what was lost."""
        for job, numbers in list(self._jobs.items()):
            # First this: what a job puts down before it ends must be found below.
            over = job.done()
            for number in list(numbers):
                path = _path(self._folder, number)
                if path.exists():
                    outcome, clips = pickle.loads(path.read_bytes())
                    path.unlink()
                    numbers.remove(number)
                    yield from self._ended(number, outcome, clips, tell)
            if over:
                del self._jobs[job]
                yield from self._left(job, numbers, tell)

    def _left(
        self, job: Any, numbers: list[int], tell: Tell
    ) -> Generator[tuple[Task, Any], None, None]:
        # Of those that a job leaves it was at the first; no other has lost anything.
        for number in numbers[:1]:
            self._deaths[number] += 1
            if self._deaths[number] == self._attempts:
                self.lost = True
                fate = f"job {job.job_id}, see {self._folder / 'log'}"
                error = lost(self._deaths[number], fate)
                yield from self._ended(number, error, 0, tell)
                numbers = numbers[1:]
        self._waiting.extend(numbers)

    def _ended(
        self, number: int, outcome: Any, clips: int, tell: Tell
    ) -> Generator[tuple[Task, Any], None, None]:
        task = self._tasks[number]
        tell(task, 0)
        if clips:
            tell(task, clips)
        yield task, outcome

    def cancel(self) -> None:
        """Cancel what is under way."""
        for job in self._jobs:
            job.cancel(check=False)


def work_off(folder: str, tasks: Sequence[tuple[int, Any]]) -> None:
    """Do tasks in a job, and put each outcome down.

    Args:
        folder: Of the run's jobs.
        tasks: With their numbers.
    """
    here = Path(folder)
    end_with(here / _PULSE, _PATIENCE)
    work = (here / "work.pickle").read_bytes()
    for number, task in tasks:
        write_atomic(_path(here, number), pickle.dumps(perform(work, task)))


def _path(folder: Path, number: int) -> Path:
    return folder / f"outcome-{number}.pickle"
