from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from avplug.builtin_models.prompts import (
    TEMPLATES,
    clean,
    names_of,
    prompts_of,
    resolve_templates,
)
from avplug.core.errors import UsageError


@pytest.mark.parametrize(
    ("label", "wanted"),
    [
        ("playing violin_ fiddle", "playing violin, fiddle"),
        ("blowing_out_candles", "blowing out candles"),
        ("Male speech, man speaking", "Male speech, man speaking"),
        ("  dog   barking ", "dog barking"),
    ],
)
def test_labels_read_as_one_would_write_them(label: str, wanted: str) -> None:
    assert clean(label) == wanted


@given(st.text())
def test_cleaning_twice_changes_nothing(label: str) -> None:
    once = clean(label)
    assert clean(once) == once
    assert "_" not in once


def test_synonyms_are_kept_cut_or_split() -> None:
    label = "playing violin_ fiddle"
    assert names_of(label, "keep") == ("playing violin, fiddle",)
    assert names_of(label, "first") == ("playing violin",)
    assert names_of(label, "split") == ("playing violin", "fiddle")


@pytest.mark.parametrize("label", ["", "_", " ,"])
def test_a_class_without_a_name_is_refused(label: str) -> None:
    with pytest.raises(UsageError, match="no name"):
        names_of(label, "split")


def test_every_name_goes_into_every_template() -> None:
    prompts = prompts_of(["a_ b", "c"], ("{}", "a photo of {}."), "split")
    assert prompts == [
        ("a", "a photo of a.", "b", "a photo of b."),
        ("c", "a photo of c."),
    ]


def test_templates_have_names_or_are_given() -> None:
    for name, templates in TEMPLATES.items():
        assert resolve_templates(name) == templates
        assert resolve_templates(templates) == templates
    assert resolve_templates("{}!") == ("{}!",)
    assert resolve_templates(["{}!", "{}?"]) == ("{}!", "{}?")


@pytest.mark.parametrize("templates", ["phto", "{} {}", ["{}", "none"], []])
def test_templates_that_cannot_be_filled_are_refused(templates: object) -> None:
    with pytest.raises(UsageError):
        resolve_templates(templates)
