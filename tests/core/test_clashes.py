"""Names that two plugins claim: each is reached by its qualified name only."""

from tests.core.plugins import HEAD, names, record_of


def test_two_distributions_of_one_name(dists):
    dists.add("avplug-fog")
    dists.add("avplug-weather", version="2.1")
    manager = dists.manager()
    assert names(manager) == ["avplug-fog/fog", "avplug-weather/fog"]
    assert [r.state for r in manager.broken()] == ["conflict", "conflict"]
    assert record_of(manager, "avplug-fog").describe() == (
        "plugin avplug-fog 1.0 (fog) shares a name: corruption 'fog' is claimed by"
        " avplug-fog 1.0 and avplug-weather 2.1."
        " Write avplug-fog/fog or avplug-weather/fog."
    )


def test_an_alias_clashes_with_a_name(dists):
    dists.add("avplug-fog")
    dists.add(
        "avplug-mist",
        dists.FOG.replace('"fog"', '"mist"').replace(
            "category=", 'aliases=("fog",), category='
        ),
    )
    states = {r.distribution: r.state for r in dists.manager().broken()}
    assert states == {"avplug-fog": "conflict", "avplug-mist": "conflict"}


def test_a_name_of_a_builtin_obeys_the_same_rule(dists):
    dists.add("avplug-tent", HEAD.replace("ModelSpec", "AdaptationSpec")
        + "@hookimpl\ndef avplug_adaptations():\n"
        + "    return [AdaptationSpec('tent', 'x:Y')]\n")  # fmt: skip
    manager = dists.manager(builtins=["avplug.builtin_tta.hooks"])
    assert "avplug/tent" in names(manager, "adaptation")
    assert "avplug-tent/tent" in names(manager, "adaptation")
    assert {r.distribution for r in manager.broken()} == {"avplug", "avplug-tent"}


def test_one_distribution_cannot_provide_a_name_twice(dists):
    dists.add("avplug-fog", points="a = avplug_fog\nb = avplug_fog_b")
    (dists.folder / "avplug_fog_b.py").write_text(
        HEAD + "@hookimpl\ndef avplug_corruptions():\n"
        "    return [CorruptionSpec('fog', 'x:Y')]\n"
    )
    first, second = [
        r for r in dists.manager().records if r.distribution == "avplug-fog"
    ]
    assert (first.state, second.state) == ("ok", "failed")
    assert "provides corruption 'fog', as 'a' of avplug-fog does" in second.describe()
