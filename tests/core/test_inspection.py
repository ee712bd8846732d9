"""Each mistake of a plugin loses its own components only, and is told in a line."""

import pytest

from avplug.core.hookspecs import HOOK_API_VERSION
from tests.core.plugins import HEAD, names, record_of

# source of the plugin, and words of the one line that explains it
BROKEN = {
    "import": (
        "import avplug_that_is_nowhere\n",
        ["failed to load: ModuleNotFoundError", "avplug_that_is_nowhere"],
    ),
    "exit": ("import sys\nsys.exit(3)\n", ["failed to load: SystemExit: 3"]),
    "forgotten-mark": (
        "def avplug_corruptions():\n    return []\n",
        ["avplug_corruptions without @hookimpl"],
    ),
    "unknown-argument": (
        HEAD + "@hookimpl\ndef avplug_corruptions(registry):\n    return []\n",
        ["'registry'"],
    ),
    "raising-hook": (
        HEAD + "@hookimpl\ndef avplug_corruptions():\n    raise ValueError('mist')\n",
        ["failed in avplug_corruptions: ValueError: mist"],
    ),
    "raising-half-way": (
        HEAD
        + "@hookimpl\ndef avplug_corruptions():\n"
        + "    yield CorruptionSpec('half', 'x:Y')\n    raise ValueError('mist')\n",
        ["failed in avplug_corruptions: ValueError: mist"],
    ),
    "second-hook-raises": (
        HEAD
        + "@hookimpl\ndef avplug_corruptions():\n"
        + "    return [CorruptionSpec('half', 'x:Y')]\n"
        + "@hookimpl\ndef avplug_models():\n    raise ValueError('mist')\n",
        ["failed in avplug_models: ValueError: mist"],
    ),
    "wrong-descriptor": (
        HEAD
        + "@hookimpl\ndef avplug_corruptions():\n    return [ModelSpec('a','x:Y')]",
        ["Each item must be a CorruptionSpec"],
    ),
    "one-descriptor": (
        HEAD
        + "@hookimpl\ndef avplug_corruptions():\n    return CorruptionSpec('a','x:Y')",
        ["returned CorruptionSpec", "Return a list of CorruptionSpec"],
    ),
    "returns-nothing": (
        HEAD + "@hookimpl\ndef avplug_corruptions():\n    pass\n",
        ["returned NoneType from avplug_corruptions"],
    ),
    "bad-name": (
        HEAD
        + "@hookimpl\ndef avplug_corruptions():\n"
        + "    return [CorruptionSpec('Big Fog', 'x:Y')]\n",
        ["'Big Fog' is no corruption name"],
    ),
    "same-name-twice": (
        HEAD
        + "@hookimpl\ndef avplug_corruptions():\n"
        + "    return [CorruptionSpec('a', 'x:Y'),"
        + " CorruptionSpec('b', 'x:Y', aliases=('a',))]\n",
        ["the name 'a' twice"],
    ),
    "wrapper": (
        HEAD
        + "@hookimpl(wrapper=True)\ndef avplug_corruptions():\n    return (yield)\n",
        ["declares avplug_corruptions as a wrapper"],
    ),
    "wrong-prefix": (
        HEAD + "@hookimpl\ndef my_corruptions():\n    return []\n",
        ["marks my_corruptions with @hookimpl", "begin with 'avplug_'"],
    ),
    "api-is-text": ("avplug_api = '1'\n", ["avplug_api = '1'", "no integer"]),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_plugin_loses_its_own_components_only(dists, case):
    source, words = BROKEN[case]
    dists.add("avplug-fog")
    dists.add("avplug-bad", source)
    dists.add("avplug-zebra", dists.FOG.replace('"fog"', '"stripes"'))
    manager = dists.manager()
    assert names(manager) == ["avplug-fog/fog", "avplug-zebra/stripes"]
    assert names(manager, "model") == []
    record = record_of(manager, "avplug-bad")
    assert record.state == "failed"
    assert record.error is not None
    line = record.describe()
    assert line.startswith("plugin avplug-bad 1.0 (bad) ")
    assert "\n" not in line
    for word in words:
        assert word in line
    assert manager.get_plugin(record.key) is None
    assert manager.broken() == [record]


def test_a_class_instead_of_an_instance(dists):
    source = HEAD + "class Hooks:\n    @hookimpl\n    def avplug_corruptions(self):\n"
    source += "        return [CorruptionSpec('fog', 'x:Y')]\nplugin = Hooks()\n"
    dists.add("avplug-bad", source, points="bad = avplug_bad:Hooks")
    dists.add("avplug-good", source, points="good = avplug_good:plugin")
    manager = dists.manager()
    assert names(manager) == ["avplug-good/fog"]
    line = record_of(manager, "avplug-bad").describe()
    assert "registers the class Hooks. Register an instance: Hooks()" in line


def test_a_misspelt_hook_is_noted_and_harmless(dists):
    dists.add(
        "avplug-fog",
        dists.FOG.replace("def avplug_corruptions", "def avplug_corruption"),
    )
    record = record_of(dists.manager(), "avplug-fog")
    assert record.state == "ok"
    assert record.notes == [
        "avplug has no hook 'avplug_corruption'. Did you mean 'avplug_corruptions'?"
    ]


def test_a_newer_api_is_refused_with_the_way_out(dists):
    newer = HOOK_API_VERSION + 1
    dists.add("avplug-fog", dists.FOG + f"\n    avplug_api = {newer}\n")
    manager = dists.manager()
    record = record_of(manager, "avplug-fog")
    assert record.state == "incompatible"
    assert f"needs plugin API {newer}, this is avplug" in record.describe()
    assert "pip install -U avplug" in record.describe()
    assert names(manager) == []


def test_an_equal_api_is_fine(dists):
    dists.add("avplug-fog", dists.FOG + f"\n    avplug_api = {HOOK_API_VERSION}\n")
    assert record_of(dists.manager(), "avplug-fog").state == "ok"


def test_lazy_names_of_a_module_stay_untouched(dists):
    source = (
        dists.FOG
        + """
    touched = []
    def __getattr__(name):
        touched.append(name)
        raise AttributeError(name)
    def __dir__():
        return ["avplug_corruptions", "heavy"]
    """
    )
    dists.add("avplug-fog", source)
    assert record_of(dists.manager(), "avplug-fog").state == "ok"
    import avplug_fog

    assert "heavy" not in avplug_fog.touched
