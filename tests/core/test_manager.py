"""The loader: what it takes, in which order, and what it leaves out."""

import sys
from textwrap import dedent

import pytest

from avplug.core import manager as manager_module
from avplug.core.components import KINDS
from avplug.core.containment import FILTERS
from avplug.core.errors import PluginError, UsageError
from avplug.core.manager import PluginManager, configure, get_plugin_manager
from avplug.core.records import PluginSettings
from avplug.core.registry import Registry
from tests.core.plugins import names, record_of


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


def test_ctrl_c_is_let_through_and_tells_what_was_waited_for(dists):
    source = "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n"
    dists.add("avplug-bad", source)
    name = r"^while plugin avplug-bad 1\.0 \(bad\) was loaded$"
    with pytest.raises(KeyboardInterrupt, match=name):
        dists.manager()


@pytest.mark.parametrize("kind", ["KeyboardInterrupt", "GeneratorExit", "Odd('x')"])
def test_a_plugin_cannot_pass_for_ctrl_c(dists, kind):
    dists.add("avplug-bad", f"class Odd(BaseException): ...\nraise {kind}\n")
    dists.add("avplug-fog")
    manager = dists.manager()
    assert names(manager) == ["avplug-fog/fog"]
    line = record_of(manager, "avplug-bad").describe()
    assert f"failed to load: {kind.partition('(')[0]}" in line


def test_the_same_distribution_twice_on_the_path(dists, tmp_path, monkeypatch):
    (tmp_path / "third").mkdir()
    dists.add("avplug-fog")
    dists.add("avplug-fog", version="2.0", to=tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    dists.add("Avplug.Fog", version="1.0", to=tmp_path / "third")
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "third")])
    record = record_of(dists.manager(), "avplug-fog")
    assert record.version == "2.0"
    assert record.remarks == ["hides version 1.0 of itself on the path."]


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


def test_the_manager_of_the_process_is_built_once(dists):
    dists.add("avplug-fog")
    told = []
    configure(PluginSettings(load=("avplug-fog",)), told.append)
    manager = get_plugin_manager()
    assert get_plugin_manager() is manager
    assert told == [manager]
    configure(PluginSettings(no_plugins=True))
    assert get_plugin_manager() is not manager


@pytest.mark.parametrize(
    ("source", "remark"),
    [
        ("print('hello')\n", "prints while it loads; that went to stderr."),
        ("import os\nos.chdir('/')\n", "changes the working folder while it loads"),
        (
            "import threading\n"
            "threading.Thread(target=threading.Event().wait, args=[0.1]).start()\n",
            "starts a thread while it loads that nobody ends.",
        ),
    ],
    ids=["prints", "moves", "thread"],
)
def test_what_a_plugin_does_to_all_is_remarked(dists, source, remark):
    dists.add("avplug-fog", source)
    record = record_of(dists.manager(), "avplug-fog")
    assert record.state == "ok"
    (told,) = record.remarks
    assert told.startswith(remark)


def test_a_heavy_import_is_remarked_with_its_cost(dists, monkeypatch):
    (dists.folder / "soundfile.py").write_text("")
    monkeypatch.delitem(manager_module.sys.modules, "soundfile", raising=False)
    dists.add("avplug-fog", "import warnings, soundfile\nwarnings.resetwarnings()\n")
    record = record_of(dists.manager(), "avplug-fog")
    assert record.heavy == ("soundfile",)
    (told,) = record.remarks
    assert "imports soundfile while it loads (" in told


def test_a_file_may_import_what_it_needs(dists, tmp_path, monkeypatch):
    source = "import warnings\nwarnings.filterwarnings('ignore', 'size changed')\n"
    (dists.folder / "soundfile.py").write_text(source)
    monkeypatch.delitem(manager_module.sys.modules, "soundfile", raising=False)
    file = tmp_path / "own.py"
    file.write_text(f"import soundfile\n{dedent(dists.FOG)}")
    record = record_of(dists.manager(extra=(str(file),)), "own")
    assert (record.heavy, record.undone) == (("soundfile",), (FILTERS,))
    assert record.remarks == []


def test_a_module_without_hooks_brings_nothing_and_is_told(dists):
    record = record_of(dists.manager(extra=("json",)), "json")
    assert record.state == "ok"
    assert record.remarks == ["has no hook of avplug: it brings nothing."]


def test_one_that_cannot_be_interrupted_is_named(dists, caplog):
    source = "import time\ncaught = 0\nwhile caught < 25:\n"
    source += "    try:\n        time.sleep(9)\n"
    source += "    except BaseException:\n        caught += 1\n"
    dists.add("avplug-bad", source)
    dists.manager(import_limit=0.1)
    (told,) = caplog.messages
    assert told.startswith("plugin avplug-bad 1.0 (bad) cannot be interrupted")
    assert "avplug plugins disable avplug-bad" in told
