"""The example distribution, as it would be found once installed."""

import tomllib
from pathlib import Path

import numpy as np
import pytest

from avplug import Clip, corrupt
from avplug.core.registry import Registry

EXAMPLE = Path(__file__).parent.parent / "plugins_example" / "avplug-mosaic"


@pytest.fixture
def registry(dists):
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    points = project["entry-points"]["avplug"]
    info = dists.folder / f"avplug_mosaic-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\n"
        f"Name: {project['name']}\nVersion: {project['version']}\n"
    )
    (info / "entry_points.txt").write_text(
        "[avplug]\n" + "".join(f"{k} = {v}\n" for k, v in points.items())
    )
    dists.names.append(project["name"])
    return Registry(dists.manager())


def test_it_is_found_and_works(registry):
    entry = registry.get("corruption", "mosaic")
    assert (entry.provider, entry.version) == ("avplug-mosaic", "1.0")
    frames = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), np.uint8)
    clip = Clip("c", frames, np.zeros(1), None, 0, 1.0)
    coarse = corrupt(clip, entry.load()(), entry.name, 5)
    assert len(np.unique(coarse.frames.reshape(-1, 3), axis=0)) == 4
