"""``avplug check``: what it says of how it was called."""

from pathlib import Path

import pytest

from avplug.scaffold.naming import Names
from avplug.scaffold.writing import one_file

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


@pytest.mark.parametrize("words", [("--limit", "-1"), ("--seed", "-1")])
def test_numbers_that_cannot_be(avplug, file, words):
    result = avplug("check", file, *words)
    assert result.exit_code == 2
    assert "is not in the range" in result.stderr


def test_words_that_no_check_has(avplug, file):
    result = avplug("check", file, "-k", "nosuch")
    assert result.exit_code == 2
    assert "No check has all the words 'nosuch'." in result.stderr


def test_an_option_that_a_component_lacks_is_refused_once(avplug, tmp_path):
    ((name, text),) = one_file("adaptation", Names("walk")).items()
    path = tmp_path / name
    path.write_text(text)
    result = avplug("check", str(path), "-k", "adaptation", "-o", "walk.rl=1")
    assert result.exit_code == 2
    assert "Adaptation 'walk' has no option 'rl'. Did you mean 'lr'?" in result.stderr
    assert "fail" not in result.stdout


def test_a_file_in_the_working_folder_is_no_module_of_avplugs(
    avplug, file, monkeypatch
):
    path = Path(file)
    path.write_text(METRIC + "class Share:\n    pass\n")
    for name in ("avplug", "json"):
        path.with_name(f"{name}.py").write_text("raise SystemExit('a stray file')\n")
    monkeypatch.chdir(path.parent)
    result = avplug("check", file, "-k", "static/loads")
    assert result.exit_code == 0, result.stdout
