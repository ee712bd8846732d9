"""``avplug list``."""

import pytest

from avplug.cli.kinds import parse_kind
from avplug.cli.listing import components
from avplug.core.components import KINDS
from avplug.core.errors import UnknownNameError
from avplug.core.registry import Registry

MODEL = """
    from avplug import DatasetSpec, ModelSpec, hookimpl

    @hookimpl
    def avplug_models():
        return [ModelSpec("net", "x:Y", "A net", variants={"big": {}, "small": {}})]

    @hookimpl
    def avplug_datasets():
        return [DatasetSpec("tones", "x:Y", "Tones", classes=2)]
"""


@pytest.fixture
def registry(dists):
    dists.add("avplug-net", MODEL)
    dists.add("avplug-fog")
    dists.add("avplug-bad", "1 / 0\n")
    return Registry(dists.manager())


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_may_be_plural(kind):
    assert (
        parse_kind(kind) == parse_kind(f"{kind}s") == parse_kind(kind.upper()) == kind
    )


def test_tta_means_adaptation():
    assert parse_kind("tta") == "adaptation"
    with pytest.raises(UnknownNameError, match="Did you mean 'tta'"):
        parse_kind("ttaa")


def test_all_kinds_with_a_broken_plugin_installed(registry):
    assert components(registry) == [
        {
            "kind": "corruption",
            "name": "fog",
            "qualified": "avplug-fog/fog",
            "summary": "Fog",
            "provider": "avplug-fog",
            "version": "1.0",
            "conflict": False,
            "aliases": [],
            "category": "weather",
        },
        {
            "kind": "model",
            "name": "net",
            "qualified": "avplug-net/net",
            "summary": "A net",
            "provider": "avplug-net",
            "version": "1.0",
            "conflict": False,
            "aliases": [],
            "variants": ["big", "small"],
            "modalities": "av",
        },
        {
            "kind": "dataset",
            "name": "tones",
            "qualified": "avplug-net/tones",
            "summary": "Tones",
            "provider": "avplug-net",
            "version": "1.0",
            "conflict": False,
            "aliases": [],
            "classes": 2,
        },
    ]


def test_kinds_in_the_order_asked_for(registry):
    rows = components(registry, ["model", "corruption"])
    assert [row["name"] for row in rows] == ["net", "fog"]


def test_a_claimed_name_is_shown_qualified(dists):
    dists.add("avplug-fog")
    dists.add("avplug-weather")
    rows = components(Registry(dists.manager()))
    assert [row["name"] for row in rows] == ["avplug-fog/fog", "avplug-weather/fog"]


def test_the_table(avplug, dists, monkeypatch):
    dists.add("avplug-net", MODEL)
    monkeypatch.setenv("AVPLUG_LOAD_PLUGINS", "avplug-net")
    head, *_, last = avplug("list", "models", "model").stdout.splitlines()
    assert head.split() == ["KIND", "NAME", "DETAILS", "SUMMARY", "PROVIDER"]
    cells = [cell.strip() for cell in last.split("  ") if cell]
    assert cells == ["model", "net", "big, small", "A net", "avplug-net 1.0"]


def test_a_model_of_one_sense_is_marked(avplug, avplug_json):
    rows = {row["name"]: row for row in avplug_json("list", "models")}
    assert rows["cav-mae"]["modalities"] == "av"
    assert rows["clip"]["modalities"] == "v"
    (line,) = [
        line
        for line in avplug("list", "models").stdout.splitlines()
        if line.split()[1] == "clip"
    ]
    assert "base, tiny; only sees" in line
    assert avplug_json("show", "model", "clip")["modalities"] == "v"


def test_builtins_are_listed(avplug_json):
    rows = avplug_json("list")
    assert {"corruption", "model", "adaptation", "metric", "dataset"} <= {
        row["kind"] for row in rows
    }
    assert {row["provider"] for row in rows} == {"avplug"}
    assert all(row["summary"] for row in rows)


def test_only_what_a_plugin_provides(avplug, avplug_json, dists, monkeypatch):
    dists.add("avplug-fog")
    monkeypatch.setenv("AVPLUG_LOAD_PLUGINS", "avplug-fog")
    (row,) = avplug_json("list", "--provider", "Avplug.Fog")
    assert row["qualified"] == "avplug-fog/fog"
    assert avplug_json("list", "models", "--provider", "avplug-fog") == []
    builtin = avplug_json("list", "corruptions", "--provider", "avplug")
    assert {row["provider"] for row in builtin} == {"avplug"}
    result = avplug("list", "--provider", "avplug-fgo")
    assert result.exit_code == 2
    assert "Did you mean 'avplug-fog'?" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (("--match", "snow"), ["snow"]),
        (("corruptions", "--match", "sp*"), ["speckle", "spatter"]),
        (("--match", "digital/s*", "--match", "tent"), ["shot", "speckle", "tent"]),
        (("--match", "avplug-fog/*"), ["fog"]),
        (("--match", "*o*", "--provider", "avplug-fog"), ["fog"]),
    ],
)
def test_only_what_fits(avplug_json, dists, monkeypatch, arguments, names):
    dists.add("avplug-fog")
    monkeypatch.setenv("AVPLUG_LOAD_PLUGINS", "avplug-fog")
    rows = avplug_json("list", *arguments)
    assert [row["name"] for row in rows] == names


def test_what_nothing_fits_is_refused(avplug):
    result = avplug("list", "corruptions", "--match", "digital/*", "--match", "snwo")
    assert result.exit_code == 2
    assert "No component fits 'snwo'. Did you mean 'snow'?" in result.stderr
    assert avplug("list", "models", "--match", "snow").exit_code == 2


def test_a_provider_that_gives_nothing_says_why(avplug, dists, monkeypatch):
    dists.add("avplug-fog")
    dists.add("avplug-told", "from avplug import hookimpl\n")
    monkeypatch.setenv("AVPLUG_LOAD_PLUGINS", "avplug-fog,avplug-told")
    monkeypatch.setenv("AVPLUG_DISABLE_PLUGINS", "fog")
    result = avplug("list", "--provider", "avplug-fog")
    assert result.exit_code == 2
    assert result.stderr == (
        "Error: 'avplug-fog' provides no component.\n"
        "plugin avplug-fog 1.0 (fog) is disabled: AVPLUG_DISABLE_PLUGINS names it.\n"
    )
    result = avplug("list", "--provider", "avplug-told")
    assert result.stderr == "Error: 'avplug-told' provides no component.\n"
