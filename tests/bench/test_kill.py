"""A run that is killed again and again ends as an undisturbed one does."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest

from avplug.bench.runner import run
from avplug.core.registry import get_registry
from tests.bench.test_runner import equal, results
from tests.bench.toys import checkpoint, config

#: More for a soak: AVPLUG_KILLS=10 python -m pytest tests/bench/test_kill.py
KILLS = int(os.environ.get("AVPLUG_KILLS", "3"))


@pytest.mark.slow
def test_sigkill_at_random_moments_loses_nothing(tmp_path):
    changes = {"tta": ("source", "tent", "av2c"), "severities": (1, 3, 5)}
    undisturbed = run(
        config(tmp_path, out=str(tmp_path / "a"), **changes), get_registry()
    )
    command = [
        *(sys.executable, "-m", "avplug", "run", "--no-report"),
        *("--weights", checkpoint(tmp_path), "--corruption", "gaussian,compression"),
        *("--severity", "1,3,5", "--tta", "source,tent,av2c", "--limit", "24"),
        *("--device", "cpu", "--out", str(tmp_path / "b")),
    ]
    # The start-up is timed first, so that kills fall into the work as well.
    begin = time.perf_counter()
    subprocess.run([*command[:4], "--help"], check=True, capture_output=True)
    subprocess.run([sys.executable, "-c", "import torch"], check=True)
    start = time.perf_counter() - begin
    draw = random.Random(0)
    killed = 0
    for _ in range(KILLS):
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            process.wait(start * draw.uniform(0.5, 3))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            killed += process.wait() == -signal.SIGKILL
    assert killed, "no kill came before the end"
    subprocess.run(command, check=True, capture_output=True)
    assert equal(results(undisturbed.folder), results(tmp_path / "b"))
    left = [p.name for p in (tmp_path / "b" / "cells").iterdir()]
    assert sorted(left) == sorted(results(undisturbed.folder))
