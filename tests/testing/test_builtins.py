"""The components that avplug brings keep the promises that it asks of plugins."""

from dataclasses import replace
from importlib import import_module

import pytest
from typer.testing import CliRunner

from avplug.cli.app import build_app
from avplug.testing import conformance, parametrize_with_checks
from tests.bench.test_executors_agree import ray_cluster as ray_cluster
from tests.builtin_datasets.avdigits import recipe
from tests.builtin_datasets.published import miniature
from tests.builtin_models.vocabulary import write_vocabulary


def hooks(folder):
    return import_module(f"avplug.{folder}.hooks")


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    """What is not in the cache is a reason to skip, at once."""
    monkeypatch.setenv("AVPLUG_OFFLINE", "1")


@pytest.mark.slow
@parametrize_with_checks(hooks("builtin_corruptions"))
def test_corruptions(check):
    check()


@pytest.mark.slow
@parametrize_with_checks(hooks("builtin_models"))
def test_models(check, tmp_path):
    spec = check.spec
    if "tokenizers" in spec.requires:
        made = {**spec.variants["tiny"], **write_vocabulary(tmp_path)}
        check = replace(check, options=made)
    check()


@parametrize_with_checks(hooks("builtin_tta"))
def test_adaptation(check):
    check()


@parametrize_with_checks(hooks("builtin_metrics"))
def test_metrics(check):
    check()


@pytest.mark.slow
@parametrize_with_checks(
    hooks("builtin_attacks"),
    options={"apgd": {"steps": 10}, "square": {"queries": 30}},
)
def test_attacks(check):
    check()


@parametrize_with_checks(hooks("builtin_defenses"), options={"exfmem": {"columns": 18}})
def test_defenses(check):
    if check.spec.name == "efficient":
        # By default it drops features, which not every model shows.
        check = replace(check, spec=replace(check.spec, needs=("late-fusion",)))
    check()


@parametrize_with_checks(hooks("builtin_suites"))
def test_suites(check):
    check()


@parametrize_with_checks(hooks("builtin_published"))
def test_published(check):
    check()


# submitit leaves the processes of jobs that it cancels to the operating system.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.slow
@parametrize_with_checks(
    import_module("avplug.bench.hooks"), options={"slurm": {"cluster": "local"}}
)
def test_executors(check, request, tmp_path, monkeypatch):
    if check.spec.name == "ray":
        request.getfixturevalue("ray_cluster")
    if check.spec.name == "slurm":
        check = replace(check, options={**check.options, "folder": str(tmp_path)})
    check()


def folder_of_two(root):
    miniature.video(root / "one.mp4")
    miniature.video(root / "two.mp4", bright=90)
    (root / "clips.csv").write_text("file,label\none.mp4,cat\ntwo.mp4,dog\n")


def in_snow(make, folder):
    """Only corrupted media: no clip can be loaded as it was recorded."""

    def made(root):
        make(root)
        found = [path for path in (root / folder).rglob("*") if path.is_file()]
        videos = root / "snow" / "severity_5"
        videos.mkdir(parents=True)
        for path in found:
            path.rename(videos / path.name)

    return made


def built_before(root):
    words = ("build", "--limit", "3", "-c", "gaussian", "-s", "5", "--size", "64")
    arguments = [*words, "--out", str(root)]
    result = CliRunner().invoke(build_app(arguments), arguments)
    assert result.exit_code == 0, result.output


#: What is read from disk, in miniature.
MAKERS = {
    **miniature.MAKERS,
    "avdigits": recipe.make,
    "folder": folder_of_two,
    "premade": built_before,
    "audioset-2c": in_snow(miniature.audioset, "eval"),
    "vggsound-2c": in_snow(miniature.vggsound, "video"),
    "kinetics-2c": in_snow(miniature.kinetics_sounds, "test"),
    "epic-kitchens-2c": in_snow(miniature.epic_kitchens, "P01"),
}


@pytest.fixture(scope="module")
def root_of(tmp_path_factory):
    """Return a function that makes a data set's folder, once."""
    made = {}

    def root(name):
        if name not in made:
            made[name] = tmp_path_factory.mktemp(name)
            MAKERS[name](made[name])
        return made[name]

    return root


@parametrize_with_checks(hooks("builtin_datasets"))
def test_datasets(check, root_of):
    if check.spec.name in MAKERS:
        check = replace(check, options={"root": root_of(check.spec.name)})
    check()


def test_their_hooks_are_light_and_their_names_their_own():
    found = conformance.check(conformance.find("avplug"), select="avplug static/")
    states = {outcome.check: outcome.state for outcome in found}
    assert {"static/light", "static/quick", "static/quiet", "static/names"} <= {*states}
    assert set(states.values()) == {"pass"}
