"""Stores that the tests of the report read."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from avplug.bench.store import Store
from tests.report.attacked import put_attacked
from tests.report.papers import network, sized
from tests.report.stores import StoreMaker, predictions, right


@pytest.fixture
def maker(tmp_path, monkeypatch):
    # Tests need no protection from a power cut, which is most of a write's time.
    monkeypatch.setattr("os.fsync", lambda handle: None)
    return StoreMaker(Store(tmp_path / "run"))


@pytest.fixture
def full(maker):
    """Two corruptions x three severities x source and tent, of 200 clips."""
    rng = np.random.default_rng(0)
    ease = rng.random(200)
    for tta, bonus in (("source", 0.0), ("tent", 0.06)):
        maker.add(predictions(ease < 0.9 - bonus), tta=tta)
        for corruption, slope in (("gaussian", 0.12), ("shot", 0.2)):
            for severity in (1, 3, 5):
                hits = ease < 0.9 - slope * severity * (1 - 3 * bonus)
                maker.add(predictions(hits), corruption, severity, tta=tta)
    return maker


@pytest.fixture
def attack(maker):
    """Return a function that stores an attacked cell with so many clips right."""
    return partial(put_attacked, maker)


@pytest.fixture
def under(maker, attack):
    """Return a function that stores a cell attacked within CVPR'21's budget."""
    maker.dataset = "ave"

    def add(count, senses, name="fgsm", model=None, about=None, **changes):
        about = {"threat": sized(), **(about or {})}
        model = model or network()
        return attack(count, senses, name, model=model, about=about, **changes)

    return add


@pytest.fixture
def ave(maker, under):
    """An undefended network, MinSim's and one of sound alone; two trainings each."""
    maker.run["trainings"] = [
        {"name": name, "seed": seed, "epochs": 6, "seconds": 1.0}
        for name in ("concat", "minsim", "audio")
        for seed in (0, 1)
    ]
    kinds = {
        "concat": (16, {"a": 8, "v": 6, "av": 2}, {}),
        "minsim": (14, {"a": 12, "v": 10, "av": 8}, {"defense": "minsim"}),
        "audio": (10, {"a": 0, "v": 10, "av": 0}, {"fusion": "audio"}),
    }
    for name, (clean, counts, changes) in kinds.items():
        for seed in (0, 1):
            model = network(name, seed, **changes)
            maker.add(right(clean + 2 * seed), model=model)
            for senses, count in counts.items():
                under(count + 2 * seed, senses, model=model)
    return maker
