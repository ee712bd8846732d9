"""Labels are as short as they can be, and tell settings apart."""

from __future__ import annotations

from avplug.report.labels import canonical, distinguish, flatten


def test_names_that_differ_stay_as_they_are():
    assert distinguish(["a", "b"], [{"x": 1}, {"x": 2}]) == ["a", "b"]


def test_equal_names_get_what_differs():
    settings = [{"o": {"lr": 0.1, "n": 1}}, {"o": {"lr": 0.2, "n": 1}}]
    assert distinguish(["tent", "tent"], settings) == ["tent (lr=0.1)", "tent (lr=0.2)"]


def test_only_as_many_keys_as_it_takes():
    settings = [{"a": 1, "b": 1}, {"a": 2, "b": 2}, {"a": 2, "b": 3}]
    assert distinguish(["m"] * 3, settings) == [
        "m (a=1, b=1)",
        "m (a=2, b=2)",
        "m (a=2, b=3)",
    ]
    assert distinguish(["m"] * 2, settings[:2]) == ["m (a=1)", "m (a=2)"]


def test_a_setting_that_one_lacks():
    assert distinguish(["m", "m"], [{}, {"lr": 1}]) == ["m (lr=none)", "m (lr=1)"]


def test_flatten_and_canonical():
    assert flatten({"a": {"b": [1, "x"]}, "c": None}) == {"a.b": '[1,"x"]', "c": "null"}
    assert canonical({"b": 1, "a": "é"}) == canonical({"a": "é", "b": 1})


def test_hashes_are_cut():
    settings = [{"weights": c * 64} for c in "ab"]
    assert distinguish(["net", "net"], settings) == [
        "net (weights=aaaaaaaa)",
        "net (weights=bbbbbbbb)",
    ]
