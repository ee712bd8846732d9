"""Figures: what is drawn is what the panel says, and files are equal for equal runs."""

from __future__ import annotations

import subprocess
import sys
from xml.etree import ElementTree

import numpy as np
import pytest

from avplug.bench.store import Places
from avplug.core.errors import MissingExtraError, UsageError
from avplug.report import plot_artists as artists, plots
from avplug.report.chart import Line
from avplug.report.over_time import windows
from avplug.report.panel import Condition
from avplug.report.plot_artists import draw
from avplug.report.plot_data import Curves, Grid, Radar, drawings
from avplug.report.scores import score
from avplug.report.statistics import Estimate
from avplug.report.streams import streams
from tests.report.attacked import FACTS, threat
from tests.report.stores import TOP1, predictions, right

pytest.importorskip("matplotlib", reason="the extra 'figures' is not installed")


def of(scores, kind, start=""):
    found = drawings(scores)
    return [d for d in found if isinstance(d, kind) and d.name.startswith(start)]


def lines_of(figure):
    """What is drawn as lines, by label: places and values."""
    (axes,) = figure.axes
    return {line.get_label(): line.get_xydata().T.tolist() for line in axes.lines}


def test_severity_curves_are_the_panels_numbers_with_their_bands(full):
    scores = score(full.store, [TOP1], 50)
    panel = scores.panels[0]
    (drawing,) = of(scores, Curves, "severity")
    figure = draw(drawing)
    drawn = lines_of(figure)
    for method in panel.methods:
        points = [panel.over_corruptions(method, s) for s in (0, 1, 3, 5)]
        values = [point.value[0] for point in points]
        assert drawn[method.adaptation] == [[0, 1, 2, 3], pytest.approx(values)]
    (axes,) = figure.axes
    assert [t.get_text() for t in axes.get_xticklabels()] == ["clean", "s1", "s3", "s5"]
    assert len(axes.collections) == len(panel.methods)
    ends = [
        panel.over_corruptions(panel.methods[0], s).estimate() for s in (0, 1, 3, 5)
    ]
    corners = axes.collections[0].get_paths()[0].vertices[:, 1]
    assert {*np.round(corners, 9)} == {
        round(end, 9) for e in ends for end in (e.low, e.high)
    }


def test_no_band_without_intervals(full):
    (drawing,) = of(score(full.store, [TOP1], 0), Curves, "severity")
    assert not draw(drawing).axes[0].collections


def test_heat_map_has_methods_down_and_corruptions_across(full):
    scores = score(full.store, [TOP1], 0)
    panel = scores.panels[0]
    for severity in (None, 5):
        (grid,) = (d for d in drawings(scores, severity) if isinstance(d, Grid))
        axes = draw(grid).axes[0]
        drawn = np.asarray(axes.collections[0].get_array()).reshape(2, 2)
        for i, method in enumerate(panel.methods):
            for j, condition in enumerate(panel.corruptions):
                point = panel.over_severities(method, condition)
                if severity:
                    point = panel.at(method, condition, severity)
                assert drawn[i, j] == point.value[0]
        texts = [text.get_text() for text in axes.texts]
        assert f"{drawn[1, 1]:.1f}" in texts
        assert [t.get_text() for t in axes.get_yticklabels()] == ["source", "tent"]


def test_a_missing_cell_is_a_gap_in_the_heat_map(maker):
    maker.add(right(10), "rain", 5)
    maker.add(right(12), "snow", 5, tta="tent")
    (grid,) = of(score(maker.store, [TOP1], 0), Grid)
    assert np.isnan(grid.values).tolist() == [[False, True], [True, False]]
    axes = draw(grid).axes[0]
    assert [t.get_text() for t in axes.texts][:4] == ["50.0", "–", "–", "60.0"]
    assert axes.collections[0].get_array().mask.ravel().tolist() == [0, 1, 1, 0]


def test_radar_shows_the_relative_robustness_of_each_category(maker):
    maker.add(right(20))
    for number, (name, category) in enumerate(
        (("a", "digital"), ("b", "weather"), ("c", "weather"), ("d", "human"))
    ):
        identity = maker.identity(name, 5)
        identity["corruption"]["category"] = category
        maker.put(right(16 - 2 * number), identity)
    (radar,) = of(score(maker.store, [TOP1], 0), Radar)
    figure = draw(radar)
    (drawn,) = figure.axes[0].lines
    assert drawn.get_ydata().tolist() == pytest.approx([0.8, 0.65, 0.5, 0.8]), "closed"
    names = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    assert names == ["digital", "weather", "human"]


def test_two_categories_have_no_radar(full):
    assert not of(score(full.store, [TOP1], 0), Radar)


def test_accuracy_over_time_is_that_of_the_tenths(maker):
    hits = np.arange(40) % 3 > 0
    maker.add(predictions(hits), "rain", 5)
    identity = maker.identity("rain", 5, tta="tent")
    maker.plan(identity)
    record = {
        "seconds": {"total": 1.0},
        "clips": {"evaluated": 40, "failed": 0},
        "adapted": 40,
    }
    order = np.arange(40, dtype=np.int32)[::-1].copy()
    places = Places(np.zeros(40, np.int32), order)
    given = predictions(np.arange(40) < 30)
    maker.store.put(identity, given, record, places)
    scores = score(maker.store, [TOP1], 0)
    (stream,) = streams(scores.panels[0])
    (drawing,) = of(scores, Curves, "time")
    drawn = lines_of(draw(drawing))
    mine, source = windows(stream)
    assert drawn["tent"][1] == pytest.approx([value for _, value in mine])
    assert drawn["source"][1] == pytest.approx([value for _, value in source])
    assert drawn["tent"][1][:2] == [0, 0], "the last clips come first"


def test_one_sense_corrupted_has_a_curve_for_each(maker):
    maker.add(right(20))
    for senses, count in (("a", 12), ("v", 18), ("av", 6)):
        for severity in (1, 5):
            identity = maker.identity("rain", severity)
            identity["corruption"]["modalities"] = senses
            maker.put(right(count - severity), identity)
    (drawing,) = of(score(maker.store, [TOP1], 0), Curves, "senses")
    assert {k: v[1] for k, v in lines_of(draw(drawing)).items()} == {
        "sound alone": [100.0, 55.0, 35.0],
        "picture alone": [100.0, 85.0, 65.0],
        "both": [100.0, 25.0, 5.0],
    }


@pytest.fixture
def attacked(maker):
    maker.add(right(20))
    counts = {"fgsm": (16, 18, 14), "pgd": (12, 16, 8)}
    for name, (a, v, av) in counts.items():
        for step, size in enumerate((2 / 255, 4 / 255)):
            for senses, count in (("a", a), ("v", v), ("av", av)):
                about = {
                    "name": name,
                    "provider": "avplug 0.1",
                    "options": {},
                    "threat": threat(size, size),
                    "senses": senses,
                }
                identity = maker.identity(attack=about)
                maker.plan(identity)
                left = count - 4 * step
                record = {
                    "seconds": {"total": 1.0, "attack": 1.0},
                    "clips": {"evaluated": 20, "failed": 0},
                    "attack": {**FACTS, "right": left},
                }
                maker.store.put(identity, right(left), record)
    return score(maker.store, [TOP1], 0)


def test_attacks_have_curves_by_sense_over_epsilon(attacked):
    first, second = of(attacked, Curves, "senses-attack")
    assert "fgsm" in first.title
    drawn = lines_of(draw(second))
    assert {label: values for label, (_, values) in drawn.items()} == {
        "sound attacked": [100.0, 60.0, 40.0],
        "picture attacked": [100.0, 80.0, 60.0],
        "both attacked": [100.0, 40.0, 20.0],
    }


def test_attacks_on_one_ladder_stand_in_one_figure(attacked):
    a, v, av = of(attacked, Curves, "epsilon")
    assert [d.name.split("-")[1] for d in (a, v, av)] == ["a", "v", "av"]
    drawn = [values for _, values in lines_of(draw(av)).values()]
    assert drawn == [[100.0, 70.0, 50.0], [100.0, 40.0, 20.0]]


def test_files_of_all_formats_are_equal_for_equal_results(full, tmp_path, monkeypatch):
    scores = score(full.store, [TOP1], 20)
    formats = ["svg", "pdf", "png"]
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    one = plots.write_figures(scores, tmp_path / "one", formats)
    two = plots.write_figures(scores, tmp_path / "two", formats)
    assert [path.name for path in one] == [
        f"{kind}-events-top1.{form}"
        for kind in ("severity", "heatmap")
        for form in formats
    ]
    for first, second in zip(one, two, strict=True):
        assert first.read_bytes() == second.read_bytes()
    pdf = next(p for p in one if p.suffix == ".pdf").read_bytes()
    assert b"/FontFile2" in pdf, "its fonts are inside, as TrueType"
    assert b"CreationDate" not in pdf
    svg = next(p for p in one if p.suffix == ".svg")
    assert "<text" not in svg.read_text(encoding="utf-8"), "letters are outlines"
    assert ElementTree.parse(svg).getroot().tag.endswith("svg")


def test_lines_differ_in_more_than_colour():
    look = [artists._look(Line("x", i, ())) for i in range(28)]
    grey = {(one["marker"], str(one["linestyle"])) for one in look}
    assert len(grey) == len(look)
    lightness = [sum(bytes.fromhex(c[1:])) for c in artists._COLOURS]
    assert len(set(lightness)) == len(lightness)


def test_names_are_text_and_never_mathematics_or_paths(tmp_path, full):
    point = Estimate(50.0, 40.0, 60.0)
    drawing = Curves(
        "../a/$x$\n",
        "$\\frac{1$ <b> \x07",
        (Line("$unclosed {", 0, ((0, point), (1, point))),),
        {0: "_", 1: "$"},
        "^",
        "\\",
    )
    figure = plots.render(drawing, ["svg", "png"])
    ElementTree.fromstring(figure["svg"])
    names = plots._named([drawing, drawing])
    assert list(names) == ["a-x", "a-x-2"]


def test_refusals(full, maker, monkeypatch, tmp_path):
    scores = score(full.store, [TOP1], 0)
    with pytest.raises(UsageError, match="no figure format 'gif'"):
        plots.write_figures(scores, tmp_path, ["gif"])
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtraError, match=r"avplug\[figures\]"):
        plots.write_figures(scores, tmp_path)


@pytest.mark.parametrize("length", [4, 16, 30, 120])
def test_legends_stay_inside(length):
    point = Estimate(50.0, 40.0, 60.0)
    names = [f"{i} " + "method " * length for i in range(13)]
    lines = [Line(n[:length], i, ((0, point), (1, point))) for i, n in enumerate(names)]
    curves = Curves("a", "a", tuple(lines), {0: "a", 1: "b"}, "x", "y")
    radar = Radar("a", "a", ("a", "b"), tuple(lines), 100.0)
    for drawing in (curves, radar):
        figure = draw(drawing)
        figure.canvas.draw()
        box = figure.legends[0].get_window_extent()
        assert box.x0 >= 0
        assert box.x1 <= figure.bbox.x1
        assert box.y0 >= 0


@pytest.mark.parametrize("count", [1, 13, 40])
def test_the_title_of_a_heat_map_is_above_its_categories(count):
    columns = tuple(Condition(f"c{i}", f"kind {i // 3}") for i in range(6))
    rows = tuple(f"method {i}" for i in range(count))
    grid = Grid("a", "a title", rows, columns, np.full((count, 6), 50.0), 1, 100.0)
    figure = draw(grid)
    figure.canvas.draw()
    axes = figure.axes[0]
    kinds = [text for text in axes.texts if text.get_text().startswith("kind")]
    assert len(kinds) == 2
    top = axes.get_window_extent().y1
    title = axes.title.get_window_extent()
    for text in kinds:
        assert top < text.get_window_extent().y0
        assert text.get_window_extent().y1 <= title.y0
    assert title.y1 <= figure.bbox.y1


def test_nothing_to_draw(maker, tmp_path):
    maker.add(right(20))
    with pytest.raises(UsageError, match="nothing to draw"):
        plots.write_figures(score(maker.store, [TOP1], 0), tmp_path)


def test_drawing_leaves_matplotlib_as_it_was(full):
    import matplotlib

    before = dict(matplotlib.rcParams)
    (drawing,) = of(score(full.store, [TOP1], 0), Grid)
    plots.render(drawing, ["svg"])
    assert dict(matplotlib.rcParams) == before


def test_matplotlib_is_not_imported_before_it_is_needed():
    code = "import sys, avplug.report.plots; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
    code = (
        "import sys; from avplug.report.plot_data import Curves;"
        "from avplug.report.plots import render;"
        "render(Curves('a', 'a', (), {0: 'x'}, '', ''), ['png', 'pdf', 'svg']);"
        "sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
