"""All corruptions make the same bits in any process, order and number of workers."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.builtin_corruptions.clips import PAIRS, SPECS
from tests.builtin_corruptions.output_hashes import SEVERITIES

REPOSITORY = Path(__file__).parents[2]


def fresh(hash_seed, *arguments):
    """Run Python in a new process, with its own order of sets and dictionaries."""
    environment = {**os.environ, "PYTHONHASHSEED": str(hash_seed)}
    environment.pop("AVPLUG_RECORDINGS", None)
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def hashes(hash_seed, *options):
    module = "tests.builtin_corruptions.output_hashes"
    return json.loads(fresh(hash_seed, "-m", module, *options))


@pytest.fixture(scope="module")
def expected():
    return hashes(1)


def test_every_corruption_is_hashed(expected):
    assert len(expected) == len(PAIRS) * len(SEVERITIES) * 2 * 2
    assert {key.split()[0] for key in expected} == set(SPECS)


@pytest.mark.parametrize("workers", [1, 2])
def test_fresh_processes_and_workers_make_the_same_bits(expected, workers):
    again = hashes(2 + workers, "--workers", str(workers), "--backwards")
    assert again == expected


def test_a_data_set_does_not_depend_on_its_workers(tmp_path):
    lines = []
    for workers in (1, 2):
        out = tmp_path / str(workers)
        fresh(
            workers,
            *("-m", "avplug", "build", "--out", str(out), "--workers", str(workers)),
            *("--limit", "2", "--severity", "4", "--size", "48"),
            *("--frame-format", "png", "--no-clean"),
        )
        lines.append((out / "manifest.jsonl").read_text().splitlines())
    assert lines[0] == lines[1]
    # Eleven files of two clips under fifteen corruptions, by their hashes.
    clips = [row for row in map(json.loads, lines[0]) if "clip" in row]
    assert len({sha for row in clips for sha, _ in row["files"].values()}) == 330


def test_another_processor_makes_the_same_bits(expected, monkeypatch):
    # As on an older machine: names of NumPy's features before and since 2.4. (Without
    # AVX2 OpenCV itself rounds some pixels of smoke and spatter otherwise.)
    features = "X86_V3 X86_V4 AVX512_ICL FMA3 AVX2 AVX512F AVX512_SKX"
    monkeypatch.setenv("NPY_DISABLE_CPU_FEATURES", features)
    monkeypatch.setenv("OPENCV_CPU_DISABLE", "AVX512-SKX")
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Nehalem")
    assert hashes(1) == expected
