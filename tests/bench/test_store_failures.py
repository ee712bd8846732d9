"""Full disks, folders that take nothing, clips that fail: nothing finished is lost."""

import errno
import json
import os
import subprocess
from pathlib import Path

import pytest

from avplug.bench import energy, nvml, provenance, retrying
from avplug.bench.energy import EnergyMeter
from avplug.bench.planning import make_plan
from avplug.bench.provenance import environment, git_state
from avplug.bench.runner import run
from avplug.bench.store import Store
from avplug.builtin_datasets.events.dataset import Events
from avplug.core.errors import MediaError, StoppedError, StorageError, UsageError
from avplug.core.registry import get_registry
from tests.bench.test_runner import equal, results
from tests.bench.test_store import IDENTITY, predictions
from tests.bench.toys import config
from tests.waiting import LONG

torch = pytest.importorskip("torch")


def settings(tmp_path, out, **changes):
    changes = {"corruptions": ("gaussian",), "limit": 12, **changes}
    return config(tmp_path, out=str(out), **changes)


@pytest.fixture
def tmpfs(tmp_path):
    """A function that mounts a file system of a size, or changes that of one."""
    folder = tmp_path / "small"
    folder.mkdir()

    def mount(options):
        words = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
        try:
            done = subprocess.run(words, capture_output=True, text=True)
        except FileNotFoundError:
            pytest.skip("there is no mount")
        if done.returncode:
            pytest.skip(f"mounting is not permitted: {done.stderr.strip()}")
        return folder

    yield mount
    subprocess.run(["umount", str(folder)], capture_output=True)


def test_a_disk_that_runs_full_loses_nothing(tmp_path, tmpfs):
    whole = run(settings(tmp_path, tmp_path / "whole"), get_registry())
    small = tmpfs("size=2m")
    # Room for all but the last two files, and for the writer's name.
    pages = [-(-p.stat().st_size // 4096) for p in whole.folder.rglob("*.*")]
    ballast = small / "ballast"
    ballast.write_bytes(bytes((2 << 20) - 4096 * (sum(pages) + 1 - 2)))
    with pytest.raises(StorageError) as error:
        run(settings(tmp_path, small / "out"), get_registry())
    assert "No space left on device" in error.value.message
    assert "MB are free there. Free some space" in error.value.hint
    left = [path.name for path in (small / "out" / "cells").iterdir()]
    assert 0 < len(left) < 3
    assert not any(name.startswith(".") for name in left)
    kept = results(small / "out")
    assert sorted(kept) == sorted(left)
    ballast.unlink()
    again = run(settings(tmp_path, small / "out"), get_registry())
    assert (again.computed, again.reused) == (3 - len(left), len(left))
    assert equal(results(whole.folder), results(again.folder))


def test_a_folder_on_a_read_only_disk_is_told_before_anything_is_loaded(
    tmp_path, tmpfs, monkeypatch
):
    out = tmpfs("size=1m") / "out"
    tmpfs("remount,ro")
    monkeypatch.setattr("avplug.bench.runner.make_plan", None)
    with pytest.raises(StorageError) as error:
        run(settings(tmp_path, out), get_registry())
    assert "Read-only file system" in error.value.message
    assert "--out" in error.value.hint


@pytest.mark.parametrize("file", ["cell.json", "predictions.npz", "record.json"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_a_write_that_fails_leaves_no_half_cell(tmp_path, monkeypatch, file, number):
    store = Store(tmp_path)
    whole = store.put({**IDENTITY, "seed": 1}, predictions(), {})
    opened = Path.open

    def full(self, *arguments, **options):
        if self.name == file and arguments[:1] == ("wb",):
            raise OSError(number, os.strerror(number))
        return opened(self, *arguments, **options)

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(StorageError, match="Cannot write cell"):
        store.put(IDENTITY, predictions(), {})
    monkeypatch.setattr(Path, "open", opened)
    assert [path.name for path in (tmp_path / "cells").iterdir()] == [whole.id]
    assert store.get(whole.id) is not None
    assert store.put(IDENTITY, predictions(), {}).folder.is_dir()


def test_a_full_disk_ends_the_run_at_its_first_cell(tmp_path, monkeypatch):
    def full(self, *arguments, **options):
        raise StorageError("Full.", "Free some.")

    monkeypatch.setattr(Store, "put", full)
    with pytest.raises(StorageError, match="Full"):
        run(settings(tmp_path, tmp_path / "out"), get_registry())
    assert "failed" not in Store(tmp_path / "out").run


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b"null", b"\xff\xfe", None])
def test_a_damaged_plan_is_told_and_written_again(tmp_path, damage):
    base = run(settings(tmp_path, tmp_path / "out"), get_registry())
    path = tmp_path / "out" / "run.json"
    sound = path.read_bytes()
    flipped = sound.replace(b"gaussian", b"gaussiam", 1)
    path.write_bytes(flipped if damage is None else damage)
    with pytest.raises(UsageError) as error:
        Store(tmp_path / "out").cells()
    assert "damaged" in error.value.message
    assert "the command that made it" in error.value.hint.lower()
    again = run(settings(tmp_path, tmp_path / "out"), get_registry())
    assert (again.computed, again.reused) == (0, 3)
    assert len(results(base.folder)) == 3


@pytest.mark.parametrize("name", ["cell.json", "predictions.npz", "record.json"])
@pytest.mark.parametrize("damage", ["flip", "cut", "remove"])
def test_a_damaged_cell_is_computed_again_and_no_other(tmp_path, name, damage):
    base = run(settings(tmp_path, tmp_path / "out"), get_registry())
    before = results(base.folder)
    one, *others = (tmp_path / "out" / "cells").iterdir()
    files = [path for other in others for path in other.iterdir()]
    stamps = {path: path.stat().st_mtime_ns for path in files}
    data = bytearray((one / name).read_bytes())
    if damage == "flip":
        data[len(data) // 2] ^= 1
    (one / name).write_bytes(data[: len(data) // 2] if damage == "cut" else data)
    if damage == "remove":
        (one / name).unlink()
    again = run(settings(tmp_path, tmp_path / "out"), get_registry())
    assert (again.computed, again.reused) == (1, 2)
    assert equal(before, results(again.folder))
    assert stamps == {path: path.stat().st_mtime_ns for path in stamps}
    assert [p.name[:20] for p in (tmp_path / "out" / "damaged").iterdir()] == [one.name]


@pytest.fixture
def broken(tmp_path, monkeypatch):
    """Ids of clips that cannot be read, and how often that is so."""
    load = Events.load
    left = {}

    def failing(self, ref, spec):
        if left.get(ref.id, 0):
            left[ref.id] -= 1
            raise MediaError(f"{ref.id} is not there now.")
        return load(self, ref, spec)

    monkeypatch.setattr(Events, "load", failing)
    monkeypatch.setattr(retrying, "PAUSES", (0.0,))
    plan = make_plan(settings(tmp_path, tmp_path / "out"), get_registry())
    left["ids"] = [ref.id for ref in plan.clips]
    return left


def test_a_clip_is_read_again_and_the_record_says_so(tmp_path, broken):
    first, second = broken.pop("ids")[:2]
    broken |= {first: 2, second: 1}
    summary = run(settings(tmp_path, tmp_path / "out", retries=2), get_registry())
    for cell in Store(summary.folder).cells():
        assert cell.record["clips"] == {"evaluated": 12, "failed": 0}
        assert cell.record["retries"] == {first: 2, second: 1}


def test_stop_ends_at_the_first_clip_that_fails(tmp_path, broken):
    name = broken.pop("ids")[5]
    broken[name] = 99
    with pytest.raises(StoppedError) as error:
        run(settings(tmp_path, tmp_path / "out", on_error="stop"), get_registry())
    assert f"Clip '{name}'" in error.value.message
    assert "the same command again goes on" in error.value.hint
    assert len(Store(tmp_path / "out").run["failed"]) == 1
    broken[name] = 0
    summary = run(settings(tmp_path, tmp_path / "out", on_error="stop"), get_registry())
    assert summary.computed == 3


def test_failed_clips_are_tried_again_when_asked(tmp_path, broken):
    one, two = broken.pop("ids")[:2]
    broken |= {one: 99, two: 99}
    arguments = settings(tmp_path, tmp_path / "out", tta=("source", "tent"))
    first = run(arguments, get_registry())
    assert first.failed == {}
    lacking = {cell.id for cell in Store(first.folder).cells()}
    assert len(lacking) == 6
    # Unasked, a finished cell stays as it is.
    assert run(arguments, get_registry()).computed == 0
    # As many fail as before: the cell that stands is kept.
    kept = {path: path.stat().st_mtime_ns for path in _files(first.folder)}
    assert run(arguments, get_registry(), retry_failed=True).computed == 6
    assert kept == {path: path.stat().st_mtime_ns for path in _files(first.folder)}
    broken |= {one: 0, two: 0}
    assert run(arguments, get_registry(), retry_failed=True).computed == 6
    assert run(arguments, get_registry(), retry_failed=True).computed == 0
    undisturbed = run(
        settings(tmp_path, tmp_path / "whole", tta=("source", "tent")), get_registry()
    )
    assert equal(results(undisturbed.folder), results(first.folder))
    assert not list((first.folder / "superseded").iterdir())


def _files(folder):
    return sorted((folder / "cells").glob("*/*"))


def test_a_kill_between_the_renames_of_a_replacement_loses_nothing(tmp_path):
    store = Store(tmp_path)
    stored = store.put(IDENTITY, predictions(), {})
    old = tmp_path / "superseded" / stored.id
    old.parent.mkdir()
    stored.folder.rename(old)
    store.clear()
    assert store.get(stored.id) is not None
    assert not old.exists()


def test_an_environment_is_stored_once_and_read_through_the_cell(tmp_path):
    store = Store(tmp_path)
    facts = {"avplug": "1", "packages": {"numpy": "2"}}
    cells = [
        store.put({**IDENTITY, "seed": seed}, predictions(), {"environment": facts})
        for seed in range(3)
    ]
    assert len(list((tmp_path / "environments").iterdir())) == 1
    assert all(cell.environment() == facts for cell in cells)
    (path,) = (tmp_path / "environments").iterdir()
    path.write_text(path.read_text().replace("2", "3"))
    assert "does not match its hash" in str(cells[0].environment())


def test_the_environment_tells_no_names(tmp_path):
    facts = json.dumps(environment(torch.device("cpu")))
    assert os.uname().nodename not in facts
    assert str(Path.home()) not in facts
    for key in ("packages", "cpu_model", "memory_gb", "plugins", "numpy"):
        assert f'"{key}"' in facts


def test_the_state_of_a_users_own_file_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(provenance, "_GIT_SECONDS", LONG)
    file = tmp_path / "mine.py"
    file.write_text("class Net: ...\n")
    assert git_state(file) is None
    for words in (
        ("init", "-q"),
        ("add", "mine.py"),
        ("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", "x"),
    ):
        subprocess.run(["git", "-C", str(tmp_path), *words], check=True)
    git_state.cache_clear()
    state = git_state(file)
    assert (state["dirty"], state["tracked"], len(state["commit"])) == (False, True, 40)
    file.write_text("class Net: pass\n")
    git_state.cache_clear()
    source = environment(torch.device("cpu"), [f"{file}:Net", "cav-mae:tiny"])["source"]
    assert source["mine.py"]["git"]["dirty"] is True
    assert len(source["mine.py"]["sha256"]) == 64


def package(folder, number, energy, largest=1_000_000_000):
    zone = folder / f"intel-rapl:{number}"
    zone.mkdir(parents=True, exist_ok=True)
    (zone / "energy_uj").write_text(f"{energy}\n")
    (zone / "max_energy_range_uj").write_text(f"{largest}\n")


def test_joules_of_packages_add_up_over_their_counters_end(tmp_path):
    package(tmp_path, 0, 999_000_000)
    package(tmp_path, 1, 5_000_000)
    # A part of a package, counted in it.
    package(tmp_path, "0:0", 0)
    meter = EnergyMeter(torch.device("cpu"), tmp_path)
    package(tmp_path, 0, 2_000_000)
    meter.see()
    package(tmp_path, 0, 3_000_000)
    package(tmp_path, 1, 6_000_000)
    facts = meter.facts()
    assert facts == {"joules": {"cpu": pytest.approx(5.0)}, "missing": {}}
    assert meter.facts(sharers=5)["joules"]["cpu"] == pytest.approx(1.0)
    both = energy.add([facts, {"joules": None, "missing": {"cpu": "no"}}])
    assert both == {"joules": None, "missing": {"cpu": "no"}}
    assert energy.add([facts, facts])["joules"] == {"cpu": pytest.approx(10.0)}


def test_joules_that_nobody_counts_are_missing_with_a_reason(tmp_path, monkeypatch):
    (tmp_path / "intel-rapl:0").mkdir()
    facts = EnergyMeter(torch.device("cpu"), tmp_path).facts()
    assert facts["joules"] is None
    assert "cannot be read" in facts["missing"]["cpu"]
    monkeypatch.setattr(nvml, "_LIBRARY", "libno-such-driver.so")
    nvml._library.cache_clear()
    with pytest.raises(nvml.NvmlError, match="cannot be loaded"):
        nvml.driver_version()


class FakeDriver:
    """Answers as NVIDIA's library does: by return codes and pointers."""

    def nvmlInit_v2(self):
        return 0

    def nvmlSystemGetDriverVersion(self, text, size):
        text.value = b"580.1"
        return 0

    def nvmlDeviceGetHandleByUUID(self, uuid, handle):
        return 0 if uuid == b"GPU-abc" else 6

    def nvmlDeviceGetTotalEnergyConsumption(self, handle, energy):
        energy._obj.value = 12_500
        return 0


def test_the_driver_tells_joules_of_the_device_that_torch_means(monkeypatch):
    class Properties:
        uuid = "abc"

    monkeypatch.setattr(nvml, "_library", FakeDriver)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: Properties)
    assert nvml.driver_version() == "580.1"
    assert nvml.joules(torch.device("cuda")) == 12.5
    Properties.uuid = "other"
    with pytest.raises(nvml.NvmlError, match="GetHandleByUUID gives error 6"):
        nvml.joules(torch.device("cuda"))
