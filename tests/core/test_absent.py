"""What is said of plugins that are not loaded, where a name is not known."""

import pytest

from avplug.core import discovery
from avplug.core.absent import absent
from avplug.core.errors import UnknownNameError
from avplug.core.manager import PluginManager
from avplug.core.records import PluginSettings
from avplug.core.registry import Registry


@pytest.fixture(autouse=True)
def _nothing_else_installed(dists, monkeypatch):
    found = discovery.installed
    monkeypatch.setattr(
        discovery,
        "installed",
        lambda: [each for each in found() if each.distribution in dists.names],
    )


def manager(**settings):
    return PluginManager(PluginSettings(**settings), ())


def test_nothing_where_all_are_loaded(dists):
    dists.add("avplug-fog")
    dists.add("avplug-haze")  # a claimed name is loaded, too
    assert absent(manager()) == ""


def test_why_each_is_not(dists):
    dists.add("avplug-bad", "1 / 0\n")
    dists.add("avplug-fog")
    dists.add("avplug-new", "avplug_api = 99\n")
    assert absent(manager(switched_off=("avplug-fog",))) == (
        "A plugin that is not loaded may bring it: avplug-bad (failed), avplug-fog"
        " (disabled: undo it with avplug plugins enable avplug-fog), avplug-new"
        " (incompatible). See avplug plugins"
    )


def test_a_module_that_was_loaded_already_is_not_absent(dists):
    module = dists.add("avplug-fog")
    assert absent(manager(extra=(module,))) == ""


def test_few_are_named(dists):
    for number in range(5):
        dists.add(f"avplug-{number}")
    text = absent(manager(no_plugins=True))
    assert text.count("(plugins are switched off)") == 3
    assert "avplug-2 (plugins are switched off) and 2 more. " in text


def test_it_follows_the_hint_of_an_unknown_name(dists):
    dists.add("avplug-fog")
    registry = Registry(manager(disable=("fog",)))
    with pytest.raises(UnknownNameError) as caught:
        registry.get("corruption", "fog")
    assert caught.value.hint == (
        "Show all 0: avplug list corruption\n"
        "A plugin that is not loaded may bring it: avplug-fog (disabled:"
        " AVPLUG_DISABLE_PLUGINS names it). See avplug plugins"
    )
