"""Ten broken or hostile distributions in a process of avplug's own, and checked."""

import json
import os
import subprocess
import sys

import pytest

from tests.cli.hostile_plugins import HOSTILE, assert_culprits_are_named
from tests.waiting import LONG


@pytest.fixture
def run(hostile, monkeypatch):
    """Return a function that runs ``avplug`` in a process of its own."""
    monkeypatch.setenv("PYTHONPATH", f"{hostile.folder}{os.pathsep}{os.getcwd()}")

    def avplug(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "avplug", *arguments],
            capture_output=True,
            text=True,
            timeout=LONG,
        )

    return avplug


def test_stdout_is_data_and_every_culprit_is_named(run):
    done = run("plugins", "--json")
    assert done.returncode == 0, done.stderr
    assert_culprits_are_named(done.stderr)
    assert "plugin bad-heavy 1.0 (bad-heavy): imports numpy while it" in done.stderr
    rows = {row["distribution"]: row for row in json.loads(done.stdout)}
    for name, (_, says) in HOSTILE.items():
        row = rows[f"bad-{name}"]
        assert row["state"] == (
            "ok" if says is None
            else {"clash": "conflict", "newer": "incompatible"}.get(name, "failed")
        ), row  # fmt: skip


def test_a_run_in_processes_goes_on_and_names_the_culprits_cell(run, tmp_path):
    out = str(tmp_path / "out")
    done = run(
        *("run", "-c", "rain", "-c", "changes", "-s", "3", "--limit", "4"),
        *("--no-report", "--out", out, "-j", "2"),
    )
    assert done.returncode == 1
    assert_culprits_are_named(done.stderr)
    assert done.stdout == ""
    assert "2 cells computed, 0 found finished, 1 failed" in done.stderr
    assert "changes s3" in done.stderr
    assert "Corruption 'changes' (bad_changes_class.Bad) writes to the" in done.stderr


def test_no_plugins_imports_none(run):
    done = run("--no-plugins", "list", "--json")
    assert done.returncode == 0
    assert "bad-" not in done.stderr + done.stdout


def test_what_cures_imports_no_plugin(run, hostile, monkeypatch):
    # A limit that would let the hanging one win.
    monkeypatch.setenv("AVPLUG_PLUGIN_TIMEOUT", "0")
    for arguments in (
        ("--version",),
        ("plugins", "disable", "bad-hangs"),
        ("uninstall", "bad-hangs", "--dry-run"),
        ("install", "anything", "--dry-run"),
    ):
        done = run(*arguments)
        assert done.returncode == 0, (arguments, done.stderr)
        assert "Traceback" not in done.stderr
    rows = {r["distribution"]: r for r in json.loads(run("plugins", "--json").stdout)}
    assert rows["bad-hangs"]["state"] == "disabled"
    assert "avplug plugins enable bad-hangs" in rows["bad-hangs"]["problem"]
    assert run("plugins", "enable", "bad-hangs").returncode == 0


CAUGHT = {
    "raises": {"static/loads"},
    "exits": {"static/loads"},
    "hangs": {"static/loads"},
    "newer": {"static/loads"},
    "types": {"static/loads"},
    "clash": {"static/names"},
    "heavy": {"static/light"},
    "writes": {"static/quiet"},
    "changes": {"corruption/pure"},
    "labels": {"adaptation/labels-unseen"},
}


@pytest.mark.parametrize("name", CAUGHT)
def test_check_names_the_broken_promise(hostile, avplug, name):
    limit = "3" if name == "hangs" else "30"
    result = avplug("check", f"bad-{name}", "--limit", limit, "--json")
    assert result.exit_code == 1, result.output
    rows = json.loads(result.stdout)
    failed = {row["check"] for row in rows if row["state"] == "fail"}
    # These distributions have neither a description nor a licence, nor do they say
    # what they need; a class named by a target that is not there is another's fault.
    failed -= {"static/metadata", "static/pin", "static/target"}
    assert failed == CAUGHT[name]
    for row in rows:
        assert row["repeat"].startswith(f"avplug check bad-{name} -k ")
