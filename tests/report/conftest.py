"""Stores that the tests of the report read."""

from __future__ import annotations

import numpy as np
import pytest

from avplug.bench.store import Store
from tests.report.stores import StoreMaker, predictions


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
