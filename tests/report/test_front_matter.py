"""Front matter that any reader of YAML reads back."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, strategies as st

from avplug.report.front_matter import front_matter

yaml = pytest.importorskip("yaml")

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
PLAIN = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), TEXT
)
DATA = st.recursive(
    PLAIN,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)
    ),
    max_leaves=12,
)


def read(text):
    first, *body, last = text.splitlines()
    assert first == last == "---"
    return yaml.safe_load("\n".join(body))


@given(st.dictionaries(TEXT, DATA, min_size=1, max_size=4))
def test_what_is_written_is_read(data):
    assert read(front_matter(data)) == data


@pytest.mark.parametrize(
    "text",
    ["no", "~", "2026-01-01", "1e3", "- a", "a: b", "#", "---", "\u2028", "😀", ""],
)
def test_texts_that_yaml_likes_to_take_for_something_else(text):
    found = front_matter({"a": [text], text: {"b": text}})
    assert read(found) == {"a": [text], text: {"b": text}}
    assert found.count("\n---\n") == 1


def test_numbers_that_are_not_finite_and_surrogates():
    found = read(front_matter({"a": math.nan, "b": -math.inf, "c": "x\udc80"}))
    assert math.isnan(found["a"])
    assert (found["b"], found["c"]) == (-math.inf, "x\ufffd")
