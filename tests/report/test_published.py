"""alpha and rho against the benchmark's main table."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np
import pytest

from avplug.report.statistics import absolute_robustness, relative_robustness

SHARED = Path(
    os.environ.get("AVPLUG_SHARED") or Path(__file__).resolve().parents[3] / "shared"
)
TABLE = SHARED / "facts" / "published_results.csv"
SOURCE = "AVRobustBench project page 2025-11 main table"

pytestmark = pytest.mark.skipif(
    not TABLE.is_file(), reason="published_results.csv is not here: set AVPLUG_SHARED"
)

ALPHA, RHO = "alpha_abs_robustness", "rho_rel_robustness"

#: Printed values that do not follow from the table's own means and drops.
MISPRINTED = {
    ("AudioSet-2C", "ImageBind", ALPHA): 0.9161,
    ("AudioSet-2C", "ImageBind", RHO): 0.5428,
    ("AudioSet-2C", "Wav2CLIP", ALPHA): 0.9860,
    ("VGGSound-2C", "AudioCLIP", RHO): 0.4160,
    ("Kinetics-2C", "UAVM", ALPHA): 0.6994,
}


@pytest.fixture(scope="module")
def rows():
    found = {}
    with TABLE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["source"] == SOURCE:
                key = (row["dataset"], row["model"], row["corruption"], row["metric"])
                found[key] = float(row["value"])
    return found


def computed(rows, dataset, model):
    metric = next(m for d, o, c, m in rows if (d, o, c) == (dataset, model, "clean"))
    value = np.array([rows[dataset, model, "mean15", metric]])
    clean = np.array([rows[dataset, model, "clean", metric]])
    return {
        ALPHA: absolute_robustness(value, clean)[0],
        RHO: relative_robustness(value, clean)[0],
    }


def test_main_table_follows_from_its_means(rows):
    pairs = sorted({key[:2] for key in rows})
    assert len(pairs) == 17
    for dataset, model in pairs:
        for name, value in computed(rows, dataset, model).items():
            expected = MISPRINTED.get((dataset, model, name))
            if expected is None:
                printed = rows[dataset, model, "mean15", name]
                # Printed to two decimals, some truncated.
                assert abs(value - printed) <= 0.01 / 2 + 1e-9, (dataset, model, name)
            else:
                assert value == pytest.approx(expected, abs=5e-5)
