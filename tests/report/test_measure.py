"""A metric that breaks costs its own numbers, and the report says so."""

from __future__ import annotations

import numpy as np
import pytest
from typer.testing import CliRunner

from avplug.builtin_metrics.accuracy import TopOne
from avplug.cli.app import build_app
from avplug.core.errors import PluginError
from avplug.core.metric import Metric
from avplug.core.registry import get_registry
from avplug.report.export import scores_csv, scores_json
from avplug.report.html import page
from avplug.report.metrics import NamedMetric, find_metrics
from avplug.report.scores import score
from avplug.report.verdict import verdict
from tests.report.stores import TOP1, right


class Broken(Metric):
    """Raises where fewer than so many of 20 clips are right."""

    def __init__(self, least=21):
        self.least = least

    def compute(self, predictions, weights):
        found = TopOne().compute(predictions, weights)
        if TopOne().compute(predictions, np.ones((1, 20)))[0] < 5 * self.least:
            raise RuntimeError("no ruler")
        return found


class Misshapen(Metric):
    def compute(self, predictions, weights):
        return np.zeros(2)


def named(metric, name="ruler"):
    return NamedMetric(name, "ruler (%)", "any", metric)


@pytest.fixture
def two(maker):
    maker.add(right(20))
    maker.add(right(10), "gaussian", 5)
    return maker


def test_the_other_metrics_are_reported(two):
    scores = score(two.store, [named(Broken()), TOP1], 10)
    assert [panel.metric.name for panel in scores.panels] == ["top1"]
    assert scores.notes == (
        "ruler failed on 2 of 2 cells of events, which have no score. The first,"
        " cav-mae source clean seed 0: RuntimeError: no ruler",
    )
    assert "RuntimeError: no ruler" in page(scores)
    assert scores_json(scores)["notes"] == list(scores.notes)


def test_the_other_cells_keep_their_numbers(two):
    scores = score(two.store, [named(Broken(15))], 10)
    (panel,) = scores.panels
    clean, spoilt = (cell.point for cell in panel.cells)
    assert clean.estimate().value == 100
    assert np.isnan(spoilt.estimate().value)
    assert scores.notes == (
        "ruler failed on 1 of 2 cells of events, which have no score. The first,"
        " cav-mae source gaussian s5 seed 0: RuntimeError: no ruler",
    )
    assert verdict(panel).headline == (
        "cav-mae:tiny has no ruler at severity 5 (gaussian): it is undefined there, or"
        " the metric failed."
    )
    assert "NaN" not in page(scores) + scores_csv(scores)
    assert "nan" not in page(scores) + scores_csv(scores)


@pytest.mark.parametrize(
    ("metric", "words"),
    [
        (Broken(), "RuntimeError: no ruler"),
        (Misshapen(), "does not return one number for each row of weights"),
    ],
)
def test_where_nothing_is_left_the_metric_is_named(two, metric, words):
    with pytest.raises(PluginError, match="ruler failed on 2 of 2 cells") as error:
        score(two.store, [named(metric)], 5)
    assert words in error.value.message


def test_the_command_line_tells_without_a_traceback(two, monkeypatch):
    monkeypatch.setattr(TopOne, "compute", lambda *_: 1 / 0)
    folder = str(two.store.folder)
    result = CliRunner().invoke(build_app(), ["report", folder, "--resamples", "5"])
    assert result.exit_code == PluginError.exit_code
    assert "top1 failed on 2 of 2 cells of events" in result.stderr
    assert "ZeroDivisionError: division by zero" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_metric_that_cannot_be_made_is_named(monkeypatch):
    monkeypatch.setattr(TopOne, "__init__", lambda self: 1 / 0)
    with pytest.raises(PluginError, match=r"Metric 'avplug/top1' of .* cannot be made"):
        find_metrics(get_registry(), ["top1"])
