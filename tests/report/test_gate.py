"""Thresholds: what passes, what fails, what cannot be checked; the JUnit file."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from avplug.bench.store import Store
from avplug.core.errors import UsageError
from avplug.core.registry import get_registry
from avplug.report.gate import gate, junit
from avplug.report.thresholds import Thresholds, read_thresholds
from tests.report.stores import StoreMaker, right


def write(path, text):
    path.write_text(text)
    return read_thresholds(path)


def full(maker, counts):
    """Clean, rain and snow at severities 3 and 5, so many of 20 clips right."""
    keys = [(None, 0), ("rain", 3), ("rain", 5), ("snow", 3), ("snow", 5)]
    for (corruption, severity), count in zip(keys, counts, strict=True):
        maker.add(right(count), corruption, severity)
    return maker.store.folder


@pytest.fixture
def folder(tmp_path):
    return full(StoreMaker(Store(tmp_path / "run")), (20, 16, 12, 14, 8))


def outcomes(folder, thresholds, resamples=50):
    checks = gate(folder, thresholds, get_registry(), resamples)
    assert [check.name for check in checks[:2]] == ["complete", "whole data set"]
    return [(check.outcome, check.message) for check in checks[2:]]


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        ('corruption = "clean"', 100),
        ("", (16 + 12 + 14 + 8) / 4 * 5),
        ("severities = [5]", (12 + 8) / 2 * 5),
        ('corruption = "rain"', (16 + 12) / 2 * 5),
        ('corruption = "rain"\nseverities = [3]', 80),
    ],
)
def test_what_a_threshold_speaks_of(tmp_path, folder, keys, value):
    for side, lower, higher in (
        ("min", "passed", "failed"),
        ("max", "failed", "passed"),
    ):
        for bound, expected in ((value - 0.1, lower), (value + 0.1, higher)):
            asked = write(
                tmp_path / "t.toml", f"[[threshold]]\n{keys}\n{side} = {bound}"
            )
            ((outcome, message),) = outcomes(folder, asked)
            assert outcome == expected
            assert f"top1 {value:.1f}" in message


def test_each_corruption_that_a_pattern_fits(tmp_path, folder):
    asked = write(
        tmp_path / "t.toml",
        '[[threshold]]\ncorruption = "*"\nseverities = [5]\nmin = 50',
    )
    assert [outcome for outcome, _ in outcomes(folder, asked)] == ["passed", "failed"]
    asked = write(
        tmp_path / "t.toml", '[[threshold]]\ncorruption = "digital/rain"\nmin = 0'
    )
    assert len(outcomes(folder, asked)) == 1


def test_robustness_and_the_end_of_the_interval(tmp_path, folder):
    text = '[[threshold]]\ncorruption = "rain"\nquantity = "rho"\nmin = 0.69'
    assert outcomes(folder, write(tmp_path / "t.toml", text))[0][0] == "passed"
    text += '\nbound = "low"'
    outcome, message = outcomes(folder, write(tmp_path / "t.toml", text))[0]
    assert outcome == "failed"
    assert "rho 0.700 (0." in message
    assert "low end at least 0.69" in message


def test_without_resamples_an_end_is_undefined(tmp_path, folder):
    text = '[[threshold]]\nbound = "low"\nmin = 1'
    ((outcome, message),) = outcomes(folder, write(tmp_path / "t.toml", text), 0)
    assert outcome == "error"
    assert "undefined" in message


@pytest.mark.parametrize(
    "keys",
    ['model = "other"', 'adaptation = "tent"', 'corruption = "fog"', 'metric = "map"'],
)
def test_what_fits_nothing_is_an_error(tmp_path, folder, keys):
    text = f"[[threshold]]\n{keys}\nmin = 0"
    ((outcome, message),) = outcomes(folder, write(tmp_path / "t.toml", text))
    assert outcome == "error"
    assert "Nothing in the run fits" in message


def test_a_cell_that_is_not_finished(tmp_path, folder):
    maker = StoreMaker(Store(folder), Store(folder).run)
    maker.plan(maker.identity("wind", 5))
    asked = write(tmp_path / "t.toml", "[[threshold]]\nmin = 0")
    first = gate(folder, asked, get_registry(), 0)[0]
    assert (first.outcome, first.message) == (
        "failed",
        "5 of 6 planned cells are finished.",
    )
    asked = write(tmp_path / "t.toml", "unfinished = true\n[[threshold]]\nmin = 0")
    assert gate(folder, asked, get_registry(), 0)[0].outcome == "passed"


def test_a_limited_run_does_not_pass_unless_said(tmp_path):
    maker = StoreMaker(Store(tmp_path / "run"))
    data = {**maker.identity()["dataset"], "of": 600}
    maker.add(right(20), dataset=data)
    asked = write(tmp_path / "t.toml", '[[threshold]]\ncorruption = "clean"\nmin = 0')
    whole = gate(tmp_path / "run", asked, get_registry(), 0)[1]
    assert whole.outcome == "failed"
    assert whole.message == "20 of 600 clips of events were shown."
    asked = write(
        tmp_path / "t.toml",
        'limited = true\n[[threshold]]\ncorruption = "clean"\nmin = 0',
    )
    assert gate(tmp_path / "run", asked, get_registry(), 0)[1].outcome == "passed"


def test_a_drop_against_a_baseline(tmp_path, folder):
    full(StoreMaker(Store(tmp_path / "base")), (20, 18, 17, 19, 18))
    text = '[[drop]]\nbaseline = "base"\npoints = {}\nsure = {}'
    # 90 % have become 62.5: a drop of 27.5 points, its interval some 15 wide.
    for points, sure, expected in (
        (27.0, "false", "failed"),
        (28.0, "false", "passed"),
        (25.0, "true", "passed"),
        (5.0, "true", "failed"),
    ):
        asked = write(tmp_path / "t.toml", text.format(points, sure))
        ((outcome, message),) = outcomes(folder, asked, 300)
        assert outcome == expected
        assert "−27.5 points" in message
    text = '[[drop]]\nbaseline = "base"\ncorruption = "*"\npoints = 100'
    asked = write(tmp_path / "t.toml", text)
    assert [outcome for outcome, _ in outcomes(folder, asked)] == ["passed"] * 2


def test_a_baseline_that_is_not_there(tmp_path, folder):
    asked = write(tmp_path / "t.toml", '[[drop]]\nbaseline = "nowhere"')
    ((outcome, message),) = outcomes(folder, asked)
    assert outcome == "error"
    assert "nowhere" in message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "checks nothing"),
        ("[[threshold]]", "needs min or max"),
        ("[[threshold]]\nmin = 3\nmax = 2", "more than max"),
        ("[[threshold]]\nminimum = 3", "minimum is unknown. Did you mean 'min'?"),
        ("[[threshold]]\nmin = '3'", "expected a number"),
        ("[threshold]\nmin = 3", "write a list"),
        ("threshold = [3]", "threshold 1 is 3, not a table"),
        ("[[drop]]\npoints = -1", "drop 1: points is -1"),
    ],
)
def test_files_that_make_no_sense(tmp_path, text, said):
    with pytest.raises(UsageError) as caught:
        write(tmp_path / "t.toml", text)
    assert said in str(caught.value)
    assert "t.toml" in str(caught.value)


def test_the_junit_file(tmp_path, folder):
    asked = write(
        tmp_path / "t.toml",
        '[[threshold]]\nname = "<&\\u0007"\nmin = 50\n'
        "[[threshold]]\nmin = 90\n"
        '[[threshold]]\nmodel = "other"\nmin = 90',
    )
    root = ElementTree.fromstring(
        junit(gate(folder, asked, get_registry(), 50), folder)
    )
    suite = root[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == (
        "5",
        "1",
        "1",
    )
    assert [case[0].tag for case in suite] == [
        "system-out",
        "system-out",
        "system-out",
        "failure",
        "error",
    ]
    assert suite[2].get("name").startswith("<&\N{REPLACEMENT CHARACTER}: events")
    assert "asked: at least 90" in suite[3][0].get("message")


def test_thresholds_are_relative_to_their_file(tmp_path):
    found = write(tmp_path / "t.toml", "[[threshold]]\nmin = 1")
    assert isinstance(found, Thresholds)
    assert found.folder == tmp_path
