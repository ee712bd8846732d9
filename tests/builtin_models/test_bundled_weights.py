"""The weights that come with the package: the file named, and what is said of it."""

import re

import pytest

from avplug.bench.config import RunConfig
from avplug.bench.metrics import scores
from avplug.bench.planning import make_plan
from avplug.bench.runner import run
from avplug.bench.store import Store
from avplug.core.registry import get_registry
from avplug.core.weights import locate, read_checkpoint

SPECS = [
    weights
    for entry in get_registry().entries("model")
    for weights in entry.spec.weights
    if weights.source.startswith("avplug:")
]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_the_file_is_the_one_that_is_meant_and_small(spec):
    path = locate(spec.source)
    checkpoint = read_checkpoint(path)
    assert checkpoint.sha256 == spec.sha256
    assert path.stat().st_size <= 4_000_000
    assert checkpoint.metadata["dataset"] == spec.dataset
    assert checkpoint.metadata["variant"] == spec.variant
    assert checkpoint.metadata["training"]["seed"] == 0


def test_the_stated_accuracy_is_measured(tmp_path):
    config = RunConfig(corruptions=("gaussian",), severities=(5,), out=str(tmp_path))
    plan = make_plan(config, get_registry())
    run(config, get_registry())
    clean, noisy = (
        scores(plan.metrics, cell.predictions())["top1"]
        for cell in Store(tmp_path).cells()
    )
    stated = float(re.match(r"[\d.]+", SPECS[0].claim)[0])
    # Another processor may round two of the 600 clips to the other side.
    assert clean == pytest.approx(stated, abs=0.4)
    assert noisy < clean - 10
