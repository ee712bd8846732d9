"""``avplug run`` on other executors: its options, signals, and scripts for jobs."""

import os
import shlex
import signal
import subprocess
import sys

import pytest

from avplug.bench.store import Store
from tests.bench.test_runner import equal, results
from tests.bench.toys import checkpoint
from tests.waiting import LONG, alive, gone, until


def arguments(tmp_path, name, *more):
    return [
        *("run", "--no-report", "--weights", checkpoint(tmp_path), "--limit", "24"),
        *("--corruption", "gaussian", "--severity", "1,5", "--tta", "source,tent"),
        *("--device", "cpu", "--out", str(tmp_path / name), *more),
    ]


def test_j_means_local_processes(avplug, tmp_path):
    assert avplug(*arguments(tmp_path, "one")).exit_code == 0
    result = avplug(*arguments(tmp_path, "two", "-j", "2"))
    assert result.exit_code == 0
    assert "(6/6)" in result.stderr
    assert equal(results(tmp_path / "one"), results(tmp_path / "two"))
    config = Store(tmp_path / "two").run["config"]
    assert config["executor"] == "local"
    assert config["options"] == {"executor": {"processes": 2}}


def test_an_option_that_the_executor_has_not_is_refused(avplug, tmp_path):
    more = ("--executor", "in-process", "-j", "2")
    result = avplug(*arguments(tmp_path, "one", *more))
    assert result.exit_code == 2
    assert "'in-process' has no option 'processes'" in result.stderr


def test_the_address_of_a_cluster_means_ray(avplug, tmp_path):
    pytest.importorskip("ray", reason="ray is not installed")
    more = ("--ray-address", "127.0.0.1:1", "-o", "executor.cpus=-1")
    result = avplug(*arguments(tmp_path, "one", *more))
    assert result.exit_code == 2
    assert "Executor 'avplug/ray'" in result.stderr
    assert "cpus must be positive" in result.stderr


def test_a_worker_that_cannot_plan_the_run_ends_it(avplug, tmp_path):
    more = ("-j", "1", "--device", "cuda:77")
    result = avplug(*arguments(tmp_path, "one", *more))
    assert result.exit_code == 1
    assert "cannot plan the run: Device 'cuda:77' cannot be used" in result.stderr


def children(pid):
    path = f"/proc/{pid}/task/{pid}/children"
    with open(path) as file:
        return [int(child) for child in file.read().split()]


#: A corruption that does nothing, and that only once a file is gone.
HOLD = """
import time
from pathlib import Path
from avplug import Corruption, CorruptionSpec, hookimpl
class Hold(Corruption):
    def scene(self, info, severity, rng):
        while Path(__file__).with_name("held").exists():
            time.sleep(0.02)
    def video(self, frames, times, scene, rng):
        return frames
    def audio(self, samples, sample_rate, scene, rng):
        return samples
@hookimpl
def avplug_corruptions():
    return [CorruptionSpec("hold", f"{__name__}:Hold", "Hold")]
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_ends_the_run_and_the_same_command_goes_on(
    avplug, tmp_path, monkeypatch, number
):
    monkeypatch.delenv("AVPLUG_NO_PLUGINS")
    monkeypatch.setenv("AVPLUG_LOAD_PLUGINS", "none")
    (tmp_path / "hold.py").write_text(HOLD)
    plugin = ("--plugin", str(tmp_path / "hold.py"))
    # It does not come to its end before it is ended.
    held = tmp_path / "held"
    held.touch()
    more = ("--corruption", "hold")
    command = [*plugin, *arguments(tmp_path, "run", *more, "-j", "2")]
    driver = subprocess.Popen(
        [sys.executable, "-m", "avplug", *command], stderr=subprocess.PIPE, text=True
    )
    cells = tmp_path / "run" / "cells"
    until(lambda: driver.poll() is not None or any(cells.glob("[!.]*")))
    assert driver.poll() is None
    workers = children(driver.pid)
    assert any(map(alive, workers))
    driver.send_signal(number)
    _, said = driver.communicate(timeout=LONG)
    gone(workers)
    if number == signal.SIGKILL:
        assert driver.returncode == -signal.SIGKILL
    else:
        assert driver.returncode == 130
        assert "finished cells are kept" in said
        assert "The same command again goes on." in said
        assert "Traceback" not in said
        assert not any(cells.glob(".*"))
    kept = sum(1 for _ in cells.glob("[!.]*"))
    assert 0 < kept <= 6
    held.unlink()
    result = avplug(*command)
    assert result.exit_code == 0
    assert f"{10 - kept} cells computed, {kept} found finished" in result.stderr
    assert avplug(*plugin, *arguments(tmp_path, "whole", *more)).exit_code == 0
    assert equal(results(tmp_path / "whole"), results(tmp_path / "run"))


def bash(*command, **more):
    return subprocess.run(
        ["bash", *command], check=True, capture_output=True, text=True, **more
    )


@pytest.mark.parametrize("flavour", ["bash", "slurm"])
def test_an_emitted_script_does_the_run(avplug, tmp_path, flavour):
    odd = tmp_path / 'it\'s a "folder"'
    odd.mkdir()
    command = arguments(tmp_path, odd.name, "-o", "tent.lr=1e-3")
    printed = avplug(*command, "--emit-script", flavour).stdout
    assert ("#SBATCH" in printed) == (flavour == "slurm")
    # The tests' device is the CPU.
    assert "--gpus" not in printed
    assert not (odd / "run.json").exists()
    script = tmp_path / "job.sh"
    script.write_text(printed)
    bash("-n", str(script))
    if flavour == "slurm":
        # The other flavour is run; this one differs in comments alone.
        assert "#SBATCH --signal=" in printed
        return
    ran = bash(str(script), env={**os.environ, "AVPLUG_NO_PLUGINS": "1"})
    assert "6 cells computed" in ran.stderr
    again = avplug(*command)
    assert "0 cells computed, 6 found finished" in again.stderr


def test_a_script_can_be_written_and_names_plugins(avplug, tmp_path, monkeypatch):
    monkeypatch.delenv("AVPLUG_NO_PLUGINS")
    monkeypatch.chdir(tmp_path)
    plugin = tmp_path / "a plugin.py"
    plugin.write_text("")
    result = avplug(
        *("--plugin", "a plugin.py", "run", "--device", "cuda"),
        *("--emit-script", "job.sh"),
    )
    assert "sbatch job.sh" in result.stderr
    text = (tmp_path / "job.sh").read_text()
    bash("-n", "job.sh", cwd=tmp_path)
    assert f"--plugin {shlex.quote(str(plugin))}" in text
    assert f"cd {tmp_path}" in text
    assert "#SBATCH --gpus=1" in text
    assert 'device = "cuda"' in text


def test_a_job_that_submits_jobs_is_refused(avplug):
    result = avplug("run", "--executor", "slurm", "--emit-script", "slurm")
    assert result.exit_code == 2
    assert "needs no script" in result.stderr
    nowhere = avplug("run", "--emit-script", "none/job.sh")
    assert nowhere.exit_code == 2
    assert "Cannot write none/job.sh" in nowhere.stderr
