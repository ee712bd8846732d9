"""A plugin claims the names of avplug's own components: who did not ask gets these."""

import pytest

CLAIMS = """
    from avplug import (
        AdaptationSpec, AttackSpec, CorruptionSpec, DatasetSpec, ExecutorSpec,
        MetricSpec, ModelSpec, SuiteSpec, hookimpl
    )

    @hookimpl
    def avplug_corruptions():
        return [CorruptionSpec(name, "nowhere:Bad") for name in ("rain", "gaussian")]

    @hookimpl
    def avplug_models():
        return [ModelSpec(name, "nowhere:Bad") for name in ("cav-mae", "cvpr21")]

    @hookimpl
    def avplug_adaptations():
        return [AdaptationSpec(n, "nowhere:Bad") for n in ("source", "tent", "eta")]

    @hookimpl
    def avplug_metrics():
        return [MetricSpec("top1", "nowhere:Bad")]

    @hookimpl
    def avplug_datasets():
        return [DatasetSpec("events", "nowhere:Bad")]

    @hookimpl
    def avplug_attacks():
        return [AttackSpec(name, "nowhere:Bad") for name in ("pgd", "fgsm", "noise")]

    @hookimpl
    def avplug_executors():
        return [ExecutorSpec(name, "nowhere:Bad") for name in ("in-process", "local")]

    @hookimpl
    def avplug_suites():
        return [SuiteSpec("tta", "nowhere:bad")]
"""
TWO = ("-s", "3", "--limit", "2")
SMALL = (
    *("-o", "model.image_size=32", "-o", "model.target_length=64"),
    *("-o", "model.width=16", "-o", "model.depth=1", "-o", "model.heads=2"),
)


@pytest.fixture
def claimed(dists, monkeypatch, tmp_path):
    """A distribution that claims what avplug's defaults name; an empty folder."""
    dists.add("bad-claims", CLAIMS)
    monkeypatch.setenv("AVPLUG_LOAD_PLUGINS", "bad-claims")
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("claimed")
@pytest.mark.parametrize(
    "words",
    [
        ("run", *TWO, "-c", "shot", "--no-report", "--out", "o"),
        ("run", *TWO, "-c", "shot", "--no-report", "--out", "o", "-j", "1"),
        ("plan", "--no-estimate", *TWO),
        ("plan", "--no-estimate", "--limit", "2", "--suite", "avplug/tta"),
        ("plan", "--no-estimate", "--limit", "2", "--suite", "iclr25"),
        ("plan", "--no-estimate", "-m", "avplug/cav-mae:tiny", "--tta", "rdumb"),
        ("plan", "--no-estimate", "--attack", "apgd", "--attack-checks"),
        ("build", "-c", "shot", "-s", "3", "--limit", "1", "--out", "o"),
        ("train", "--epochs", "1", "--limit", "2", *SMALL, "--out", "o"),
        ("preview", "-c", "shot", "-s", "3", "--out", "o.png"),
        ("weights", "verify", "cav-mae/events", "--json"),
        ("weights", "fetch", "cav-mae/events"),
    ],
    ids=" ".join,
)
def test_a_verb_that_names_none_of_them_works_and_tells_of_the_claim(avplug, words):
    result = avplug(*words)
    assert result.exit_code == 0, result.stderr
    assert "bad-claims 1.0 (bad-claims) shares a name" in result.stderr


@pytest.mark.usefixtures("claimed")
@pytest.mark.parametrize(
    ("flag", "name", "wrote"),
    [
        ("--dataset", "events", "events"),
        ("--model", "cav-mae:tiny", "cav-mae"),
        ("--tta", "source", "source"),
        ("--executor", "in-process", "in-process"),
    ],
)
def test_a_name_that_is_typed_is_refused_with_the_choices(avplug, flag, name, wrote):
    result = avplug("run", *TWO, "-c", "shot", "--out", "o", flag, name)
    assert result.exit_code == 2
    assert f"Write avplug/{wrote} or bad-claims/{wrote}." in result.stderr


@pytest.mark.usefixtures("claimed")
def test_the_choice_that_is_offered_is_the_same_run(avplug):
    plain = ("run", *TWO, "-c", "shot", "--no-report", "--out", "o")
    assert avplug(*plain).exit_code == 0
    named = ("--dataset", "avplug/events", "--model", "avplug/cav-mae:tiny")
    result = avplug(*plain, *named, "--tta", "avplug/source")
    assert result.exit_code == 0, result.stderr
    assert "0 cells computed, 2 found finished" in result.stderr


def test_a_run_goes_on_after_a_plugin_claimed_its_names(
    avplug, dists, monkeypatch, tmp_path
):
    words = ("run", *TWO, "-c", "shot", "--no-report", "--out", str(tmp_path / "o"))
    assert avplug("--no-plugins", *words).exit_code == 0
    dists.add("bad-claims", CLAIMS)
    monkeypatch.setenv("AVPLUG_LOAD_PLUGINS", "bad-claims")
    result = avplug(*words)
    assert "0 cells computed, 2 found finished" in result.stderr
