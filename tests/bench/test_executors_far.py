"""Executors that leave it to others to run processes: what dies, is done again."""

import os
import time

import pytest

from avplug.bench.executors.heartbeat import beating, end_with
from avplug.core.errors import WorkerLostError
from tests.bench.test_executors_agree import ray_cluster as ray_cluster
from tests.bench.works import Double


def run(executor, tasks):
    told = []
    outcomes = dict(executor.run(tasks, Double(), lambda *news: told.append(news)))
    return outcomes, told


@pytest.fixture(params=["ray", "slurm"])
def executor(request, tmp_path):
    """Make an executor, given how many workers may die of a task."""
    if request.param == "ray":
        request.getfixturevalue("ray_cluster")
        from avplug.bench.executors.ray_cluster import RayCluster

        return lambda attempts: RayCluster(attempts=attempts)
    pytest.importorskip("submitit", reason="submitit is not installed")
    from submitit.core.core import Job

    # It waits for results on slow file systems.
    request.getfixturevalue("monkeypatch").setattr(Job, "_results_timeout_s", 0)
    from avplug.bench.executors.slurm import Slurm

    folder = str(tmp_path / "jobs")
    return lambda attempts: Slurm(
        cluster="local", jobs=2, folder=folder, attempts=attempts
    )


def test_outcomes_and_exceptions_come_with_their_tasks(executor):
    tasks = [("double", 1), ("raise", "seven"), ("double", 3)]
    outcomes, told = run(executor(1), tasks)
    assert outcomes["double", 1] == 2
    assert outcomes["double", 3] == 6
    assert outcomes["raise", "seven"].args == ("seven",)
    assert (("double", 1), 0) in told
    assert (("double", 1), 1) in told
    assert run(executor(1), [])[0] == {}


def test_lost_workers_are_replaced_up_to_a_number(executor, tmp_path):
    once = ("die_once", str(tmp_path / "died"))
    tasks = [once, ("die", 0), ("double", 1)]
    outcomes, _ = run(executor(2), tasks)
    assert outcomes[once] == "survived"
    assert outcomes["double", 1] == 2
    error = outcomes["die", 0]
    assert isinstance(error, WorkerLostError)
    assert "2 workers died" in str(error)


def test_a_job_ends_when_the_run_gives_no_sign_of_life(tmp_path):
    pulse = tmp_path / "alive"
    with beating(pulse):
        pid = os.fork()
        if not pid:
            end_with(pulse, 0.6)
            time.sleep(600)
            os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 1
