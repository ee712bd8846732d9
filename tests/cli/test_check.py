"""``avplug check``: what it says of how it was called."""

import pytest

METRIC = """
from avplug import MetricSpec, hookimpl


@hookimpl
def avplug_metrics():
    return [MetricSpec("share", f"{__name__}:Share", "A share")]
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "share.py"
    path.write_text(METRIC)
    return str(path)


def test_options_of_nothing_that_was_checked_are_refused(avplug, file):
    words = ("check", file, "-k", "static/target", "-o")
    result = avplug(*words, "shar.top=5")
    assert result.exit_code == 2
    assert "for 'shar', which was not checked. Did you mean 'share'?" in result.stderr
    assert "Checked: share." in result.stderr
    # The file has no such class: a failed check, and no fault of the command.
    assert avplug(*words, "share.top=5").exit_code == 1


def test_words_that_no_check_has(avplug, file):
    result = avplug("check", file, "-k", "nosuch")
    assert result.exit_code == 2
    assert "No check has all the words 'nosuch'." in result.stderr
