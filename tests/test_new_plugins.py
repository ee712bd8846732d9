"""Each kind from ``avplug new`` to a run, in a fresh virtual environment.

The environment is empty but for a ``.pth`` that shows it the packages of this one, so
that torch need not be installed again; what is installed is installed for true.
"""

import json
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from avplug.scaffold.kinds import SCAFFOLDS
from avplug.scaffold.naming import Names
from avplug.scaffold.writing import write

ROOT = Path(__file__).parent.parent
PACKAGES = sysconfig.get_path("purelib")
pytest.importorskip("hatchling")

#: For each kind, what is written and what would break a promise of it.
BROKEN = {
    "corruption": ("rng.generator()", "np.random.default_rng()"),
    "model": (
        "torch.cat([heard, seen], 1)",
        "torch.cat([heard, seen.mean(0) + seen], 1)",
    ),
    "adaptation": ("        super().reset()\n", ""),
    "metric": ("higher_is_better = True", "higher_is_better = False"),
    "dataset": ("{split}-{index:03d}", "{split}"),
    "attack": ("budget.bounded(clean + step, clean)", "clean + step"),
    "defense": ("batch.frames + ", "batch.frames.mul_(0.5) + "),
    "executor": ("yield task, outcome", "yield tasks[0], outcome"),
}


def tutorial_class():
    """Return the module that the tutorial puts in place of the generated one."""
    page = ROOT / "docs" / "tutorials" / "write-a-plugin.md"
    block = r"```python\n# avplug-haze/src/avplug_haze/haze\.py\n(.*?)```"
    (module,) = re.findall(block, page.read_text(encoding="utf-8"), re.DOTALL)
    return module


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    """Return a function that runs a program of a fresh virtual environment."""
    folder = tmp_path_factory.mktemp("fresh")
    environment = folder / "venv"
    venv.create(environment, symlinks=True)
    binaries = environment / "bin"
    (site,) = (environment / "lib").glob("python*/site-packages")
    (site / "borrowed.pth").write_text(f"{PACKAGES}\n{ROOT}\n")
    script = binaries / "avplug"
    script.write_text(f"#!{binaries / 'python'}\nfrom avplug.cli import main\nmain()\n")
    script.chmod(0o755)
    env = {
        **{k: v for k, v in os.environ.items() if not k.startswith("AVPLUG_")},
        "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}",
        "VIRTUAL_ENV": str(environment),
        "AVPLUG_CONFIG": str(folder / "config"),
        "AVPLUG_CACHE": str(folder / "cache"),
        "AVPLUG_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    env.pop("PYTHONPATH", None)

    def run(*words, cwd=folder, code=0):
        done = subprocess.run(
            words, cwd=cwd, env=env, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == code, f"{words}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    run.folder, run.site = folder, site
    run.python = str(binaries / "python")
    return run


@pytest.mark.slow
def test_what_is_written_is_typed(tmp_path):
    """All kinds at once: reading torch's and avplug's own types is what costs."""
    api = pytest.importorskip("mypy.api")
    packages = []
    for kind in SCAFFOLDS:
        names = Names(f"trial-{kind}")
        write(kind, names, tmp_path)
        packages.append(tmp_path / names.dist / "src" / names.package)
        write(kind, names, tmp_path / "single", single_file=True)
    (tmp_path / "single" / "haze.py").write_text(tutorial_class())
    untyped = tmp_path / "single" / "untyped.py"
    untyped.write_text("def same(x):\n    return x\n")
    told, wrong, _ = api.run(
        [
            *("--config-file", str(tmp_path / "avplug-trial-model" / "pyproject.toml")),
            *("--warn-unreachable", "--cache-dir", str(tmp_path / "cache")),
            *map(str, [*packages, tmp_path / "single"]),
        ]
    )
    # What the generated configuration is strict about is found, and nothing else.
    assert [line for line in told.splitlines() if ": error:" in line] == [
        f"{untyped}:1: error: Function is missing a type annotation  [no-untyped-def]"
    ], told + wrong


@pytest.mark.slow
@pytest.mark.parametrize("kind", SCAFFOLDS)
def test_from_new_to_run(fresh, kind):
    name, dist = f"trial-{kind}", f"avplug-trial-{kind}"
    fresh("avplug", "new", kind, name)
    pip = (fresh.python, "-m", "pip", "install", "--quiet")
    fresh(*pip, "--no-build-isolation", "--no-deps", "--no-index", f"./{dist}")
    rows = json.loads(fresh("avplug", "list", kind, "--json"))
    (row,) = [row for row in rows if row["provider"] == dist]
    assert (row["name"], row["version"]) == (name, "0.1.0")
    outcomes = json.loads(fresh("avplug", "check", dist, "--json"))
    assert {each["state"] for each in outcomes} <= {"pass", "skip"}
    assert len(outcomes) > 15
    kept = (fresh.python, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider")
    fresh(*kept, cwd=fresh.folder / dist)
    for command in SCAFFOLDS[kind].use:
        # The commands of its own README; the tables would need the whole matrix.
        words = command.format(name=name).split()
        fresh(*words, *(["--no-report"] if words[1] == "run" else []))
    cells = list((fresh.folder / "runs" / name / "cells").iterdir())
    assert cells, "the run stored nothing"
    names = Names(name)
    module = fresh.site / names.package / f"{names.module}.py"
    sound, broken = BROKEN[kind]
    assert sound in module.read_text()
    module.write_text(module.read_text().replace(sound, broken))
    assert "1 failed" in fresh(*kept, cwd=fresh.folder / dist, code=1)


@pytest.mark.slow
def test_the_distribution_of_the_tutorial(fresh):
    root = fresh.folder / "avplug-haze"
    summary = "Less contrast, less treble"
    fresh("avplug", "new", "corruption", "haze", "--summary", summary)
    (root / "src" / "avplug_haze" / "haze.py").write_text(tutorial_class())
    pip = (fresh.python, "-m", "pip", "install", "--quiet")
    fresh(*pip, "--no-build-isolation", "--no-deps", "--no-index", str(root))
    (row,) = [
        row
        for row in json.loads(fresh("avplug", "list", "corruption", "--json"))
        if row["provider"] == "avplug-haze"
    ]
    assert row["summary"] == summary
    fresh("avplug", "check", "avplug-haze")
    fresh(fresh.python, "-m", "ruff", "check", "--no-cache", ".", cwd=root)
    fresh(fresh.python, "-m", "ruff", "format", "--no-cache", "--check", ".", cwd=root)
    fresh(fresh.python, "-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=root)
    fresh("avplug", "uninstall", "avplug-haze")
    assert "avplug-haze" not in fresh("avplug", "plugins")


def test_what_is_published_is_whole(tmp_path):
    names = Names("sea-fog")
    write("corruption", names, tmp_path, summary="Fog")
    (tmp_path / names.dist / "trained").mkdir()
    (tmp_path / names.dist / "trained" / "weights.safetensors").touch()
    build = (sys.executable, "-m", "hatchling", "build")
    subprocess.run(build, cwd=tmp_path / names.dist, check=True, capture_output=True)
    dist = tmp_path / names.dist / "dist"
    with zipfile.ZipFile(next(dist.glob("*.whl"))) as wheel:
        about = "avplug_sea_fog-0.1.0.dist-info"
        assert set(wheel.namelist()) == {
            *(f"avplug_sea_fog/{file}" for file in ("__init__.py", "py.typed")),
            "avplug_sea_fog/sea_fog.py",
            *(f"{about}/{file}" for file in ("METADATA", "RECORD", "WHEEL")),
            *(f"{about}/entry_points.txt", f"{about}/licenses/LICENSE"),
        }
        points = wheel.read(f"{about}/entry_points.txt").decode()
        metadata = Parser().parsestr(wheel.read(f"{about}/METADATA").decode())
    assert points == "[avplug]\nsea-fog = avplug_sea_fog\n"
    assert metadata["Summary"] == "An avplug corruption: Fog"
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Keywords"] == "avplug-plugin"
    assert "# avplug-sea-fog" in metadata.get_payload()
    with tarfile.open(next(dist.glob("*.tar.gz"))) as source:
        files = {Path(*Path(name).parts[1:]).as_posix() for name in source.getnames()}
    assert {"LICENSE", "README.md", "tests/test_conformance.py"} < files
    assert not any(file.startswith(("trained", "dist")) for file in files)
