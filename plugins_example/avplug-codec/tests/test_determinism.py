"""A clip comes out the same in every process, whatever lies in its memory.

Encoders are large programs in C, and one that reads what it never wrote answers alike
for as long as that happens to be alike. The C library of Linux fills memory that it
hands out with a byte of one's choice; elsewhere the processes are merely others.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from avplug_codec import avplug_corruptions

NAMES = [spec.name for spec in avplug_corruptions()]
#: What memory is filled with in each process.
FILLED = (37, 111, 222)


@pytest.fixture(scope="module")
def processes():
    """Return the digests of one process for each filling, all at once."""
    program = str(Path(__file__).with_name("digests.py"))
    started = [
        subprocess.Popen(
            [sys.executable, program],
            stdout=subprocess.PIPE,
            text=True,
            env={
                "PATH": os.defpath,
                "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
                "OMP_NUM_THREADS": "1",
                "MALLOC_PERTURB_": str(byte),
            },
        )
        for byte in FILLED
    ]
    answers = [process.communicate()[0] for process in started]
    assert [process.returncode for process in started] == [0] * len(FILLED)
    return [json.loads(answer) for answer in answers]


@pytest.mark.parametrize("name", [*NAMES, "carried"])
def test_a_clip_comes_out_the_same_in_every_process(name, processes):
    first, *others = (found[name] for found in processes)
    assert len(set(first.values())) == len(first) == 12
    for other in others:
        assert other == first
