"""The example distributions, as they would be found once installed."""

import tomllib
from pathlib import Path

import numpy as np
import pytest

from avplug import Clip, corrupt
from avplug.core.registry import Registry

EXAMPLES = Path(__file__).parent.parent / "plugins_example"


@pytest.fixture
def install(dists):
    """Return a function that makes an example look installed, and the registry."""

    def found(folder):
        text = (EXAMPLES / folder / "pyproject.toml").read_text(encoding="utf-8")
        project = tomllib.loads(text)["project"]
        points = project["entry-points"]["avplug"]
        module = project["name"].replace("-", "_")
        info = dists.folder / f"{module}-{project['version']}.dist-info"
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

    return found


def clip():
    frames = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), np.uint8)
    return Clip("c", frames, np.zeros(1), None, 0, 1.0)


def test_it_is_found_and_works(install):
    entry = install("avplug-mosaic").get("corruption", "mosaic")
    assert (entry.provider, entry.version) == ("avplug-mosaic", "1.0")
    coarse = corrupt(clip(), entry.load()(), entry.name, 5)
    assert len(np.unique(coarse.frames.reshape(-1, 3), axis=0)) == 4


def test_codecs_and_faults_of_a_network_are_found_and_work(install):
    registry = install("avplug-codec")
    found = registry.select("corruption", ["codec/*", "network/*"])
    assert {entry.provider for entry in found} == {"avplug-codec"}
    assert len(found) == 12
    coded = corrupt(clip(), registry.get("corruption", "mpeg4").load()(), "mpeg4", 5)
    assert coded.frames.shape == clip().frames.shape


def test_a_method_of_adaptation_is_found(install):
    entry = install("avplug-tta-tsa").get("adaptation", "tsa")
    assert (entry.provider, entry.spec.needs) == ("avplug-tta-tsa", ("encode",))
    assert "threshold" in entry.load().settings({})
