"""stdout holds the verb's answer alone, whoever else prints, and however."""

import json
import os
import subprocess
import sys

import pytest

from avplug.cli import stdout
from avplug.core.manager import get_plugin_manager

PRINTS = """
    import os, sys
    from avplug import CorruptionSpec, hookimpl
    def everywhere(text):
        print(text)
        sys.__stdout__.write(text)
        sys.__stdout__.flush()
        os.write(1, text.encode())
    everywhere("<import>")
    @hookimpl
    def avplug_corruptions():
        everywhere("<hook>")
        return [CorruptionSpec("fog", f"{__name__}_class:Fog", "Fog")]
"""
CLASS = """
from avplug import Corruption
import avplug_fog
avplug_fog.everywhere("<class>")
class Fog(Corruption):
    def scene(self, info, severity, rng): ...
    def video(self, frames, times, scene, rng): ...
    def audio(self, samples, sample_rate, scene, rng): ...
"""


@pytest.fixture
def prints(dists, monkeypatch):
    dists.add("avplug-fog", PRINTS)
    (dists.folder / "avplug_fog_class.py").write_text(CLASS)
    monkeypatch.setenv("AVPLUG_LOAD_PLUGINS", "avplug-fog")
    return dists


@pytest.mark.parametrize("words", [("--json",), ()], ids=["json", "table"])
def test_what_others_print_goes_to_stderr(prints, monkeypatch, words):
    monkeypatch.setenv("PYTHONPATH", f"{prints.folder}{os.pathsep}{os.getcwd()}")
    done = subprocess.run(
        [sys.executable, "-m", "avplug", "show", "corruption", "fog", *words],
        capture_output=True,
        text=True,
        check=True,
    )
    for place in ("<import>", "<hook>", "<class>"):
        assert done.stderr.count(place) == 3, place
        assert place not in done.stdout
    if words:
        assert json.loads(done.stdout)["qualified"] == "avplug-fog/fog"


def test_a_reader_that_leaves_is_no_error():
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m avplug published | head -n 1"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("PAPER")
    assert done.stderr == ""


def test_stdout_is_everybodys_again_after_the_verb(capsys):
    before = sys.stdout
    with stdout.answering():
        stdout.claim()
        stdout.claim()
        sys.stdout.write("message\n")
        stdout.data().write("data\n")
    assert sys.stdout is before
    sys.stdout.write("later\n")
    assert capsys.readouterr() == ("data\nlater\n", "message\n")


def test_plugins_that_load_when_no_verb_is_at_work_leave_stdout_alone(avplug, capsys):
    # It loads none, and leaves to others how they are loaded.
    assert avplug("--version").exit_code == 0
    assert avplug("plugins", "disable", "--help").exit_code == 0
    before = sys.stdout
    stdout.claim()
    assert get_plugin_manager().records
    assert sys.stdout is before
    assert stdout.data() is before
