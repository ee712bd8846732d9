"""A run that is killed again and again ends as an undisturbed one does."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time

import pytest

from tests.bench.test_runner import equal, results
from tests.bench.toys import checkpoint

#: More for a soak: AVPLUG_KILLS=10 python -m pytest tests/bench/test_kill.py
KILLS = int(os.environ.get("AVPLUG_KILLS", "3"))


@pytest.mark.slow
def test_sigkill_at_random_moments_loses_nothing(tmp_path):
    weights = checkpoint(tmp_path)

    def command(name):
        return [
            *(sys.executable, "-m", "avplug", "run", "--no-report"),
            *("--weights", weights, "--corruption", "gaussian,compression"),
            *("--severity", "1,3,5", "--tta", "source,tent,av2c", "--limit", "96"),
            *("--device", "cpu", "--out", str(tmp_path / name)),
        ]

    begin = time.perf_counter()
    subprocess.run(command("whole"), check=True, capture_output=True)
    whole = time.perf_counter() - begin
    draw = random.Random(0)
    killed = 0
    for _ in range(5 * KILLS):
        if killed == KILLS:
            break
        process = subprocess.Popen(
            command("torn"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            process.wait(whole * draw.uniform(0.3, 0.9))
            # The machine has become quicker: sooner, and from the beginning.
            whole *= 0.6
            shutil.rmtree(tmp_path / "torn")
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            killed += process.wait() == -signal.SIGKILL
    assert killed, "no kill came before the end"
    subprocess.run(command("torn"), check=True, capture_output=True)
    undisturbed = results(tmp_path / "whole")
    assert len(undisturbed) == 21
    assert equal(undisturbed, results(tmp_path / "torn"))
    left = [p.name for p in (tmp_path / "torn" / "cells").iterdir()]
    assert sorted(left) == sorted(undisturbed)
