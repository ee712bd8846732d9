"""The same run on every executor gives the same predictions, bit for bit."""

import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest

from avplug.bench.runner import run
from avplug.bench.store import Store
from avplug.core.errors import UsageError
from avplug.core.manager import configure
from avplug.core.records import PluginSettings
from avplug.core.registry import get_registry
from tests.bench.toys import checkpoint, config

#: A corruption in a file, as --plugin takes it.
PLUGIN = """
    from avplug import Corruption, CorruptionSpec, hookimpl

    class Dim(Corruption):
        def scene(self, info, severity, rng):
            return int(rng.bytes(1)[0]) / 255

        def video(self, frames, times, scene, rng):
            return (frames * scene).astype(frames.dtype)

        def audio(self, samples, sample_rate, scene, rng):
            return (samples * scene).astype(samples.dtype)

    @hookimpl
    def avplug_corruptions():
        return [CorruptionSpec("dim", f"{__name__}:Dim", "Dim", category="weather")]
"""


@pytest.fixture(scope="module")
def ray_cluster():
    """A Ray cluster of two cores, for all tests of the module."""
    ray = pytest.importorskip("ray", reason="ray is not installed")
    # Sockets in it must have short paths.
    folder = tempfile.mkdtemp(prefix="ray")
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        log_to_driver=False,
        object_store_memory=100 << 20,
        _temp_dir=folder,
    )
    yield ray
    ray.shutdown()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the runs of the module are, with a plugin and a second network."""
    from textwrap import dedent

    import torch

    folder = tmp_path_factory.mktemp("agree")
    (folder / "dim.py").write_text(dedent(PLUGIN))
    first = Path(checkpoint(folder))
    first.rename(folder / "one.safetensors")
    seed = torch.manual_seed
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "manual_seed", lambda _: seed(8))
        Path(checkpoint(folder)).rename(folder / "two.safetensors")
    return folder


@pytest.fixture(autouse=True)
def _plugin(folder, monkeypatch):
    monkeypatch.delenv("AVPLUG_NO_PLUGINS")
    configure(PluginSettings(load=(), extra=(str(folder / "dim.py"),)))
    yield
    configure()


def run_by(here, name, executor, **options):
    settings = config(
        here,
        models=("cav-mae", "cav-mae"),
        weights=(str(here / "one.safetensors"), str(here / "two.safetensors")),
        corruptions=("gaussian", "dim"),
        severities=(5,),
        tta=("source", "tent"),
        batch_size=8,
        executor=executor,
        options={"executor": options} if options else {},
        out=str(here / name),
    )
    summary = run(settings, get_registry())
    assert summary.failed == {}
    cells = Store(summary.folder).cells()
    return {cell.id: cell for cell in cells}


@pytest.fixture(scope="module")
def base(folder):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AVPLUG_NO_PLUGINS", "")
        configure(PluginSettings(load=(), extra=(str(folder / "dim.py"),)))
        return run_by(folder, "in-process", "in-process")


def assert_same(base, other):
    assert len(base) == 12
    assert base.keys() == other.keys()
    for name, cell in base.items():
        with (
            np.load(cell.folder / "predictions.npz") as one,
            np.load(other[name].folder / "predictions.npz") as two,
        ):
            assert one.files == two.files
            for key in one.files:
                assert one[key].dtype == two[key].dtype
                assert np.array_equal(one[key], two[key]), (cell.cell, key)
        for key in ("clips", "adapted", "failures", "collapse"):
            assert cell.record[key] == other[name].record[key], key


def shards(cells):
    return {
        (cell.cell["adaptation"]["stateful"], cell.record.get("shards"))
        for cell in cells.values()
    }


def test_two_local_processes(base, folder):
    other = run_by(folder, "local", "local", processes=2)
    assert_same(base, other)
    assert {c.record["run"]["executor"] for c in other.values()} == {"local"}


def test_two_local_processes_on_shards(base, folder):
    # 24 clips: shards of 10 are rounded up to two batches of 8.
    other = run_by(folder, "shards", "local", processes=2, shard=10)
    assert_same(base, other)
    assert shards(other) == {(False, 2), (True, None)}


def test_shards_in_process(base, folder):
    other = run_by(folder, "in-process-shards", "in-process", shard=8)
    assert_same(base, other)
    assert shards(other) == {(False, 3), (True, None)}


def test_ray(base, folder, ray_cluster):
    assert_same(base, run_by(folder, "ray", "ray"))


def test_ray_on_shards(base, folder, ray_cluster):
    other = run_by(folder, "ray-shards", "ray", shard=8)
    assert_same(base, other)
    assert shards(other) == {(False, 3), (True, None)}


def test_jobs_of_submitit(base, folder):
    pytest.importorskip("submitit", reason="submitit is not installed")
    jobs = folder / "jobs"
    options = {"cluster": "local", "jobs": 2, "folder": str(jobs), "shard": 16}
    assert_same(base, run_by(folder, "slurm", "slurm", **options))
    # What jobs wrote is of no use any more.
    assert not list(jobs.iterdir())


def test_ray_is_not_waited_for_in_vain(folder, ray_cluster):
    with pytest.raises(UsageError, match="needs 1 GPU; the Ray cluster has 0"):
        run_by(folder, "no-gpu", "ray", gpus=1)


def test_slurm_that_is_not_there_is_told(folder):
    pytest.importorskip("submitit", reason="submitit is not installed")
    if shutil.which("srun"):
        pytest.skip("Slurm is here")
    with pytest.raises(UsageError, match="Slurm cannot be used here"):
        run_by(folder, "no-slurm", "slurm", folder=str(folder / "none"))
