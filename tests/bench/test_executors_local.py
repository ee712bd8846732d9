"""Worker processes of this machine: watched, replaced, and gone with the run."""

import os
import signal
import subprocess
import sys
from collections import Counter

import pytest

from avplug.bench.executors import local, slots
from avplug.bench.executors.local import Local
from avplug.core.errors import UsageError, WorkerLostError, WorkerSetupError
from avplug.core.records import PluginRecord
from avplug.core.registry import get_registry
from tests.bench import works
from tests.bench.works import Double, Stillborn, Unreadable
from tests.waiting import alive, gone, until


def run(tasks, work=None, **options):
    """Return what came of the tasks, and the clips that were told of each."""
    told = Counter()
    begun = []

    def tell(task, count):
        told[task] += count
        if not count:
            begun.append(task)

    options = {"processes": 2, **options}
    outcomes = dict(Local(**options).run(tasks, work or Double(), tell))
    assert set(begun) == set(tasks)
    return outcomes, told


def test_each_task_comes_with_its_own_outcome():
    tasks = [("double", n) for n in range(9)]
    outcomes, told = run(tasks)
    assert outcomes == {task: 2 * task[1] for task in tasks}
    assert told == Counter(tasks)
    assert run([])[0] == {}


def test_what_a_task_raises_comes_with_it_and_says_where():
    outcomes, _ = run([("raise", "seven"), ("double", 1), ("raise_odd", "one")])
    error = outcomes["raise", "seven"]
    assert type(error) is ValueError
    assert error.args == ("seven",)
    assert "works.py" in error.__notes__[0]
    assert outcomes["double", 1] == 2
    odd = outcomes["raise_odd", "one"]
    assert type(odd) is RuntimeError
    assert str(odd) == "Odd: one"
    assert "works.py" in odd.__notes__[0]


def test_a_task_whose_worker_dies_is_done_again(tmp_path):
    task = ("die_once", str(tmp_path / "died"))
    outcomes, told = run([task, ("double", 2)])
    assert outcomes == {task: "survived", ("double", 2): 4}
    # What the lost worker had told is taken back.
    assert told[task] == 5


def test_a_task_that_kills_each_of_its_workers_fails_alone():
    tasks = [("die", 0), *(("double", n) for n in range(4))]
    outcomes, _ = run(tasks, attempts=2)
    error = outcomes.pop(("die", 0))
    assert isinstance(error, WorkerLostError)
    assert "2 workers died" in str(error)
    assert "killed by SIGKILL" in str(error)
    assert outcomes == {task: 2 * task[1] for task in tasks[1:]}


def test_a_crash_says_in_whose_code(monkeypatch):
    (outcome,) = run([("crash", 0)], attempts=1)[0].values()
    assert "killed by SIGSEGV in string_at of __init__.py, line " in str(outcome)
    assert ", called by " in str(outcome)
    record = PluginRecord("avplug-odd", "1.0", "odd", module_file=works.__file__)
    monkeypatch.setattr(local, "loaded_plugins", lambda: [record])
    (outcome,) = run([("crash", 0)], attempts=1)[0].values()
    where = "SIGSEGV in plugin avplug-odd 1.0 (odd), _crash of works.py, line "
    assert where in outcome.message
    assert outcome.hint.endswith("avplug plugins disable avplug-odd")


def test_a_task_that_cannot_be_read_fails_alone():
    # A single worker: it is none the worse.
    bad, good = Unreadable(), ("double", 2)
    outcomes, _ = run([bad, good], processes=1)
    assert isinstance(outcomes[bad], ValueError)
    assert outcomes[good] == 4


def test_a_worker_that_dies_is_seen_whatever_it_has_forked(tmp_path):
    outcomes, _ = run([("fork_and_die", str(tmp_path))], attempts=1)
    (error,) = outcomes.values()
    assert isinstance(error, WorkerLostError)
    (child,) = [int(path.name) for path in tmp_path.iterdir()]
    assert alive(child), "its end was waited for"
    os.kill(child, signal.SIGKILL)


def test_a_worker_that_holds_too_much_memory_is_replaced():
    tasks = [("where", n) for n in range(3)]
    kept, _ = run(tasks, processes=1)
    assert len({pid for pid, _, _ in kept.values()}) == 1
    replaced, _ = run(tasks, processes=1, memory_gb=0.001)
    assert len({pid for pid, _, _ in replaced.values()}) == 3


def test_workers_share_cores_and_threads_out(monkeypatch):
    monkeypatch.setattr(slots, "_cores", lambda: list(range(5)))
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    two = slots.slots(2, "cpu")
    assert [slot.cores for slot in two] == [(0, 1), (2, 3, 4)]
    assert {slot.variables["OMP_NUM_THREADS"] for slot in two} == {"2"}
    assert [slot.cores for slot in slots.slots(6, "cpu")] == [()] * 6
    monkeypatch.setattr(slots, "_memory", lambda: 3 * slots._WORKER)
    assert len(slots.slots(0, "cpu")) == 3
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    assert slots.slots(2, "cpu")[0].variables["OMP_NUM_THREADS"] == "7"


def test_a_worker_runs_on_its_cores():
    place = slots.slots(1, "cpu")[0]
    outcomes, _ = run([("where", 0)], processes=1)
    _, cores, threads = outcomes["where", 0]
    assert tuple(cores) == place.cores
    assert threads == place.variables["OMP_NUM_THREADS"]


def test_gpus_are_dealt_out_in_turn(monkeypatch):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)

    def seen(count, device):
        places = slots.slots(count, device)
        return [slot.variables.get("CUDA_VISIBLE_DEVICES") for slot in places]

    assert seen(0, "auto") == ["0", "1"]
    assert seen(3, "cuda") == ["0", "1", "0"]
    assert seen(2, "cuda:1") == [None, None]
    assert seen(2, "cpu") == [None, None]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5, GPU-1f")
    assert seen(0, "cuda") == ["5", "GPU-1f"]


def test_workers_that_cannot_start_end_the_run():
    with pytest.raises(WorkerSetupError, match="ended with code 3"):
        run([("double", 1)], Stillborn())


def test_results_can_be_left_and_no_worker_stays(tmp_path):
    tasks = [("where", 0), ("sleep", str(tmp_path))]
    running = Local(processes=2).run(tasks, Double(), lambda task, count: None)
    _, (pid, _, _) = next(running)
    until(lambda: list(tmp_path.iterdir()))
    pids = [pid, *(int(path.name) for path in tmp_path.iterdir())]
    assert all(map(alive, pids))
    running.close()
    assert not any(map(alive, pids))


def test_what_workers_print_stays_off_stdout(capfd):
    run([("print", "hello")])
    out, err = capfd.readouterr()
    assert (out, err) == ("", "hello")


DRIVER = """
import os, signal, sys, time
from pathlib import Path
from avplug.bench.executors.local import Local
from tests.bench import works
from tests.bench.works import Double
workers, forked = sys.argv[1:]
begun = []
def tell(task, count):
    begun.append(task)
    if len(begun) == 2 and forked and not os.fork():
        Path(forked, str(os.getpid())).touch()
        time.sleep(600)
        os._exit(0)
tasks = [("sleep", workers), ("sleep", workers + "/")]
list(Local(processes=2).run(tasks, Double(), tell))
"""


@pytest.mark.parametrize(
    ("number", "forks"),
    [(signal.SIGKILL, 0), (signal.SIGKILL, 1), (signal.SIGTERM, 0), (signal.SIGINT, 0)],
)
def test_no_worker_outlives_the_process_that_started_it(tmp_path, number, forks):
    folders = [tmp_path / "workers", tmp_path / "forked"]
    for folder in folders:
        folder.mkdir()
    words = [str(folders[0]), str(folders[1]) if forks else ""]
    driver = subprocess.Popen(
        [sys.executable, "-c", DRIVER, *words], stderr=subprocess.DEVNULL
    )

    def pids():
        assert driver.poll() is None
        found = [[int(path.name) for path in folder.iterdir()] for folder in folders]
        return found if list(map(len, found)) == [2, forks] else None

    workers, forked = until(pids)
    assert all(map(alive, [*workers, *forked]))
    os.kill(driver.pid, number)
    until(lambda: driver.poll() is not None, pids=[driver.pid, *workers])
    gone(workers)
    # It holds the socket to them, as what the driver has forked does.
    for pid in forked:
        assert alive(pid)
        os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize(
    "options", [{"processes": -1}, {"attempts": 0}, {"memory_gb": -1}, {"shard": -1}]
)
def test_numbers_out_of_range_are_refused(options):
    from avplug.bench.prepare import construct

    with pytest.raises(UsageError, match=next(iter(options))):
        construct(get_registry().get("executor", "local"), options)
