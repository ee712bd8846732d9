"""What goes, goes with a warning that names who uses it, the successor and the date."""

import warnings

import pytest

import avplug
from avplug.core import deprecation
from avplug.core.deprecation import Deprecation, PluginDeprecationWarning

HOOK = Deprecation("avplug_corruptions", "avplug_causes", "0.2", "2.0")
ARGUMENT = Deprecation(
    "avplug_cell_finished(event)", "avplug_cell_finished(cell)", "0.2", "2.0"
)
NAME = Deprecation(
    "avplug.Weather", "avplug.Corruption", "0.2", "2.0", "avplug:Corruption"
)


@pytest.fixture
def table(monkeypatch):
    table = {entry.what: entry for entry in (HOOK, ARGUMENT, NAME)}
    monkeypatch.setattr(deprecation, "DEPRECATIONS", table)
    monkeypatch.setattr(deprecation, "_told", set())
    return table


@pytest.mark.usefixtures("table")
def test_a_hook_names_the_distribution_once(dists):
    dists.add("avplug-fog")
    dists.add("avplug-mist", dists.FOG.replace('"fog"', '"mist"'))
    with pytest.warns(PluginDeprecationWarning) as caught:
        manager = dists.manager()
    assert [str(warning.message) for warning in caught] == [
        f"{name} 1.0 uses avplug_corruptions, deprecated since avplug 0.2 and removed "
        "in 2.0. Use avplug_causes."
        for name in ("avplug-fog", "avplug-mist")
    ]
    assert {record.state for record in manager.records} == {"ok"}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        dists.manager()


@pytest.mark.usefixtures("table")
def test_an_argument_is_told_to_those_who_name_it(dists):
    listening = (
        "import avplug\n@avplug.hookimpl\ndef avplug_cell_finished({}):\n    pass\n"
    )
    dists.add("avplug-log", listening.format("event"))
    dists.add("avplug-count", listening.format(""))
    with pytest.warns(PluginDeprecationWarning) as caught:
        manager = dists.manager()
    assert [str(warning.message) for warning in caught] == [
        "avplug-log 1.0 uses avplug_cell_finished(event), deprecated since avplug 0.2 "
        "and removed in 2.0. Use avplug_cell_finished(cell)."
    ]
    assert {record.state for record in manager.records} == {"ok"}


@pytest.mark.usefixtures("table")
def test_a_moved_name_still_answers():
    with pytest.warns(PluginDeprecationWarning, match=r"Use avplug\.Corruption") as one:
        assert avplug.Weather is avplug.Corruption
    assert one[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert avplug.Weather is avplug.Corruption


def test_what_never_was_is_no_name():
    with pytest.raises(AttributeError, match="no attribute 'Weather'"):
        _ = avplug.Weather


def test_each_entry_is_complete_and_lives_for_two_releases():
    for what, entry in deprecation.DEPRECATIONS.items():
        assert what == entry.what
        assert entry.instead
        since, removed = (
            tuple(map(int, v.split("."))) for v in (entry.since, entry.removed)
        )
        assert removed[0] > since[0]
