"""Running the command line inside the test process."""

import json

import pytest
from typer.testing import CliRunner

from avplug.cli.app import build_app
from tests.bench.toys import checkpoint
from tests.cli import hostile_plugins


@pytest.fixture
def avplug():
    """Return a function that runs ``avplug`` with arguments."""
    return lambda *arguments: CliRunner().invoke(build_app(), arguments)


@pytest.fixture
def avplug_json(avplug):
    """Return a function that runs ``avplug``, and reads what it wrote to stdout."""

    def run(*arguments):
        result = avplug(*arguments, "--json")
        assert result.exit_code == 0, result.stderr
        return json.loads(result.stdout)

    return run


@pytest.fixture
def planned(avplug_json):
    """Return a function that plans a run, and reads the plan."""
    return lambda *arguments: avplug_json("plan", "--no-estimate", *arguments)


@pytest.fixture
def common(tmp_path):
    """Options of a run of an untrained model, whose results go to ``o``."""
    return [
        *("--weights", checkpoint(tmp_path), "--device", "cpu"),
        *("--out", str(tmp_path / "o")),
    ]


@pytest.fixture
def hostile(dists, monkeypatch):
    """Fake distributions, the ten hostile ones among them."""
    hostile_plugins.install(dists)
    monkeypatch.setenv("AVPLUG_LOAD_PLUGINS", ",".join(dists.names))
    monkeypatch.setenv("AVPLUG_PLUGIN_TIMEOUT", "600")
    return dists
