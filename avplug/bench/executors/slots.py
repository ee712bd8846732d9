"""Where worker processes of one machine stand: which cores, which GPU."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field

#: Memory that a worker is counted with where their number is chosen, in bytes.
_WORKER = 2 << 30


@dataclass(frozen=True, slots=True)
class Slot:
    """The place of a worker.

    Args:
        cores: It runs on these alone; empty leaves it to the system.
        variables: Of its environment, besides the caller's.
    """

    cores: tuple[int, ...]
    variables: dict[str, str] = field(hash=False)


def slots(processes: int, device: str) -> list[Slot]:
    """Return the places of worker processes.

    Args:
        processes: How many; 0 for one on each GPU, or where there is none one on each
            core, as far as memory goes.
        device: Of the run. ``auto`` and ``cuda`` deal out the GPUs in turn; a device
            with a number is that of all workers.
    """
    gpus = _gpus() if device in ("auto", "cuda") else []
    cores = _cores()
    count = processes or len(gpus) or max(1, min(len(cores), _memory() // _WORKER))
    threads = str(max(1, len(cores) // count))
    found = []
    for number in range(count):
        variables = {
            name: os.environ.get(name, threads)
            for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
        }
        if gpus:
            variables["CUDA_VISIBLE_DEVICES"] = gpus[number % len(gpus)]
        found.append(Slot(_share(cores, number, count), variables))
    return found


def _share(cores: Sequence[int], number: int, count: int) -> tuple[int, ...]:
    if count > len(cores):
        return ()
    begin, end = (len(cores) * n // count for n in (number, number + 1))
    return tuple(cores[begin:end])


def _cores() -> list[int]:
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def _gpus() -> list[str]:
    import torch

    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    count = torch.cuda.device_count()
    if visible is None:
        return [str(number) for number in range(count)]
    return [name.strip() for name in visible.split(",")][:count]


def _memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def default_memory(count: int) -> int:
    """Return the resident bytes at which each of ``count`` workers has leaked."""
    return int(0.8 * _memory() / max(1, count))
