"""The data set that tests of written data sets read and compare with."""

import pytest

from avplug.bench.building import build
from avplug.core.registry import get_registry
from tests.bench.written import config


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Return the folder and the summary of a data set; nothing may change it."""
    root = tmp_path_factory.mktemp("built") / "set"
    return root, build(config(root), get_registry())
