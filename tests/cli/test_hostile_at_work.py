"""Rarer sabotage: at loading, all at once in one process, and in the middle of work."""

import json
import logging
import os
import subprocess
import sys
from textwrap import indent

import pytest

from tests.cli.hostile_plugins import HEAD, HOOK, LATE, spec
from tests.waiting import LONG

GIVES = HOOK.format(spec("{name}"))
#: Distribution, source, its state, and what stderr says of it.
ODD = {
    "base": ("raise type('Odd', (BaseException,), {})\n", "failed", "load: Odd."),
    "interrupt": ("raise KeyboardInterrupt\n", "failed", "load: KeyboardInterrupt."),
    "text": (
        "class E(Exception):\n    def __str__(self): 1 / 0\nraise E\n",
        "failed",
        "E: (its text cannot be made: ZeroDivisionError).",
    ),
    "repr": (
        HEAD + "class R:\n    def __repr__(self): 1 / 0\n" + HOOK.format("R()"),
        "failed",
        "failed in avplug_corruptions: ZeroDivisionError",
    ),
    "generator": (
        HEAD + "@hookimpl\ndef avplug_corruptions():\n"
        "    yield CorruptionSpec('half', 'x:Y')\n    raise SystemExit\n",
        "failed",
        "failed in avplug_corruptions: SystemExit.",
    ),
    "endless": (
        HEAD + "@hookimpl\ndef avplug_corruptions():\n"
        f"{indent(LATE, '    ')}    while True: yield from ()\n",
        "failed",
        "was not imported within",
    ),
    "nothing": (
        HEAD + "@hookimpl\ndef avplug_corruptions(): pass\n",
        "failed",
        "returned NoneType from avplug_corruptions",
    ),
    "arguments": (
        HEAD + "@hookimpl\ndef avplug_corruptions(spam): return []\n",
        "failed",
        "'spam'",
    ),
    "summary": (
        HEAD + HOOK.format("CorruptionSpec('odd', 'x:Y', 3)"),
        "failed",
        "CorruptionSpec(summary=...) is no str, but of type int",
    ),
    "syntax": ("def (:\n", "failed", "SyntaxError"),
    "recursion": ("def f(): f()\nf()\n", "failed", "RecursionError"),
    "asks": ("input()\n", "failed", "EOFError"),
    "descriptor": (
        HEAD + "import os\nos.write(1, b'{descriptor')\n" + GIVES,
        "ok",
        "{descriptor",
    ),
    "closes": (HEAD + "import sys\nsys.stdout.close()\n" + GIVES, "ok", ""),
    "replaces": (
        HEAD + "import builtins, sys\nbuiltins.print = sys.stdout = None\n" + GIVES,
        "ok",
        "",
    ),
    "thread": (
        HEAD + "import threading\n"
        "threading.Thread(target=threading.Event().wait).start()\n" + GIVES,
        "ok",
        "left a thread running: not waited for.",
    ),
    "moves": (
        HEAD + "import os\nos.chdir('/')\n" + GIVES,
        "ok",
        "changes the working folder while it loads",
    ),
    "deaf": (
        HEAD + "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n" + GIVES,
        "ok",
        "changes what SIGINT does while it loads",
    ),
    "strict": (
        HEAD + "import warnings\nwarnings.simplefilter('error')\n" + GIVES,
        "ok",
        "changes the filters of warnings while it loads",
    ),
}
#: Entry points that lead nowhere.
NOWHERE = {
    "module": ("it = nowhere_at_all", "No module named 'nowhere_at_all'"),
    "attribute": ("it = odd_attribute:nothing", "has no attribute 'nothing'"),
    "syntax-of-point": ("it = 1-2:3", "Invalid object reference"),
}


@pytest.fixture
def process(dists, monkeypatch):
    """Return a function that runs ``avplug`` in a process of its own, with plugins."""
    monkeypatch.setenv("PYTHONPATH", f"{dists.folder}{os.pathsep}{os.getcwd()}")
    monkeypatch.setenv("AVPLUG_PLUGIN_TIMEOUT", "600")

    def avplug(*arguments):
        monkeypatch.setenv("AVPLUG_LOAD_PLUGINS", ",".join(dists.names))
        return subprocess.run(
            [sys.executable, "-m", "avplug", *arguments],
            capture_output=True,
            text=True,
            timeout=LONG,
            stdin=subprocess.DEVNULL,
        )

    return avplug


def test_odd_plugins_cost_no_more_than_themselves(dists, process):
    for name, (source, _, _) in ODD.items():
        dists.add(f"odd-{name}", source.replace("{name}", name))
    for name, (points, _) in NOWHERE.items():
        dists.add(f"odd-{name}", "", points=points)
    dists.add("sound")
    done = process("plugins", "--json")
    assert done.returncode == 0, done.stderr
    assert "Traceback (most recent call last)" not in done.stderr
    rows = {row["distribution"]: row for row in json.loads(done.stdout)}
    assert rows["sound"]["components"] == ["corruption:fog"]
    for name, (_, state, says) in ODD.items():
        assert rows[f"odd-{name}"]["state"] == state, name
        assert says in done.stderr
        if state == "ok":
            assert rows[f"odd-{name}"]["components"] == [f"corruption:{name}"]
        else:
            assert f"plugin odd-{name} 1.0 (odd-{name}) " in done.stderr
    for name, (_, says) in NOWHERE.items():
        assert rows[f"odd-{name}"]["state"] == "failed", name
        assert says in rows[f"odd-{name}"]["problem"]


def test_what_ends_the_process_is_named_by_check(dists, avplug, monkeypatch):
    dists.add("odd-end", "import os\nos._exit(0)\n")
    dists.add("sound")
    monkeypatch.setenv("AVPLUG_LOAD_PLUGINS", "odd-end,sound")
    result = avplug("check", "-k", "static/loads", "--json")
    assert result.exit_code == 1
    states = {row["plugin"]: row for row in json.loads(result.stdout)}
    assert states["sound"]["state"] == "pass"
    assert "ended the process (exit code 0)" in states["odd-end"]["message"]


def test_what_crashes_in_compiled_code_is_told_with_its_place(dists, avplug, tmp_path):
    file = tmp_path / "odd.py"
    file.write_text(CRASHES)
    result = avplug("check", str(file), "-k", "pure", "--json")
    assert result.exit_code == 1
    (row,) = json.loads(result.stdout)
    assert row["message"].startswith("it ended the process (SIGSEGV in string_at of ")
    assert row["message"].endswith(", called by video of odd.py, line 8).")


CRASHES = """
import ctypes
from avplug import Corruption, CorruptionSpec, hookimpl
class Odd(Corruption):
    def scene(self, info, severity, rng):
        return None
    def video(self, frames, times, scene, rng):
        ctypes.string_at(0)
    def audio(self, samples, sample_rate, scene, rng):
        return samples
@hookimpl
def avplug_corruptions():
    return [CorruptionSpec("odd", f"{__name__}:Odd")]
"""
AT_WORK = """
    from avplug import AdaptationSpec, CorruptionSpec, MetricSpec, hookimpl

    def all_of(spec, *names, **more):
        return [spec(n, f"odd_classes:{n.title()}", "Odd", **more) for n in names]

    @hookimpl
    def avplug_corruptions():
        return all_of(CorruptionSpec, "exits", "nothing", "nan", profiles=("paper",))

    @hookimpl
    def avplug_adaptations():
        return all_of(AdaptationSpec, "leaves", "mute", "infinite", "flat")

    @hookimpl
    def avplug_metrics():
        return all_of(MetricSpec, "quits")

    @hookimpl
    def avplug_run_started(event):
        raise GeneratorExit

    @hookimpl
    def avplug_cell_finished(event):
        raise SystemExit
"""
CLASSES = """
import numpy as np
from avplug import Adapter, Corruption, Metric
class Exits(Corruption):
    profiles = ("paper",)
    def scene(self, info, severity, rng):
        return None
    def video(self, frames, times, scene, rng):
        raise SystemExit(0)
    def audio(self, samples, sample_rate, scene, rng):
        return samples
class Nothing(Exits):
    def video(self, frames, times, scene, rng):
        return None
class Nan(Exits):
    def video(self, frames, times, scene, rng):
        return frames
    def audio(self, samples, sample_rate, scene, rng):
        return samples * np.float32("nan")
class Leaves(Adapter):
    def step(self, batch):
        raise SystemExit(0)
class Mute(Adapter):
    def step(self, batch):
        return None
class Infinite(Adapter):
    def step(self, batch):
        return self.model.classify(batch) * float("inf")
class Flat(Adapter):
    def step(self, batch):
        return self.model.classify(batch)[:, 0]
class Quits(Metric):
    def compute(self, predictions, weights):
        raise SystemExit(0)
"""


@pytest.fixture
def at_work(dists, monkeypatch):
    dists.add("odd-work", AT_WORK)
    (dists.folder / "odd_classes.py").write_text(CLASSES)
    monkeypatch.setenv("AVPLUG_LOAD_PLUGINS", "odd-work")
    return ("-s", "3", "-o", "dataset.clips=2", "--no-report")


def test_a_run_loses_the_cells_of_the_culprits_only(at_work, avplug, tmp_path, caplog):
    out = str(tmp_path / "out")
    wanted = ("-c", "rain", "-c", "exits", "-c", "nothing", "-c", "nan")
    methods = ("--tta", "leaves,mute,infinite,flat")
    result = avplug(
        *("run", "--tta", "source", *wanted, *at_work, "--out", out),
    )
    assert result.exit_code == 1, result.output
    assert "2 cells computed, 0 found finished, 3 failed" in result.stderr
    for says in (
        "'exits' (odd_classes.Exits) tried to end the program: SystemExit: 0.",
        "'nothing' returned NoneType as video, no array.",
        "'nan' made audio that is not finite.",
        "plugin odd-work:odd-work failed in avplug_run_started",
        "plugin odd-work:odd-work failed in avplug_cell_finished",
    ):
        assert says in caplog.text
    again = avplug(
        "run", "--tta", "source", *methods, "-c", "rain", *at_work, "--out", out
    )
    assert again.exit_code == 1, again.output
    assert "0 cells computed, 2 found finished, 8 failed" in again.stderr
    error = "PluginError: Error in plugin odd-work 1.0 (odd-work): SystemExit: 0"
    assert f"leaves clean seed 0 failed. {error}, in odd_classes.py" in caplog.text
    error = "PluginError: The answer is of type NoneType where logits [2, classes] are"
    assert f"mute clean seed 0 failed. {error} due." in caplog.text
    error = "PluginError: The answer is of shape [2] where logits"
    assert f"flat clean seed 0 failed. {error}" in caplog.text
    assert "The logits are not finite." in caplog.text


def test_debug_shows_the_traceback_of_a_failed_cell(at_work, avplug, tmp_path):
    words = ("--tta", "leaves", "-c", "rain", *at_work, "--out", str(tmp_path / "out"))
    told = avplug("--debug", "run", *words).stderr
    assert "Traceback of cell " in told
    assert "    raise SystemExit(0)\n" in told
    # Of this command alone.
    assert not logging.getLogger("avplug").isEnabledFor(logging.DEBUG)


def test_a_metric_that_exits_costs_the_report_and_no_result(at_work, avplug, tmp_path):
    out = str(tmp_path / "out")
    words = ("-c", "rain", "--metric", "quits", *at_work, "--out", out)
    result = avplug("run", *words)
    assert result.exit_code == 0, result.output
    assert "2 cells computed" in result.stderr
    told = avplug("report", out, "--resamples", "0", "--json")
    assert told.exit_code == 4
    assert "Error in plugin odd-work 1.0 (odd-work): SystemExit: 0" in told.stderr
    sound = avplug("report", out, "--metric", "top1", "--resamples", "0", "--json")
    assert sound.exit_code == 0


@pytest.mark.parametrize("name", ["exits", "nothing", "nan"])
def test_a_preview_names_the_culprit(at_work, avplug, tmp_path, name):
    out = str(tmp_path / "out.png")
    result = avplug("preview", "-c", name, "-s", "3", "--out", out)
    assert result.exit_code == 4
    assert f"Error: Corruption '{name}'" in result.stderr
    assert "Traceback (most" not in result.stderr


def test_debug_shows_where_a_plugin_failed(at_work, avplug, tmp_path):
    out = str(tmp_path / "out.png")
    result = avplug("--debug", "preview", "-c", "exits", "-s", "3", "--out", out)
    assert "SystemExit" in repr(result.exception.__cause__)
