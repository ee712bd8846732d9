"""Runs the worker, with a limit of time on each of its answers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from queue import Empty, Queue
from threading import Thread
from typing import IO, Any

from avplug.core import crashes
from avplug.core.limits import in_parts

#: Lines of stderr: the stack of a crash has at most 100 frames for each thread.
_KEPT = 1000


class WorkerHungError(Exception):
    """The worker gave no answer in time; it was killed."""


class WorkerDiedError(Exception):
    """The worker ended before its job; the message says how."""


def answers(job: Mapping[str, Any], limit: float) -> Iterator[dict[str, Any]]:
    """Yield the worker's answers to a job as they come.

    Args:
        job: Plain values, see :mod:`avplug.testing.worker`.
        limit: Seconds that each answer may take.

    Raises:
        WorkerHungError: An answer took longer.
        WorkerDiedError: The worker ended without having done its job.
    """
    path = [os.path.abspath(p) if p else os.getcwd() for p in sys.path]
    process = subprocess.Popen(
        # -P: a file in the working folder must not pass for a module of avplug's.
        [
            *(sys.executable, "-P", "-m", "avplug.testing.worker"),
            json.dumps({**job, "path": path}),
        ],
        # Where it was if it crashes in compiled code.
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(path),
            "PYTHONFAULTHANDLER": "1",
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # So that what a plugin starts ends with it.
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    lines: Queue[str | None] = Queue()
    last: list[str] = []
    threads = [
        Thread(target=_forward, args=(process.stdout, lines), daemon=True),
        Thread(target=_keep_last, args=(process.stderr, last), daemon=True),
    ]
    for thread in threads:
        thread.start()
    try:
        done = False
        while True:
            line = _next(lines, limit)
            if line is None:
                break
            answer = json.loads(line)
            done = done or "done" in answer or "report" in answer
            yield answer
        if not done:
            code = process.wait()
            threads[1].join(timeout=1)
            raise WorkerDiedError(f"it ended the process ({_how(code, last)}")
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for thread in threads:
            thread.join(timeout=1)
        process.stdout.close()
        process.stderr.close()


def _next(lines: Queue[str | None], limit: float) -> str | None:
    for part in in_parts(limit):
        with suppress(Empty):
            return lines.get(timeout=part)
    raise WorkerHungError(f"no answer within {limit:g} s")


def _how(code: int, last: Sequence[str]) -> str:
    """Return how a process ended, and what it wrote last or where it crashed."""
    stack = crashes.frames("".join(last))
    if code < 0 and stack:
        return f"{signal.Signals(-code).name} {crashes.place(stack)})."
    text = " ".join("".join(last[-3:]).split())
    return f"exit code {code}). {text}"


def _forward(stream: IO[str], lines: Queue[str | None]) -> None:
    for line in stream:
        lines.put(line)
    lines.put(None)


def _keep_last(stream: IO[str], kept: list[str]) -> None:
    for line in stream:
        kept.append(line)
        del kept[:-_KEPT]
