"""Waiting in tests: with a bound that a stall of the whole machine does not use up.

A virtual machine that is paused, or one whose disk is overloaded, stops tests and what
they wait for alike, while all clocks go on: after it a deadline has passed and nothing
else has happened. So naps are counted, each as its own length however long it took.

A bound is there to end a test that would hang, never to measure: keep it generous, and
let a failure tell what was still so.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

#: Seconds between two looks.
NAP = 0.02

#: Seconds of naps that nothing in these tests needs on any machine, the start of a
#: process that imports PyTorch included.
BOUND = 120.0

#: Seconds for what cannot be waited for in naps, such as a call that has a timeout.
LONG = 300.0


def until(
    condition: Callable[[], Any],
    seconds: float = BOUND,
    pids: Sequence[int] = (),
) -> Any:
    """Return what a condition gives as soon as it is true.

    Args:
        condition: Asked between naps.
        seconds: Naps of so long altogether are taken at most.
        pids: Processes that a failure tells of.

    Raises:
        AssertionError: The condition did not become true.
    """
    begin = time.monotonic()
    for _ in range(math.ceil(seconds / NAP)):
        if value := condition():
            return value
        time.sleep(NAP)
    if value := condition():
        return value
    passed = time.monotonic() - begin
    lines = [f"still not so after {seconds:g} s of naps, which took {passed:.1f} s"]
    lines += [*machine(), *(line for pid in pids for line in process(pid))]
    raise AssertionError("\n".join(lines))


def gone(pids: Iterable[int], seconds: float = 60.0) -> None:
    """Wait until none of these processes is alive.

    Args:
        pids: Processes that do not end by themselves for much longer than that.
        seconds: Naps of so long altogether are taken at most.

    Raises:
        AssertionError: One of them stays; its state is told.
    """
    pids = list(pids)
    until(lambda: not any(map(alive, pids)), seconds, pids)


def alive(pid: int) -> bool:
    """Return whether a process is there, and not only its status for its parent."""
    stat = _read(Path(f"/proc/{pid}/stat"))
    return bool(stat) and stat.rpartition(")")[2].split()[0] not in "ZX"


def machine() -> list[str]:
    """Return what the kernel tells of how busy the machine is."""
    lines = [f"load: {_read(Path('/proc/loadavg'))}"]
    for path in sorted(Path("/proc/pressure").glob("*")):
        lines.append(f"pressure of {path.name}: {_read(path)}")
    return lines


def process(pid: int) -> list[str]:
    """Return what the kernel tells of a process: a line on it, its threads, its files.

    Where a thread waits in the kernel is ``wchan``, and 0 while it runs.
    """
    here = Path(f"/proc/{pid}")
    command = _read(here / "cmdline").replace("\0", " ")
    status = [line.partition(":") for line in _read(here / "status").splitlines()]
    fields = {key: value.strip() for key, _, value in status}
    if not fields:
        return [f"process {pid}: not there"]
    told = ("State", "PPid", "Threads", "SigPnd", "ShdPnd", "SigBlk", "SigIgn")
    what = ", ".join(f"{key} {fields.get(key, '?')}" for key in told)
    lines = [f"process {pid}: {what}: {command}"]
    for thread in _listed(here / "task"):
        state = _read(thread / "stat").rpartition(")")[2][:2].strip()
        where, call = _read(thread / "wchan"), _read(thread / "syscall")
        lines.append(f"  thread {thread.name}: {state}, wchan {where}, call {call}")
    for handle in _listed(here / "fd"):
        try:
            lines.append(f"  file {handle.name}: {os.readlink(handle)}")
        except OSError as error:
            lines.append(f"  file {handle.name}: {error.strerror}")
    return lines


def _read(path: Path) -> str:
    """Return a file of /proc; "" where the kernel does not tell."""
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir(), key=lambda path: int(path.name))
    except OSError:
        return []
