"""Running the command line inside the test process."""

import json

import pytest
from typer.testing import CliRunner

from avplug.cli.app import build_app


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
