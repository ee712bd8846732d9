"""The page: well-formed, silent on the network, and immune to what it shows."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser

import pytest

from avplug.report.html import SHOWN, page
from avplug.report.markup import Markup, tag
from avplug.report.scores import score
from tests.report.stores import TOP1, right

VOID = {"meta", "br", "hr", "col", "link", "img", "input", "base", "source"}

HOSTILE = """<script>alert("1")</script>' onload='x' &amp; \n</title></style>]]>-->"""


class Reader(HTMLParser):
    """Checks nesting; keeps elements with their attributes, and the text."""

    def __init__(self):
        super().__init__()
        self.open, self.elements, self.text = [], [], []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def read(text):
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return reader


@pytest.fixture
def hostile(maker):
    """Every text that can come from data is an attack."""
    maker.dataset = HOSTILE
    common = {"model": HOSTILE, "versions": {HOSTILE: HOSTILE}}
    maker.add(right(20), **common)
    maker.add(right(18), tta=HOSTILE, **common)
    for tta in ("source", HOSTILE):
        maker.add(
            right(10), HOSTILE, 5, tta=tta, failures=[(HOSTILE, HOSTILE)], **common
        )
        maker.add(right(10), "shot", 5, tta=tta, **common)
    maker.run["skipped"] = [{"what": HOSTILE, "cells": 2, "reason": HOSTILE}]
    maker.run["config"] = {HOSTILE: [HOSTILE]}
    maker.run["command"] = HOSTILE
    maker.run["labels"] = [HOSTILE] * 3
    maker.store.write_run(maker.run)
    return maker


def test_hostile_names_are_shown_as_text(hostile):
    reader = read(page(score(hostile.store, [TOP1], 10)))
    # The page's own, which sorts tables.
    assert [name for name, _ in reader.elements].count("script") == 1
    assert not [
        name for _, attrs in reader.elements for name in attrs if name[:2] == "on"
    ]
    text = "".join(reader.text)
    assert text.count('<script>alert("1")</script>') > 10
    assert "' onload='x'" in text


def test_nothing_is_requested(full):
    text = page(score(full.store, [TOP1], 10))
    reader = read(text)
    tags = {name for name, _ in reader.elements}
    assert not tags & {"link", "iframe", "img", "object", "embed", "base"}
    for _, attrs in reader.elements:
        assert not {"src", "srcset", "action", "xlink:href"} & set(attrs)
        assert attrs.get("href", "#").startswith("#")
    assert "://" not in text
    assert "url(" not in text
    assert "@import" not in text
    policy = next(a for _, a in reader.elements if "http-equiv" in a)
    assert policy["content"].startswith("default-src 'none'")


def test_the_policy_lets_exactly_the_script_of_the_page_run(full):
    text = page(score(full.store, [TOP1], 0))
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    digest = b64encode(sha256(script.encode()).digest()).decode()
    policy = next(a for _, a in read(text).elements if "http-equiv" in a)["content"]
    assert f"; script-src 'sha256-{digest}'" in policy
    assert "'unsafe-inline'" not in policy.partition("script-src")[2]


def test_ids_are_unique_and_all_references_resolve(full):
    reader = read(page(score(full.store, [TOP1], 10)))
    ids = [attrs["id"] for _, attrs in reader.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    for _, attrs in reader.elements:
        assert set(attrs.get("aria-labelledby", "").split()) <= set(ids)
        if "href" in attrs:
            assert attrs["href"].removeprefix("#") in ids


def test_page_can_be_read_aloud_and_on_a_phone(full):
    reader = read(page(score(full.store, [TOP1], 10)))
    assert ("html", {"lang": "en"}) in reader.elements
    assert any(a.get("name") == "viewport" for _, a in reader.elements)
    charts = [a for _, a in reader.elements if a.get("role") == "img"]
    # One of all corruptions, one for each of the two, and one of the classes.
    assert len(charts) == 4
    assert all("aria-labelledby" in attrs for attrs in charts)
    assert sum(name == "h1" for name, _ in reader.elements) == 1
    for name, attrs in reader.elements:
        if name == "th":
            assert attrs["scope"] in ("col", "row", "rowgroup")


def test_page_holds_verdict_numbers_curves_and_protocol(full):
    scores = score(full.store, [TOP1], 50)
    text = " ".join("".join(read(page(scores)).text).split())
    (panel,) = scores.panels
    source, tent = panel.methods
    assert "cav-mae:tiny keeps" in text
    for method in (source, tent):
        value = panel.overall(method).estimate()
        assert f"{value.value:.1f}{value.low:.1f}–{value.high:.1f}" in text
    assert "Test-time adaptation against the source model" in text
    assert "50 resamples of the clips" in text
    assert "A_clean is the score of the source model" in text
    for fact in ("fingerprintf00d", "python3.11", "profile paper", "14 of 14 cells"):
        assert fact in text


def test_curves_have_a_band_for_each_method(full):
    with_bands = page(score(full.store, [TOP1], 20))
    without = page(score(full.store, [TOP1], 0))
    assert with_bands.count('class="band series-0"') == 3
    assert with_bands.count('class="band series-1"') == 3
    assert 'class="band' not in without
    assert not re.search(r"\bnan\b", with_bands + without, re.I)


def test_heat_map_shades_what_is_lost(maker):
    maker.add(right(20))
    maker.add(right(20), "gaussian", 1)
    maker.add(right(2), "gaussian", 5)
    text = page(score(maker.store, [TOP1], 0))
    assert '<td class="num shade weak" style="--lost:0%" title="ρ 1.000">100.0' in text
    assert (
        '<td class="num shade strong" style="--lost:90%" title="ρ 0.100">10.0' in text
    )


def test_several_seeds_show_their_spread(maker):
    for seed, count in enumerate((8, 10, 12)):
        maker.add(right(20), seed=seed)
        maker.add(right(count), "rain", 5, seed=seed)
    text = page(score(maker.store, [TOP1], resamples=10))
    assert "Spread over seeds" in text
    # Student's interval of 40, 50 and 60 %.
    assert "25.2–74.8" in text


def test_what_is_not_finished_is_said(full):
    full.plan(full.identity("frost", 1))
    text = page(score(full.store, [TOP1], 0))
    assert "Only 14 of 15 cells are finished." in text


def test_a_limit_is_said(maker):
    dataset = {**maker.identity()["dataset"], "of": 600}
    maker.add(right(20), dataset=dataset)
    assert "events test, 20 of 600 clips" in page(score(maker.store, [TOP1], 0))


def test_many_failures_are_cut_and_the_cut_is_said(maker):
    failures = [(f"clip-{i}", "Cannot be read.") for i in range(20_000)]
    maker.add(right(20), failures=failures)
    text = page(score(maker.store, [TOP1], 0))
    assert f"{20_000 - SHOWN} more rows are in scores.json." in text
    assert len(text) < 200_000


def test_nothing_finished(maker):
    maker.plan(maker.identity())
    reader = read(page(score(maker.store, [TOP1], 0)))
    assert "No cell is finished yet." in reader.text


def test_tags_escape_text_and_attributes():
    made = tag(
        "p", '<b> & "', Markup("<i></i>"), [None, ["x"]], title='"<', hidden=True
    )
    assert made == '<p title="&quot;&lt;" hidden>&lt;b&gt; &amp; "<i></i>x</p>'
    assert (
        tag("path", d="M0", x=1.5, y=2.0, fill=None)
        == '<path d="M0" x="1.5" y="2"></path>'
    )
