"""Localisation in the report: the table, and overlays that load nothing."""

from __future__ import annotations

import numpy as np
import pytest

from avplug.bench.runner import run
from avplug.core.registry import get_registry
from avplug.report.html import page
from avplug.report.localisation import localisation_table, overlay
from avplug.report.markdown import markdown
from avplug.report.write import read_scores
from tests.bench import toys
from tests.bench.toys_cvpr21 import checkpoint


@pytest.fixture(scope="module")
def scores(tmp_path_factory):
    folder = tmp_path_factory.mktemp("localised")
    config = toys.config(
        folder,
        models=("cvpr21",),
        weights=(checkpoint(folder, pool="localised"),),
        corruptions=(),
        attacks=("fgsm",),
        limit=4,
        localisation=2,
    )
    run(config, get_registry())
    return read_scores(folder / "run", resamples=0)


def test_every_row_of_the_shift_has_its_budget_and_sizes(scores):
    (panel,) = scores.attacks
    table = localisation_table(panel)
    assert [row[-8] for row in table.rows] == ["a", "v", "av"]
    for row in table.rows:
        named = dict(zip([c.key for c in table.columns], row, strict=True))
        assert "linf" in named["budget"]
        assert named["psnr"] or named["snr"]
        assert named["flat"].endswith("/4")
    assert "maximum moved" in markdown(scores)


def test_the_page_holds_its_pictures_with_words_for_who_cannot_see_them(scores):
    html = page(scores)
    assert "img-src data:" in html
    assert html.count('src="data:image/jpeg;base64,') == 3 * 2 * 2
    assert html.count("<img ") == html.count(" alt=")
    assert "http" not in html.partition("<main>")[2].partition("<footer>")[0]


def test_an_overlay_is_brightest_where_the_weight_is():
    frame = np.zeros((64, 64, 3), np.uint8)
    weights = np.zeros((4, 4), np.float32)
    weights[0, 3] = 1
    mixed = overlay(frame, weights)
    assert mixed.shape == (128, 128, 3)
    assert mixed[4, -4].sum() > 3 * mixed[-4, 4].sum()


def test_a_flat_map_gives_one_colour():
    mixed = overlay(np.zeros((128, 128, 3), np.uint8), np.ones((7, 7), np.float32))
    assert len(np.unique(mixed.reshape(-1, 3), axis=0)) == 1
