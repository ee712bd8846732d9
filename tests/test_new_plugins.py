"""Each kind from ``avplug new`` to a run, in a fresh virtual environment.

The environment is empty but for a ``.pth`` that shows it the packages of this one, so
that torch need not be installed again; what is installed is installed for true.
"""

import json
import os
import subprocess
import sysconfig
import venv
from pathlib import Path

import pytest

from avplug.scaffold.kinds import SCAFFOLDS
from avplug.scaffold.naming import Names
from avplug.scaffold.writing import write

ROOT = Path(__file__).parent.parent
PACKAGES = sysconfig.get_path("purelib")
pytest.importorskip("hatchling")


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

    def run(*words, cwd=folder):
        done = subprocess.run(
            words, cwd=cwd, env=env, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    run.folder = folder
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
    tests = fresh.folder / dist
    fresh(fresh.python, "-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=tests)
    fresh(fresh.python, "-m", "ruff", "check", "--no-cache", ".", cwd=tests)
    fresh(fresh.python, "-m", "ruff", "format", "--no-cache", "--check", ".", cwd=tests)
    for command in SCAFFOLDS[kind].use:
        # The commands of its own README; the tables would need the whole matrix.
        words = command.format(name=name).split()
        fresh(*words, *(["--no-report"] if words[1] == "run" else []))
    cells = list((fresh.folder / "runs" / name / "cells").iterdir())
    assert cells, "the run stored nothing"
