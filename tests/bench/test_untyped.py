"""What nobody typed means avplug's own components, whoever claims their names."""

import pytest

from avplug.bench.config import RunConfig
from avplug.bench.prepare import open_dataset
from avplug.bench.runner import default_folder
from avplug.bench.train_config import TrainConfig
from avplug.bench.untyped import own_defaults, own_names
from avplug.core.manager import PluginManager
from avplug.core.records import PluginSettings
from avplug.core.registry import Registry, get_registry
from tests.bench.toys import config

CLAIMS = """
    from avplug import AdaptationSpec, DatasetSpec, ModelSpec, hookimpl
    @hookimpl
    def avplug_adaptations():
        return [AdaptationSpec(name, "x:Y") for name in ("source", "mine")]
    @hookimpl
    def avplug_datasets():
        return [DatasetSpec("events", "x:Y")]
    @hookimpl
    def avplug_models():
        return [ModelSpec("cav-mae", "x:Y")]
"""


@pytest.fixture
def claimed(dists):
    """All that avplug brings, and a distribution that claims some of it."""
    dists.add("bad-claims", CLAIMS)
    return Registry(PluginManager(PluginSettings(load=("bad-claims",))))


def test_nothing_changes_where_nothing_is_claimed():
    assert own_defaults(RunConfig, {}, get_registry()) == {}
    assert own_defaults(TrainConfig, {}, get_registry()) == {}


def test_claimed_defaults_are_avplugs(claimed):
    assert own_defaults(RunConfig, {}, claimed) == {
        "dataset": "avplug/events",
        "models": ("avplug/cav-mae:tiny",),
        "tta": ("avplug/source",),
    }
    assert own_defaults(TrainConfig, {"out": "o"}, claimed) == {
        "dataset": "avplug/events",
        "model": "avplug/cav-mae:tiny",
    }


def test_what_is_given_stays(claimed):
    given = {"dataset": "events", "models": ["cav-mae"]}
    assert own_defaults(RunConfig, given, claimed) == {"tta": ("avplug/source",)}


def test_names_of_a_suite(claimed):
    settings = {"tta": ["source", "avplug/*", "mine", "tent"], "severities": [5]}
    assert own_names(settings, claimed) == {
        "tta": ["avplug/source", "avplug/*", "mine", "tent"],
        "severities": [5],
    }


def test_a_run_has_its_folder_whoever_claims_its_defaults(claimed):
    plain = RunConfig()
    meant = RunConfig(**own_defaults(RunConfig, {}, claimed))
    assert meant != plain
    assert default_folder(meant) == default_folder(plain)
    assert default_folder(RunConfig(tta=("tent",))) != default_folder(plain)


@pytest.mark.parametrize("name", ["events", "avplug/events"])
def test_a_data_set_shows_the_same_clips_however_it_is_called(tmp_path, name):
    _, _, clips = open_dataset(get_registry(), config(tmp_path, limit=5, dataset=name))
    _, _, wanted = open_dataset(get_registry(), config(tmp_path, limit=5))
    assert [clip.id for clip in clips] == [clip.id for clip in wanted]
