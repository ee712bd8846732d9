"""``avplug show``."""

import pytest

from avplug.cli import show
from avplug.core.errors import UnknownNameError
from avplug.core.manager import configure
from avplug.core.records import PluginSettings

PLUGIN = """
    from avplug import CorruptionSpec, ModelSpec, WeightSpec, hookimpl

    @hookimpl
    def avplug_corruptions():
        return [
            CorruptionSpec("fog", "avplug_fog_class:Fog", "Fog", paper="arXiv:1",
                           aliases=("mist",)),
            CorruptionSpec("drizzle", "avplug_nowhere:Rain", "Rain"),
        ]

    @hookimpl
    def avplug_models():
        weights = (WeightSpec("w", "tones", "p:w.st", claim="top-1 50 %"),)
        return [ModelSpec("net", "avplug_nowhere:Net", variants={"big": {"depth": 9}},
                          weights=weights)]
"""
CLASS = '''
from avplug import Corruption

class Fog(Corruption):
    """Fog, as seen and heard."""

    scene = video = audio = lambda self: None

    def __init__(self, density, profile="paper", *, wind=(1, 2), how=len, **more):
        super().__init__(profile)
'''


@pytest.fixture(autouse=True)
def _plugin(dists, monkeypatch):
    dists.add("avplug-fog", PLUGIN)
    (dists.folder / "avplug_fog_class.py").write_text(CLASS)
    monkeypatch.setenv("AVPLUG_LOAD_PLUGINS", "avplug-fog")
    configure(PluginSettings(load=("avplug-fog",)))


@pytest.mark.parametrize("name", ["fog", "mist", "avplug-fog/fog"])
def test_all_that_is_known(name):
    about = show.describe(show.find("corruption", name))
    assert about["qualified"] == "avplug-fog/fog"
    assert (about["provider"], about["version"]) == ("avplug-fog", "1.0")
    assert (about["paper"], about["aliases"]) == ("arXiv:1", ["mist"])
    assert about["profiles"] == ["paper", "released"]
    assert about["description"] == "Fog, as seen and heard."
    assert about["parameters"] == [
        {"name": "density", "required": True},
        {"name": "profile", "default": "paper"},
        {"name": "wind", "default": (1, 2)},
        {"name": "how", "default": "<built-in function len>"},
        {"name": "**more", "required": False},
    ]


def test_a_component_that_cannot_be_imported_is_shown_all_the_same():
    about = show.describe(show.find("corruption", "drizzle"))
    assert about["summary"] == "Rain"
    assert about["parameters"] is None
    assert "No module named 'avplug_nowhere'" in about["parameters_error"]


def test_a_model_with_its_variant():
    about = show.describe(show.find("model", "net:big"))
    assert about["variants"] == {"big": {"depth": 9}}
    (weights,) = about["weights"]
    assert weights["claim"] == "top-1 50 %"


def test_an_unknown_variant():
    with pytest.raises(UnknownNameError) as caught:
        show.find("model", "net:bgi")
    assert str(caught.value) == (
        "Model 'net' has no variant 'bgi'. Did you mean 'big'? Variants: big."
    )


def test_the_text(avplug):
    result = avplug("show", "corruptions", "fog")
    assert result.exit_code == 0
    shown = dict(
        line.split("  ", 1) for line in result.stdout.splitlines() if "  " in line
    )
    shown = {key: value.strip() for key, value in shown.items()}
    assert shown["target"] == "avplug_fog_class:Fog"
    assert shown["parameter density"] == "(required)"
    assert shown["parameter profile"] == "'paper'"
    assert shown["parameter **more"] == "(any)"
    assert "paper" in shown["profiles"]
    assert result.stdout.endswith("\nFog, as seen and heard.\n")


def test_weights_are_one_line_each(avplug):
    out = avplug("show", "model", "net").stdout
    assert "name=w, dataset=tones, source=p:w.st, claim=top-1 50 %" in out
    assert "variants big" in out


def test_json(avplug_json):
    about = avplug_json("show", "corruption", "fog")
    assert about["kind"] == "corruption"
    assert about["parameters"][2] == {"name": "wind", "default": [1, 2]}


def test_an_unknown_name(avplug):
    result = avplug("show", "corruption", "fgo")
    assert result.exit_code == 2
    assert "Unknown corruption 'fgo'. Did you mean 'fog'?" in result.stderr
