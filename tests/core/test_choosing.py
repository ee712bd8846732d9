"""Which installed plugins are left out, by which list, and what nothing is called."""

import pytest

from avplug.core.choosing import left_out, unknown_names
from avplug.core.discovery import Candidate
from avplug.core.records import PluginSettings

FOG = Candidate("avplug-fog", "1.0", "fog_bank", lambda: None)


@pytest.mark.parametrize(
    ("lists", "why"),
    [
        ({}, None),
        ({"load": ("Avplug.Fog",)}, None),
        ({"load": ()}, "AVPLUG_LOAD_PLUGINS does not name it"),
        ({"load": ("fog-bank",)}, "AVPLUG_LOAD_PLUGINS does not name it"),
        ({"disable": ("AVPLUG_fog",)}, "AVPLUG_DISABLE_PLUGINS names it"),
        ({"disable": ("Fog-Bank",)}, "AVPLUG_DISABLE_PLUGINS names it"),
        ({"switched_off": ("fog.bank",)}, "undo it with avplug plugins enable "),
        ({"load": ("avplug-fog",), "disable": ("fog_bank",)}, "AVPLUG_DISABLE_PLUG"),
        ({"disable": ("fog",), "switched_off": ("avplug",)}, None),
    ],
)
def test_a_plugin_is_left_out_by_either_of_its_names(lists, why):
    found = left_out(FOG, PluginSettings(**lists))
    assert (found is None) == (why is None)
    assert (found or "").startswith(why or "")


def test_names_that_nothing_has_are_told_with_the_closest():
    settings = PluginSettings(load=("avplug-fgo", "avplug-fog"), disable=("fog-bnk",))
    assert unknown_names(settings, [FOG]) == [
        "AVPLUG_LOAD_PLUGINS names 'avplug-fgo', which is not installed."
        " Did you mean 'avplug-fog'?",
        "AVPLUG_DISABLE_PLUGINS names 'fog-bnk', which is not installed."
        " Did you mean 'fog-bank'?",
    ]
    # An entry point is no distribution.
    assert len(unknown_names(PluginSettings(load=("fog-bank",)), [FOG])) == 1
