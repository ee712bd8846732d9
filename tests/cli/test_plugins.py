"""``avplug plugins``."""

import json
import time
from textwrap import dedent

import pytest

from avplug import __version__
from avplug.cli.plugins import describe
from avplug.core.manager import BUILTINS


@pytest.fixture
def _some(dists, monkeypatch):
    dists.add("avplug-fog", dists.FOG + "\n    from avplug import hookimpl as h\n")
    dists.add("avplug-bad", "1 / 0\n")
    dists.add("avplug-off", "1 / 0\n")
    monkeypatch.setenv("AVPLUG_LOAD_PLUGINS", "avplug-fog,avplug-bad,avplug-off")
    monkeypatch.setenv("AVPLUG_DISABLE_PLUGINS", "off")


def test_what_is_known_of_a_plugin(dists):
    dists.add("avplug-fog")
    (record,) = dists.manager().records
    about = describe(record)
    assert about.pop("milliseconds") >= 0
    assert about.pop("module_file") == str(dists.folder / "avplug_fog.py")
    assert about == {
        "distribution": "avplug-fog",
        "version": "1.0",
        "entry_point": "fog",
        "state": "ok",
        "problem": "",
        "notes": [],
        "hooks": ["avplug_corruptions"],
        "components": ["corruption:fog"],
        "editable": False,
    }


@pytest.mark.usefixtures("_some")
def test_states(avplug_json):
    rows = {row["distribution"]: row for row in avplug_json("plugins")}
    assert rows["avplug-fog"]["state"] == "ok"
    assert rows["avplug-bad"]["state"] == "failed"
    assert rows["avplug-off"]["state"] == "disabled"
    assert rows["avplug-off"]["problem"] == (
        "is disabled: AVPLUG_DISABLE_PLUGINS names it."
    )


@pytest.mark.usefixtures("_some")
def test_one_plugin_with_its_distribution(avplug, avplug_json, dists):
    with (dists.folder / "avplug_fog-1.0.dist-info" / "METADATA").open("a") as file:
        file.write("Summary: Fog\nLicense: MIT\nRequires-Dist: numpy\n")
    for name in ("Avplug.Fog", "fog"):
        (about,) = avplug_json("plugins", "show", name)
        assert about["components"] == ["corruption:fog"]
        assert (about["summary"], about["license"]) == ("Fog", "MIT")
        assert about["requires"] == ["numpy"]
    lines = avplug("plugins", "show", "fog").stdout.splitlines()
    assert lines[0].split() == ["FIELD", "VALUE"]
    assert "components    corruption:fog" in lines
    assert not [line for line in lines if line.startswith("problem")]
    (about,) = avplug_json("plugins", "show", "avplug-bad")
    assert "ZeroDivisionError" in about["problem"]
    rows = avplug_json("plugins", "show", "avplug")
    assert len(rows) == len(BUILTINS)
    result = avplug("plugins", "show", "fgo")
    assert result.exit_code == 2
    assert "There is no plugin 'fgo'." in result.stderr


def test_a_file_has_no_distribution(avplug, tmp_path, dists):
    file = tmp_path / "own-fog.py"
    file.write_text(dedent(dists.FOG))
    result = avplug("--plugin", str(file), "plugins", "show", str(file), "--json")
    (about,) = json.loads(result.stdout)
    assert about["distribution"] == "own-fog"
    assert "license" not in about


@pytest.mark.usefixtures("_some")
def test_the_table_says_what_is_wrong(avplug):
    result = avplug("plugins")
    assert result.exit_code == 0
    (line,) = [t for t in result.stdout.splitlines() if t.startswith("avplug-bad")]
    assert line.split()[:4] == ["avplug-bad", "1.0", "bad", "failed"]
    assert "ZeroDivisionError: division by zero." in line
    assert "Traceback (most recent call last)" not in result.stderr


@pytest.mark.usefixtures("_some")
def test_debug_shows_the_traceback(avplug):
    result = avplug("--debug", "plugins")
    assert "avplug-bad 1.0 (bad):\nTraceback (most recent call last)" in result.stderr
    assert "    1 / 0\n" in result.stderr


def test_every_builtin_loads(avplug_json):
    rows = avplug_json("plugins")
    assert [row["entry_point"] for row in rows] == list(BUILTINS)
    assert {row["state"] for row in rows} == {"ok"}


@pytest.mark.usefixtures("_some")
def test_only_those_that_are_broken(avplug, avplug_json):
    (row,) = avplug_json("plugins", "--failed")
    assert (row["distribution"], row["state"]) == ("avplug-bad", "failed")
    assert len(avplug("plugins", "--failed").stdout.splitlines()) == 2


def test_the_dearest_to_import_comes_first(dists, avplug, monkeypatch):
    dists.add("avplug-fog")
    dists.add("avplug-slow", "import time\ntime.sleep(0.3)\n")
    # A clock that nothing but sleep moves.
    now = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(time, "sleep", lambda s: now.append(now.pop() + s))
    monkeypatch.setenv("AVPLUG_LOAD_PLUGINS", ",".join(dists.names))
    rows = [line.split() for line in avplug("plugins", "--timing").stdout.splitlines()]
    costs = [float(row[0]) for row in rows[1:]]
    assert costs == sorted(costs, reverse=True)
    places = {row[1]: place for place, row in enumerate(rows)}
    assert places["avplug-slow"] < places["avplug-fog"]
    assert float(rows[places["avplug-slow"]][0]) == 300


def test_requirements_are_those_of_pip_freeze(dists, avplug, avplug_json, monkeypatch):
    dists.add("avplug-fog", points="fog = avplug_fog\nmist = avplug_fog")
    dists.add("avplug-bad", "1 / 0\n", version="2.0")
    dists.add("avplug-edit")
    source = dists.folder / "src of edit"
    (dists.folder / "avplug_edit-1.0.dist-info" / "direct_url.json").write_text(
        json.dumps({"url": source.as_uri(), "dir_info": {"editable": True}})
    )
    file = dists.folder / "own.py"
    file.write_text("")
    monkeypatch.setenv("AVPLUG_LOAD_PLUGINS", ",".join(dists.names))
    words = ("--plugin", str(file), "plugins", "--requirements")
    lines = avplug(*words).stdout.splitlines()
    assert lines == [
        f"avplug=={__version__}",
        "avplug-bad==2.0",
        "# avplug-edit==1.0, editable:",
        f"-e {source}",
        "avplug-fog==1.0",
        f"# {file}: of no distribution",
    ]
    assert avplug_json(*words) == lines


LISTENS = """
    from avplug import hookimpl
    @hookimpl
    def avplug_run_finished(event): ...
"""


@pytest.fixture
def _hooks(dists, monkeypatch):
    dists.add("avplug-fog")
    dists.add("avplug-tracker", LISTENS, version="2.0")
    dists.add("avplug-broken", LISTENS.replace("(event)", "(nothing)"))
    monkeypatch.setenv("AVPLUG_LOAD_PLUGINS", ",".join(dists.names))


@pytest.mark.usefixtures("_hooks")
def test_only_those_with_a_hook(avplug, avplug_json):
    def found(*words):
        return [row["distribution"] for row in avplug_json("plugins", *words)]

    assert found("--hook", "avplug_run_finished") == ["avplug-broken", "avplug-tracker"]
    assert found("--hook", "avplug_corruptions") == ["avplug", "avplug-fog"]
    assert found("--hook", "avplug_run_finished", "--failed") == ["avplug-broken"]
    lines = avplug("plugins", "--hook", "avplug_run_finished").stdout.splitlines()
    assert [line.split()[0] for line in lines[1:]] == found(
        "--hook", "avplug_run_finished"
    )
    words = ("plugins", "--hook", "avplug_corruptions", "--requirements")
    assert avplug(*words).stdout.splitlines() == [
        f"avplug=={__version__}",
        "avplug-fog==1.0",
    ]


def test_a_hook_that_nobody_has(avplug_json):
    assert avplug_json("plugins", "--hook", "avplug_cell_failed") == []


def test_an_unknown_hook_is_refused_with_the_nearest(avplug):
    result = avplug("plugins", "--hook", "avplug_corruption", "--json")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Did you mean 'avplug_corruptions'?" in result.stderr
    assert "avplug_run_finished" in result.stderr
