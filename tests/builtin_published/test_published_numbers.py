"""The numbers of the papers, as they come with avplug."""

from __future__ import annotations

import csv
import os
from collections import Counter
from pathlib import Path

import pytest

from avplug.builtin_published.hooks import avplug_published
from avplug.core.errors import PluginError
from avplug.core.published import PublishedResults, read_numbers
from avplug.core.registry import get_registry

SHARED = Path(
    os.environ.get("AVPLUG_SHARED") or Path(__file__).resolve().parents[3] / "shared"
)
TABLE = SHARED / "facts" / "published_results.csv"


@pytest.fixture(scope="module")
def papers():
    return {spec.name: load(spec.name) for spec in avplug_published()}


def load(name):
    return get_registry().get("published", name).load()()


def test_every_paper_states_its_source_and_has_numbers(papers):
    for spec in avplug_published():
        results = papers[spec.name]
        assert isinstance(results, PublishedResults)
        assert spec.title
        assert spec.summary
        assert results.numbers
        assert all(n.place and n.dataset and n.metric for n in results.numbers)
    without = {spec.name for spec in avplug_published() if not spec.paper}
    assert without == {"firm"}


def test_three_data_sets_six_models_and_eight_methods(papers):
    main = [
        n for n in papers["avrobustbench"].numbers if n.place.endswith("main table")
    ]
    values = {(n.dataset, n.model) for n in main if n.corruption == "mean15"}
    assert len({dataset for dataset, _ in values}) == 3
    assert len({model for _, model in values}) == 6
    assert len(values) == 17
    bars = [n for n in papers["avrobustbench"].numbers if "TTA" in n.place]
    assert {n.method for n in bars} == {
        *("source", "TENT", "SAR", "RPL", "EATA", "READ", "SuMi", "AV2C")
    }


def test_a_protocol_belongs_to_a_data_set_that_has_numbers(papers):
    for results in papers.values():
        named = {number.dataset for number in results.numbers}
        assert set(results.protocols) <= named


@pytest.mark.skipif(
    not TABLE.is_file(), reason="published_results.csv is not here: set AVPLUG_SHARED"
)
def test_no_number_of_the_collection_is_lost_or_changed(papers):
    keys = ("dataset", "model", "tta", "corruption", "severity", "metric")
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    collected = Counter(
        (*(r[k] for k in keys), float(r["value"]), r["note"]) for r in rows
    )
    shipped = Counter(
        (
            *(getattr(n, k) for k in ("method" if k == "tta" else k for k in keys)),
            n.value,
            n.note,
        )
        for results in papers.values()
        for n in results.numbers
    )
    assert shipped == collected
    places = {n.place for results in papers.values() for n in results.numbers}
    for row in rows:
        assert any(row["source"].endswith(place) for place in places)


@pytest.mark.parametrize("text", ["place,dataset\na,b\n", None])
def test_a_file_of_another_form_is_refused(tmp_path, monkeypatch, text):
    package = tmp_path / "numbers_of_a_plugin"
    package.mkdir()
    (package / "__init__.py").touch()
    if text:
        (package / "table.csv").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(PluginError, match=r"numbers_of_a_plugin:table\.csv"):
        read_numbers("numbers_of_a_plugin", "table.csv")
