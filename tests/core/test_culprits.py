"""An exception is blamed on the plugin nearest to where it was raised."""

from avplug.core import culprits
from avplug.core.culprits import attributed, blamed, reason
from avplug.core.errors import MediaError
from tests.core.plugins import HEAD, names

HOOK = """
@hookimpl
def avplug_corruptions():
    return [CorruptionSpec({name!r}, {target!r})]
def call(function):
    function()
def fail():
    raise ValueError("mist")
"""


def caught(function, *arguments):
    try:
        function(*arguments)
    except Exception as error:
        return error
    raise AssertionError


def install(dists):
    dists.add("avplug-ape", HEAD + HOOK.format(name="ape", target="ape_classes:Ape"))
    dists.add("avplug-bee", HEAD + HOOK.format(name="bee", target="avplug.core.x:Bee"))
    (dists.folder / "ape_classes.py").write_text("def fail():\n    return 1 / 0\n")
    manager = dists.manager()
    assert len(names(manager)) == 2
    return manager.records


def test_the_module_of_the_hooks(dists):
    records = install(dists)
    import avplug_bee

    error = blamed(caught(avplug_bee.fail), records)
    assert error.message == (
        "Error in plugin avplug-bee 1.0 (bee): ValueError: mist, in avplug_bee.py,"
        " line 9."
    )
    assert "avplug plugins disable avplug-bee" in error.hint
    assert error.exit_code == 4


def test_the_module_of_a_component(dists):
    records = install(dists)
    import ape_classes

    error = blamed(caught(ape_classes.fail), records)
    assert "plugin avplug-ape 1.0 (ape): ZeroDivisionError" in error.message


def test_the_nearest_of_two(dists):
    records = install(dists)
    import avplug_ape
    import avplug_bee

    error = blamed(caught(avplug_ape.call, avplug_bee.fail), records)
    assert "avplug-bee" in error.message


def test_what_a_plugin_called_is_its_own(dists):
    records = install(dists)
    import avplug_ape

    error = blamed(caught(avplug_ape.call, lambda: {}["no key"]), records)
    assert "avplug-ape 1.0 (ape): KeyError: 'no key'" in error.message


def test_what_a_run_goes_on_after(dists, monkeypatch):
    records = install(dists)
    monkeypatch.setattr(culprits, "loaded_plugins", lambda: records)
    import avplug_bee

    raised = caught(avplug_bee.fail)
    told = attributed(raised)
    assert told.__cause__ is raised
    assert reason(raised) == told.message
    assert "plugin avplug-bee 1.0 (bee): ValueError: mist, in" in told.message
    # What avplug says of a clip is no fault of the plugin that passed it on.
    expected = MediaError("It is truncated.", "Fetch it again.")
    assert attributed(expected) is expected
    assert reason(expected) == "It is truncated. Fetch it again."
    own = caught(lambda: 1 / 0)
    assert attributed(own) is own
    assert reason(own) == "ZeroDivisionError: division by zero"
    assert "tried to end the program" in reason(SystemExit(3))


def test_an_error_of_nobodys(dists):
    assert blamed(caught(lambda: 1 / 0), install(dists)) is None


def test_a_file_is_left_out_by_not_naming_it(dists, tmp_path):
    file = tmp_path / "fog.py"
    file.write_text(HEAD + HOOK.format(name="fog", target="x:Y"))
    manager = dists.manager(extra=(str(file),))
    (record,) = manager.records
    plugin = manager.get_plugin(record.key)
    error = blamed(caught(plugin.fail), manager.records)
    assert error.hint.endswith(f"Leave it out: drop --plugin {file}")
