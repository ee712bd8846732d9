"""The loader: each broken plugin loses its own components, and says why in a line."""

import logging

import pytest

from avplug.core import manager as manager_module
from avplug.core.components import KINDS
from avplug.core.errors import PluginError, UsageError
from avplug.core.events import CellFinished
from avplug.core.hookspecs import HOOK_API_VERSION
from avplug.core.manager import PluginManager, configure, get_plugin_manager
from avplug.core.records import PluginSettings
from avplug.core.registry import Registry

HEAD = "from avplug import CorruptionSpec, ModelSpec, hookimpl\n"
EVENT = CellFinished("out", "cell", {}, {"top1": 50.0}, 1.0)

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


def record_of(manager, name):
    (record,) = [r for r in manager.records if r.distribution == name]
    return record


def names(manager, kind="corruption"):
    return [entry.qualified for entry in Registry(manager).entries(kind)]


def test_hook_of_every_kind_is_specified():
    manager = PluginManager(PluginSettings(no_plugins=True), builtins=())
    for hook, spec_type in KINDS.values():
        assert getattr(manager.hook, hook).has_spec()
        assert KINDS[spec_type.kind] == (hook, spec_type)


def test_a_sound_plugin(dists):
    dists.add("avplug-fog")
    manager = dists.manager()
    record = record_of(manager, "avplug-fog")
    assert (record.state, record.provider) == ("ok", "avplug-fog 1.0")
    assert record.hooks == ("avplug_corruptions",)
    assert record.module_file.endswith("avplug_fog.py")
    assert record.milliseconds > 0
    assert names(manager) == ["avplug-fog/fog"]
    manager.require_sound()


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


def test_interrupt_is_let_through(dists):
    dists.add("avplug-bad", "raise KeyboardInterrupt\n")
    with pytest.raises(KeyboardInterrupt):
        dists.manager()


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


def test_two_distributions_of_one_name(dists):
    dists.add("avplug-fog")
    dists.add("avplug-weather", version="2.1")
    manager = dists.manager()
    assert names(manager) == ["avplug-fog/fog", "avplug-weather/fog"]
    assert [r.state for r in manager.broken()] == ["conflict", "conflict"]
    assert record_of(manager, "avplug-fog").describe() == (
        "plugin avplug-fog 1.0 (fog) shares a name: corruption 'fog' is claimed by"
        " avplug-fog 1.0 and avplug-weather 2.1."
        " Write avplug-fog/fog or avplug-weather/fog."
    )


def test_an_alias_clashes_with_a_name(dists):
    dists.add("avplug-fog")
    dists.add(
        "avplug-mist",
        dists.FOG.replace('"fog"', '"mist"').replace(
            "category=", 'aliases=("fog",), category='
        ),
    )
    states = {r.distribution: r.state for r in dists.manager().broken()}
    assert states == {"avplug-fog": "conflict", "avplug-mist": "conflict"}


def test_a_name_of_a_builtin_obeys_the_same_rule(dists):
    dists.add("avplug-tent", HEAD.replace("ModelSpec", "AdaptationSpec")
        + "@hookimpl\ndef avplug_adaptations():\n"
        + "    return [AdaptationSpec('tent', 'x:Y')]\n")  # fmt: skip
    manager = dists.manager(builtins=["avplug.builtin_tta.hooks"])
    assert "avplug/tent" in names(manager, "adaptation")
    assert "avplug-tent/tent" in names(manager, "adaptation")
    assert {r.distribution for r in manager.broken()} == {"avplug", "avplug-tent"}


def test_one_distribution_cannot_provide_a_name_twice(dists):
    dists.add("avplug-fog", points="a = avplug_fog\nb = avplug_fog_b")
    (dists.folder / "avplug_fog_b.py").write_text(
        HEAD + "@hookimpl\ndef avplug_corruptions():\n"
        "    return [CorruptionSpec('fog', 'x:Y')]\n"
    )
    first, second = [
        r for r in dists.manager().records if r.distribution == "avplug-fog"
    ]
    assert (first.state, second.state) == ("ok", "failed")
    assert "provides corruption 'fog', as 'a' of avplug-fog does" in second.describe()


def test_the_same_distribution_twice_on_the_path(dists, tmp_path, monkeypatch):
    dists.add("avplug-fog")
    dists.add("avplug-fog", version="2.0", to=tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    assert record_of(dists.manager(), "avplug-fog").version == "2.0"


def test_the_same_module_again_is_not_loaded_twice(dists):
    dists.add("avplug-fog")
    manager = dists.manager(extra=("avplug_fog",))
    again = manager.records[-1]
    assert (again.entry_point, again.state) == ("avplug_fog", "disabled")
    assert "already loaded as avplug-fog:fog" in again.describe()
    assert names(manager) == ["avplug-fog/fog"]


def test_order_is_builtins_then_names_then_explicit(dists, tmp_path):
    (tmp_path / "aardvark.py").write_text("")
    for name in ("avplug-zebra", "avplug-ape"):
        dists.add(name, "")
    manager = dists.manager(
        builtins=["avplug.builtin_tta.hooks"], extra=(str(tmp_path / "aardvark.py"),)
    )
    loaded = [r.distribution for r in manager.records if r.state == "ok"]
    assert loaded == ["avplug", "avplug-ape", "avplug-zebra", "aardvark"]


def test_a_file_plugin_can_name_its_own_class(tmp_path):
    file = tmp_path / "fog.py"
    file.write_text(
        "from avplug import CorruptionSpec, hookimpl\n"
        "class Fog: ...\n"
        "@hookimpl\ndef avplug_corruptions():\n"
        "    return [CorruptionSpec('fog', f'{__name__}:Fog')]\n"
    )
    manager = PluginManager(PluginSettings(load=(), extra=(str(file),)), builtins=())
    entry = Registry(manager).get("corruption", "fog")
    assert entry.qualified == "fog/fog"
    with pytest.raises(PluginError, match="does not derive from Corruption"):
        entry.load()


def test_no_plugins_loads_builtins_only(dists):
    dists.add("avplug-fog")
    manager = dists.manager(
        builtins=["avplug.builtin_tta.hooks"], no_plugins=True, extra=("avplug_fog",)
    )
    assert [(r.distribution, r.state) for r in manager.records] == [
        ("avplug", "ok"),
        ("avplug-fog", "disabled"),
    ]


def test_allow_list(dists):
    dists.add("avplug-fog")
    dists.add("avplug-zebra")
    manager = dists.manager(load=("Avplug_Fog", "avplug-fgo"))
    assert record_of(manager, "avplug-fog").state == "ok"
    assert (
        "AVPLUG_LOAD_PLUGINS does not name it"
        in record_of(manager, "avplug-zebra").describe()
    )
    (note,) = manager.notes
    assert note == (
        "AVPLUG_LOAD_PLUGINS names 'avplug-fgo', which is not installed."
        " Did you mean 'avplug-fog'?"
    )


@pytest.mark.parametrize("word", ["avplug-fog", "fog", "Avplug.Fog"])
def test_deny_list_takes_distributions_and_entry_points(dists, word):
    module = dists.add("avplug-fog")
    dists.add("avplug-zebra", "")
    manager = dists.manager(disable=(word,))
    assert record_of(manager, "avplug-fog").state == "disabled"
    assert record_of(manager, "avplug-zebra").state == "ok"
    assert module not in manager_module.sys.modules
    assert manager.notes == []


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


def test_a_missing_file_is_told_even_without_plugins(tmp_path):
    settings = PluginSettings(no_plugins=True, extra=(str(tmp_path / "no.py"),))
    with pytest.raises(UsageError, match="there is no such file"):
        PluginManager(settings, builtins=())


def test_strict_names_every_broken_plugin(dists):
    dists.add("avplug-fog")
    dists.add("avplug-weather")
    dists.add("avplug-bad", "1 / 0\n")
    with pytest.raises(PluginError) as caught:
        dists.manager().require_sound()
    assert caught.value.exit_code == 4
    for name in ("avplug-fog", "avplug-weather", "avplug-bad"):
        assert f"plugin {name} 1.0" in caught.value.message


def test_what_a_plugin_prints_is_no_data(dists, capsys):
    dists.add("avplug-fog", "print('hello')\n")
    dists.manager()
    out, err = capsys.readouterr()
    assert (out, err) == ("", "hello\n")


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


def test_events_reach_each_plugin_and_failures_are_logged(dists, caplog):
    listener = HEAD + "seen = []\n@hookimpl\ndef avplug_cell_finished(event):\n"
    dists.add("avplug-ape", listener + "    1 / 0\n")
    dists.add("avplug-bee", listener + "    seen.append(event)\n")
    dists.add("avplug-cat", listener.replace("(event)", "()") + "    seen.append(1)\n")
    manager = dists.manager()
    with caplog.at_level(logging.ERROR, "avplug"):
        manager.notify("avplug_cell_finished", EVENT)
    import avplug_bee
    import avplug_cat

    assert avplug_bee.seen == [EVENT]
    assert avplug_cat.seen == [1]
    (logged,) = caplog.records
    assert logged.message == "plugin avplug-ape:ape failed in avplug_cell_finished"
    assert logged.exc_info[0] is ZeroDivisionError


def test_events_keep_the_order_of_the_plugins(dists):
    listener = HEAD + "import builtins\n@hookimpl{}\ndef avplug_cell_finished(event):\n"
    source = listener + "    event.cell['order'].append(__name__)\n"
    dists.add("avplug-ape", source.format("(trylast=True)"))
    dists.add("avplug-bee", source.format("(tryfirst=True)"))
    order = []
    event = CellFinished("out", "cell", {"order": order}, {}, 0.0)
    dists.manager().notify("avplug_cell_finished", event)
    assert order == ["avplug_ape", "avplug_bee"]


def test_the_manager_of_the_process_is_built_once(dists):
    dists.add("avplug-fog")
    told = []
    configure(PluginSettings(load=("avplug-fog",)), told.append)
    manager = get_plugin_manager()
    assert get_plugin_manager() is manager
    assert told == [manager]
    configure(PluginSettings(no_plugins=True))
    assert get_plugin_manager() is not manager
