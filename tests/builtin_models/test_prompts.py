from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from avplug.builtin_models.prompts import (
    TEMPLATES,
    clean,
    names_of,
    prompts_of,
    resolve_templates,
)
from avplug.builtin_models.tokenizer import Tokenizer
from avplug.builtin_models.zero_shot_config import VOCABULARY_SHA256
from avplug.core.errors import UsageError
from tests.builtin_models.shared import (
    LABELS,
    VOCABULARY,
    needs_labels,
    needs_vocabulary,
)


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


def listed(name: str) -> list[str]:
    """The labels of a data set, as its list writes them."""
    with (LABELS / f"{name}.csv").open(encoding="utf-8") as file:
        return [list(row.values())[-1] for row in csv.DictReader(file)]


@needs_labels
def test_commas_of_the_published_lists() -> None:
    vggsound = listed("vggsound")
    assert len(vggsound) == 309
    assert sum("," in clean(label) for label in vggsound) == 23
    firsts = [names_of(label, "first") for label in listed("audioset")]
    assert len(firsts) - len(set(firsts)) == 3


@needs_labels
@needs_vocabulary
@pytest.mark.parametrize("path", sorted(LABELS.glob("*.csv")), ids=lambda p: p.stem)
def test_every_published_label_fits_every_template(path: Path) -> None:
    labels = listed(path.stem)
    prompts = prompts_of(
        labels, [t for each in TEMPLATES.values() for t in each], "keep"
    )
    tokenizer = Tokenizer(VOCABULARY, VOCABULARY_SHA256)
    ids = tokenizer([text for texts in prompts for text in texts])
    assert int(ids.argmax(1).max()) < 50
