"""From names to entries, and from entries to classes."""

import pytest

from avplug.core.errors import (
    AmbiguousNameError,
    MissingExtraError,
    PluginError,
    UnknownNameError,
)
from avplug.core.manager import get_plugin_manager
from avplug.core.registry import Registry, get_registry

SOURCE = """
    from avplug import CorruptionSpec, ModelSpec, SuiteSpec, hookimpl

    def spec(name, target="avplug_digital_things:Nothing", category="digital", **more):
        return CorruptionSpec(name, target, name.title(), category=category, **more)

    @hookimpl
    def avplug_corruptions():
        return [
            spec("gaussian", aliases=("normal",)),
            spec("shot"),
            spec("snow", category="environmental"),
            spec("scene", category="human-related"),
        ]

    @hookimpl
    def avplug_suites():
        return [SuiteSpec("quick", "json:dumps")]
"""
TARGETS = """
    from avplug import CorruptionSpec, hookimpl

    @hookimpl
    def avplug_corruptions():
        return [CorruptionSpec("it", {target!r}, requires={requires!r})]
"""


@pytest.fixture
def registry(dists):
    dists.add("avplug-noise", SOURCE)
    dists.add("avplug-fog")
    dists.add("avplug-weather", version="2.1")
    return Registry(dists.manager())


@pytest.fixture
def load(dists):
    def load(target, requires=(), body=""):
        (dists.folder / "avplug_target.py").write_text(body)
        dists.add("avplug-it", TARGETS.format(target=target, requires=requires))
        return Registry(dists.manager()).get("corruption", "it").load()

    return load


def names(entries):
    return [entry.qualified for entry in entries]


def test_entries_are_sorted_by_provider(registry):
    assert names(registry.entries("corruption")) == [
        "avplug-fog/fog",
        "avplug-noise/gaussian",
        "avplug-noise/shot",
        "avplug-noise/snow",
        "avplug-noise/scene",
        "avplug-weather/fog",
    ]
    assert registry.entries("model") == []


def test_an_unknown_kind(registry):
    with pytest.raises(UnknownNameError) as caught:
        registry.entries("corruptoin")
    assert "Unknown kind 'corruptoin'. Did you mean 'corruption'?" in str(caught.value)


@pytest.mark.parametrize(
    "name",
    [
        *("gaussian", "normal", "avplug-noise/gaussian", "Avplug_Noise/normal"),
        "digital/gaussian",
    ],
)
def test_get_by_name_alias_and_qualified_name(registry, name):
    entry = registry.get("corruption", name)
    assert entry.qualified == "avplug-noise/gaussian"
    assert (entry.name, entry.provider, entry.version) == (
        "gaussian",
        "avplug-noise",
        "1.0",
    )
    assert not entry.conflict
    assert not entry.builtin


def test_a_claimed_name_needs_its_provider(registry):
    with pytest.raises(AmbiguousNameError) as caught:
        registry.get("corruption", "fog")
    assert str(caught.value) == (
        "Corruption 'fog' is claimed by avplug-fog 1.0 and avplug-weather 2.1."
        " Write avplug-fog/fog or avplug-weather/fog."
    )
    entry = registry.get("corruption", "avplug-weather/fog")
    assert (entry.version, entry.conflict) == ("2.1", True)


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        ("gausian", "'gaussian'"),
        ("avplug-nose/gaussian", "'avplug-noise/gaussian'"),
        ("avplug-fog/fgo", "'avplug-fog/fog'"),
        ("digital/*", "'digital/shot'"),
    ],
)
def test_an_unknown_name_suggests_the_closest(registry, name, suggestion):
    with pytest.raises(UnknownNameError) as caught:
        registry.get("corruption", name)
    text = f"Unknown corruption '{name}'. Did you mean {suggestion}?"
    assert caught.value.message == text
    assert caught.value.hint.startswith("Show all 6: avplug list corruption")


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        (["shot"], ["shot"]),
        (["normal"], ["gaussian"]),
        (["s*"], ["shot", "snow", "scene"]),
        (["digital/*"], ["gaussian", "shot"]),
        (["digital/normal"], ["gaussian"]),
        (["adversarial/*"], ["scene"]),
        (["human-related/scene"], ["scene"]),
        (["avplug-noise/s[hn]*"], ["shot", "snow"]),
        (["snow", "s*", "avplug-noise/shot"], ["snow", "shot", "scene"]),
        ([], []),
    ],
)
def test_select(registry, patterns, expected):
    found = registry.select("corruption", patterns)
    assert [entry.name for entry in found] == expected


def test_select_all_takes_both_claims(registry):
    assert names(registry.select("corruption", ["*"])) == names(
        registry.entries("corruption")
    )
    assert names(registry.select("corruption", ["avplug-fog/fog"])) == [
        "avplug-fog/fog"
    ]


@pytest.mark.parametrize("pattern", ["fog", "weather/fog"])
def test_select_refuses_a_claimed_name(registry, pattern):
    with pytest.raises(AmbiguousNameError, match=r"avplug-fog 1\.0 and"):
        registry.select("corruption", [pattern])


@pytest.mark.parametrize(
    ("pattern", "suggestion"),
    [
        ("digitl/*", "'digital/*'"),
        ("digital/gausian", "'digital/gaussian'"),
        ("digital", "'digital/*'"),
        ("zzz*", None),
    ],
)
def test_a_pattern_without_a_match(registry, pattern, suggestion):
    with pytest.raises(UnknownNameError) as caught:
        registry.select("corruption", [pattern])
    assert caught.value.message == f"Unknown corruption {pattern!r}." + (
        f" Did you mean {suggestion}?" if suggestion else ""
    )


def test_load_returns_the_class(load):
    body = "from avplug import Corruption\nclass Fog(Corruption):\n"
    body += "    scene = video = audio = lambda self: None\n"
    target = load("avplug_target:Fog", body=body)
    assert target.__name__ == "Fog"


def test_load_of_a_callable_without_base(registry):
    assert registry.get("suite", "quick").load()([1]) == "[1]"


@pytest.mark.parametrize(
    ("target", "body", "text"),
    [
        (
            "avplug_target:Fog",
            "import avplug_nowhere",
            "Corruption 'it' of avplug-it 1.0: importing 'avplug_target:Fog' failed:"
            " ModuleNotFoundError: No module named 'avplug_nowhere'.",
        ),
        ("avplug_target:Fog", "import sys; sys.exit(2)", "failed: SystemExit: 2."),
        ("avplug_target:Fog", "1 / 0", "ZeroDivisionError: division by zero."),
        ("avplug_target:Fgo", "", "module 'avplug_target' has no 'Fgo'."),
        ("avplug_target:Fog", "Fog = 3", "is 3, no class and no callable."),
        (
            "avplug_target:Fog",
            "class Fog: ...",
            "'avplug_target:Fog' does not derive from Corruption.",
        ),
        (
            "avplug_target:Fog",
            "import avplug\nclass Fog(avplug.Corruption):\n    audio = scene = 1",
            "'avplug_target:Fog' lacks video.",
        ),
    ],
)
def test_load_explains_what_is_wrong(load, target, body, text):
    with pytest.raises(PluginError) as caught:
        load(target, body=body)
    assert caught.value.message.startswith("Corruption 'it' of avplug-it 1.0: ")
    assert text in caught.value.message


def test_requires_is_checked_before_the_import(load):
    with pytest.raises(MissingExtraError) as caught:
        load("avplug_target:Fog", requires=("numpy", "avplug-x>=2"), body="1 / 0")
    assert str(caught.value) == (
        "Corruption 'it' of avplug-it 1.0 needs avplug-x>=2, not installed here."
        ' Install it with: pip install "avplug-x>=2"'
    )


def test_the_registry_of_the_process_follows_its_manager():
    registry = get_registry()
    assert get_registry() is registry
    loaded = [s for r in get_plugin_manager().records for s in r.components]
    listed = {e.spec.name for k in ("corruption", "model") for e in registry.entries(k)}
    assert listed <= {spec.name for spec in loaded}
    assert listed


def test_a_stored_name_is_avplugs_whoever_claims_it_later(dists):
    top1 = "from avplug import MetricSpec, hookimpl\n@hookimpl\ndef avplug_metrics():\n"
    top1 += "    return [MetricSpec({!r}, 'x:Y')]\n"
    dists.add("avplug-one", top1.format("top1"))
    dists.add("avplug-two", top1.format("own"))
    dists.add("avplug-three", top1.format("own"))
    registry = Registry(dists.manager(builtins=["avplug.builtin_metrics.hooks"]))
    with pytest.raises(AmbiguousNameError):
        registry.get("metric", "top1")
    assert registry.recall("metric", "top1").qualified == "avplug/top1"
    assert registry.recall("metric", "avplug-one/top1").provider == "avplug-one"
    with pytest.raises(AmbiguousNameError):
        registry.recall("metric", "own")
