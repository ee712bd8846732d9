"""Which plugins take part, out of the environment and the options."""

import pytest

from avplug.core.records import PluginSettings


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, PluginSettings()),
        ({"AVPLUG_NO_PLUGINS": "1"}, PluginSettings(no_plugins=True)),
        ({"AVPLUG_NO_PLUGINS": "0"}, PluginSettings()),
        ({"AVPLUG_LOAD_PLUGINS": ""}, PluginSettings(load=())),
        ({"AVPLUG_LOAD_PLUGINS": "a, b,"}, PluginSettings(load=("a", "b"))),
        ({"AVPLUG_DISABLE_PLUGINS": "a"}, PluginSettings(disable=("a",))),
    ],
)
def test_settings_from_the_environment(environment, expected):
    assert PluginSettings.from_environment(environ=environment) == expected


def test_options_add_to_the_environment():
    settings = PluginSettings.from_environment(extra=("a", "b", "a"), environ={})
    assert settings.extra == ("a", "b")


def test_a_file_counts_once_however_it_is_spelt(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    spelt = ("fog.py", "./fog.py", str(tmp_path / "fog.py"), "other/fog.py", "fog")
    settings = PluginSettings.from_environment(extra=spelt, environ={})
    assert settings.extra == ("fog.py", "other/fog.py", "fog")
