"""Work for executors without models: what a task does is what it says."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from pathlib import Path


class Double:
    """Doubles a number; does as told by a pair of a word and a path."""

    device = "cpu"

    def __call__(self, task, tick):
        word, value = task
        if word == "double":
            tick(1)
            return 2 * value
        return getattr(self, f"_{word}")(value, tick)

    def _raise(self, value, tick):
        raise ValueError(value)

    def _raise_odd(self, value, tick):
        raise Odd(value, "more")

    def _where(self, value, tick):
        cores = sorted(os.sched_getaffinity(0))
        return os.getpid(), cores, os.environ["OMP_NUM_THREADS"]

    def _die(self, value, tick):
        os.kill(os.getpid(), signal.SIGKILL)

    def _crash(self, value, tick):
        ctypes.string_at(0)

    def _die_once(self, path, tick):
        if not Path(path).exists():
            Path(path).touch()
            tick(3)
            time.sleep(0.2)
            tick(1)
            time.sleep(0.2)
            os.kill(os.getpid(), signal.SIGKILL)
        tick(5)
        return "survived"

    def _fork_and_die(self, folder, tick):
        child = os.fork()
        if not child:
            (Path(folder) / str(os.getpid())).touch()
            time.sleep(600)
            os._exit(0)
        while not (Path(folder) / str(child)).exists():
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGKILL)

    def _print(self, value, tick):
        sys.stdout.write(value)

    def _sleep(self, folder, tick):
        (Path(folder) / str(os.getpid())).touch()
        time.sleep(600)


class Odd(Exception):
    """Cannot be made again from what it passes on."""

    def __init__(self, one, two):
        super().__init__(one)


class Unreadable:
    """A task that cannot be unpickled."""

    def __reduce__(self):
        return int, ("no number",)


class Stillborn(Double):
    """Cannot be unpickled."""

    def __reduce__(self):
        return sys.exit, (3,)
