"""Global options, and how errors become messages."""

import json
import os
import re
import signal
import subprocess
import sys

import pytest

from avplug import __version__
from avplug.cli import console
from avplug.cli.app import VERBS, asked_verb, build_app
from avplug.core import registry
from avplug.core.errors import AvplugError, PluginError


def test_version(avplug):
    result = avplug("--version")
    assert (result.exit_code, result.stdout) == (0, f"avplug {__version__}\n")


def test_version_and_help_load_no_plugin(avplug, dists):
    dists.add("avplug-bad", "raise KeyboardInterrupt\n")
    assert avplug("--version").exit_code == 0
    assert avplug("--help").exit_code == 0
    assert avplug("list", "--help").exit_code == 0


def test_an_unknown_command_gets_a_suggestion(avplug):
    result = avplug("lst")
    assert result.exit_code == 2
    assert "No such command 'lst'. Did you mean 'list'?" in result.stderr


@pytest.mark.parametrize(
    ("line", "verb"),
    [
        ("list --json", "list"),
        ("--debug --plugin show list", "list"),
        ("--plugin=show run --help", "run"),
        ("--help list", ""),
        ("lst run", ""),
        ("--version", ""),
        ("--plugin", ""),
        ("", ""),
    ],
)
def test_the_verb_that_is_asked_for(line, verb):
    assert asked_verb(line.split()) == verb


def test_every_verb_is_registered_under_its_name():
    def names(app):
        return [c.name for c in (*app.registered_commands, *app.registered_groups)]

    assert sorted(names(build_app())) == sorted(VERBS)
    assert [names(build_app([verb])) for verb in VERBS] == [[verb] for verb in VERBS]


def test_help_lists_the_verbs_in_their_order(avplug):
    listed = re.findall(r"^  (\w+)  ", avplug("--help").stdout, re.MULTILINE)
    assert [word for word in listed if word in VERBS] == list(VERBS)


def test_an_expected_error_is_a_message_and_its_exit_code(avplug):
    result = avplug("list", "corruptoins")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr == (
        "Error: Unknown kind 'corruptoins'. Did you mean 'corruptions'?\n"
        "Kinds: corruption, model, adaptation, metric, dataset, attack, defense,"
        " executor, suite, published.\n"
    )


def test_debug_keeps_the_traceback(avplug):
    result = avplug("--debug", "list", "corruptoins")
    assert isinstance(result.exception, AvplugError)


def test_an_interrupt_is_130(avplug, monkeypatch):
    def interrupted():
        raise KeyboardInterrupt

    monkeypatch.setattr(registry, "get_registry", interrupted)
    assert avplug("list").exit_code == 130


def test_a_file_plugin_takes_part(avplug_json, dists, monkeypatch, tmp_path):
    monkeypatch.setenv("AVPLUG_LOAD_PLUGINS", "")
    file = tmp_path / "my_mist.py"
    file.write_text(
        "from avplug import CorruptionSpec, hookimpl\n@hookimpl\n"
        "def avplug_corruptions():\n    return [CorruptionSpec('mist', 'x:Y')]\n"
    )
    rows = avplug_json("--plugin", str(file), "list", "corruptions")
    assert rows[-1]["qualified"] == "my-mist/mist"


def test_no_plugins_and_plugin_exclude_each_other(avplug):
    result = avplug("--no-plugins", "--plugin", "x", "list")
    assert result.exit_code == 2
    assert "--no-plugins and --plugin exclude each other." in result.stderr


@pytest.fixture
def broken(dists, monkeypatch):
    dists.add("avplug-bad", "1 / 0\n")
    dists.add("avplug-fog")
    dists.add(
        "avplug-misspelt",
        "from avplug import hookimpl\n@hookimpl\n"
        "def avplug_corruption():\n    return []\n",
    )
    dists.add(
        "avplug-newer",
        "from avplug import hookimpl\navplug_api = 99\n@hookimpl\n"
        "def avplug_metrics():\n    return []\n",
    )
    dists.add("avplug-weather")
    monkeypatch.setenv("AVPLUG_LOAD_PLUGINS", ",".join(dists.names))


@pytest.mark.usefixtures("broken")
@pytest.mark.parametrize(
    "verb", [("list", "corruptions"), ("plan", "--limit", "2", "--no-estimate")]
)
def test_a_broken_plugin_is_one_line_on_stderr(avplug, verb):
    result = avplug(*verb)
    assert result.exit_code == 0
    lines = [x for x in result.stderr.splitlines() if x.startswith("avplug: plugin ")]
    for line, (plugin, said) in zip(
        sorted(lines),
        [
            ("bad", "failed to load: ZeroDivisionError: division by zero. Traceback:"),
            ("fog", "shares a name: corruption 'fog' is claimed by avplug-fog 1.0 and"),
            ("misspelt", "no hook 'avplug_corruption'. Did you mean 'avplug_corrupt"),
            ("newer", "needs plugin API 99, this is avplug"),
            ("weather", "Write avplug-fog/fog or avplug-weather/fog."),
        ],
        strict=True,
    ):
        assert f"avplug-{plugin} 1.0 ({plugin})" in line
        assert said in line


@pytest.mark.usefixtures("broken")
def test_no_plugins_is_silent(avplug):
    result = avplug("--no-plugins", "list", "corruptions")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "fog" not in result.stdout


@pytest.mark.usefixtures("broken")
@pytest.mark.parametrize("as_option", [True, False])
def test_strict_plugins(avplug, monkeypatch, as_option):
    if not as_option:
        monkeypatch.setenv("AVPLUG_STRICT", "1")
    result = avplug(*["--strict-plugins"] * as_option, "list")
    assert result.exit_code == 4
    assert result.stdout == ""
    for name in ("avplug-bad", "avplug-fog", "avplug-weather"):
        assert f"plugin {name} 1.0" in result.stderr


def test_an_unknown_name_in_a_list_is_told(avplug, dists, monkeypatch):
    monkeypatch.setenv("AVPLUG_LOAD_PLUGINS", "avplug-nowhere")
    result = avplug("list")
    assert "AVPLUG_LOAD_PLUGINS names 'avplug-nowhere'" in result.stderr


def test_python_m_avplug_is_the_command():
    done = subprocess.run(
        [sys.executable, "-m", "avplug", "list", "nothings"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("Error: Unknown kind 'nothings'.")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_what_a_terminal_cannot_show_is_no_error(monkeypatch, encoding):
    monkeypatch.setenv("PYTHONIOENCODING", encoding)
    command = [sys.executable, "-m", "avplug", "show", "metric", "dprime"]
    done = subprocess.run(command, capture_output=True, check=True)
    assert "summary    d?, the distance of" in done.stdout.decode(encoding)
    done = subprocess.run([*command, "--json"], capture_output=True, check=True)
    assert json.loads(done.stdout)["summary"].startswith("d\N{PRIME}, the distance")


def test_a_crash_in_compiled_code_shows_its_stack(dists, monkeypatch):
    dists.add("avplug-bad", "import ctypes\nctypes.string_at(0)\n")
    monkeypatch.setenv("PYTHONPATH", f"{dists.folder}{os.pathsep}{os.getcwd()}")
    monkeypatch.setenv("AVPLUG_LOAD_PLUGINS", "avplug-bad")
    command = [sys.executable, "-m", "avplug", "list"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGSEGV
    assert "Fatal Python error: Segmentation fault" in done.stderr
    assert 'avplug_bad.py", line 2 in <module>' in done.stderr


def test_json_has_no_nan_and_keeps_other_scripts(capsys):
    console.print_json({"a": [float("nan"), 1.5, True, None], "b": ("é", {1: 2})})
    assert capsys.readouterr().out == (
        '{\n  "a": [\n    null,\n    1.5,\n    true,\n    null\n  ],\n'
        '  "b": [\n    "é",\n    {\n      "1": 2\n    }\n  ]\n}\n'
    )


def test_a_table_that_is_piped_keeps_every_character(capsys):
    console.print_table(("A", "B"), [("x" * 200, "[red]y[/]"), ("z", "")])
    head, first, second = capsys.readouterr().out.splitlines()
    assert head == "A" + " " * 201 + "B"
    assert first == "x" * 200 + "  [red]y[/]"
    assert second == "z"


def test_a_table_on_a_terminal_takes_no_markup(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    console.print_table(("A", "B"), [("[/etc/x]", "[red]y[/]")])
    out = capsys.readouterr().out
    assert "[/etc/x]" in out
    assert "[red]y[/]" in out


def test_a_narrow_terminal_cuts_no_name(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "20")
    console.print_table(("NAME", "NOTE"), [("avplug-sea-fog-and-hail", "is " * 20)])
    out = capsys.readouterr().out
    assert "\N{HORIZONTAL ELLIPSIS}" not in out
    name = "".join(line.split("is")[0].strip() for line in out.splitlines()[1:])
    assert name == "avplug-sea-fog-and-hail"


def test_text_of_a_plugin_cannot_steer_the_terminal(capsys):
    console.print_table(("A",), [("\x1b[2J\x07end\nof it",)])
    assert capsys.readouterr().out == "A\n\ufffd[2J\ufffdend of it\n"


def test_an_error_shows_message_and_hint(capsys):
    console.error(PluginError("It broke.", "Mend it."))
    assert capsys.readouterr().err == "Error: It broke.\nMend it.\n"
