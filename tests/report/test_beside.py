"""A run beside published numbers: which, and how the protocols differ."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from avplug.core.errors import PluginError
from avplug.core.published import (
    PublishedNumber,
    PublishedProtocol,
    PublishedResults,
)
from avplug.core.registry import get_registry
from avplug.report.export import scores_json
from avplug.report.html import page
from avplug.report.markdown import markdown
from avplug.report.metrics import find_metrics
from avplug.report.published import beside
from avplug.report.published_match import is_dataset
from avplug.report.published_sources import Source, find_sources, sound_sources
from avplug.report.scores import score
from avplug.report.write import read_scores
from tests.report.stores import predictions, right


@pytest.fixture
def vgg(maker):
    """CAV-MAE on 20 clips called vggsound; clean, gaussian, rain; source and tent."""
    maker.dataset = "vggsound"
    for tta, plus in (("source", 0), ("tent", 2)):
        maker.add(right(18 + plus // 2), tta=tta)
        maker.add(right(10 + plus), "gaussian", 5, tta=tta)
        maker.add(right(6 + plus), "rain", 5, tta=tta)
    return maker


def number(corruption="mean15", severity="5", metric="top1_acc", value=30.0, **changes):
    facts = {
        "place": "Table 9",
        "dataset": "VGGSound-2C",
        "model": "CAV-MAE",
        "method": "none",
        **changes,
    }
    return PublishedNumber(
        corruption=corruption, severity=severity, metric=metric, value=value, **facts
    )


def source(*numbers, **protocols):
    named = {"VGGSound-2C": protocols["protocol"]} if protocols else {}
    return Source("p", "A paper", "arXiv:1", PublishedResults(numbers, named))


def compared(maker, *numbers, metrics=("top1",), dataset=None, **protocols):
    scores = score(maker.store, find_metrics(get_registry(), metrics), 20)
    return beside(scores.panels, scores.run, [source(*numbers, **protocols)], dataset)


def test_alpha_is_that_of_the_metric_that_the_source_prints(vgg):
    alpha = number(metric="alpha_abs_robustness")
    assert compared(vgg, alpha, number(metric="mAP")) == []
    assert compared(vgg, alpha, number(dataset="AudioSet-2C")) == []


def own_numbers(found):
    return [float(str(row[6])) for each in found for row in each.numbers.rows]


@pytest.mark.parametrize(
    ("published", "own"),
    [
        (number(), 40.0),
        (number("clean", "0"), 90.0),
        (number("gaussian"), 50.0),
        (number("rain", method="TENT"), 40.0),
        (number(metric="alpha_abs_robustness"), 0.5),
        (number(metric="rho_rel_robustness"), 0.444),
        (number(method="source", model="unknown"), 40.0),
    ],
    ids=lambda x: getattr(x, "corruption", ""),
)
def test_a_number_stands_beside_the_run_s(vgg, published, own):
    assert own_numbers(compared(vgg, published, number("snow"))) == [own]


@pytest.mark.parametrize(
    "other",
    [
        number(dataset="Kinetics-2C"),
        number(model="UAVM"),
        number(method="EATA"),
        number(metric="mAP"),
        number(metric="top1_acc_drop_vs_clean"),
        number(severity="3"),
        number(severity="unknown"),
        number("video:rain"),
        number("snow"),
    ],
    ids=lambda metric: type(metric).__name__,
)
def test_another_quantity_does_not(vgg, other):
    assert compared(vgg, other) == []


def test_one_sense_alone_has_its_own_names(maker):
    maker.dataset = "vggsound"
    maker.add(right(20))
    about = {"name": "fog", "category": "x", "profile": "paper", "modalities": "v"}
    identity = maker.identity("fog", 5)
    identity["corruption"] = about
    maker.plan(identity)
    record = maker.store.cells()[0].record
    maker.store.put(identity, right(8), {k: record[k] for k in ("clips", "seconds")})
    assert own_numbers(compared(maker, number("video:fog"))) == [40.0]
    assert own_numbers(compared(maker, number("video:mean"))) == [40.0]
    assert compared(maker, number("fog"), number("audio:fog"), number()) == []


def test_both_are_printed_with_their_difference_and_the_place(vgg):
    (found,) = compared(vgg, number(value=35.54, note="second-hand"))
    (row,) = found.numbers.rows
    assert [str(v) for v in row] == [
        *("CAV-MAE", "none", "mean15 (own: 2)", "5", "top1 %", "35.54", "40.0"),
        *("+4.5", "Table 9", "second-hand"),
    ]
    assert "A paper (arXiv:1)" in found.numbers.note


def test_a_data_set_may_be_said_to_be_another(vgg):
    kinetics = number(dataset="Kinetics-2C")
    assert own_numbers(compared(vgg, kinetics, dataset="kinetics-2c")) == [40.0]
    assert compared(vgg, number(), dataset="Kinetics-2C") == []


def test_names_of_data_sets():
    assert is_dataset("VGGSound-2C", "vggsound")
    assert is_dataset("Kinetics-2C", "kinetics-sounds")
    assert is_dataset("MUSIC", "mit-music")
    assert not is_dataset("VGGSound-C", "vggsound")
    assert not is_dataset("Kinetics-2C", "kinetics50")


def differences(found):
    return {row[0]: row[1:] for row in found.protocol.rows}


def test_the_differences_are_those_of_the_record(vgg):
    ids = sorted(f"clip-{i}" for i in range(20))
    protocol = PublishedProtocol(
        clips=14046,
        classes=3,
        clip_list=hashlib.sha256("\n".join(ids).encode()).hexdigest(),
        weights={"CAV-MAE": "vgg.pth"},
        averaging="batches",
        evaluation_batch=128,
        batch_size=64,
        rates={"TENT": 1e-4},
        reset="continual",
        severity=5,
        senses="av",
        corruptions="by hand",
    )
    (found,) = compared(vgg, number(), number(method="TENT"), protocol=protocol)
    told = differences(found)
    assert told["clips"] == ("14046", "20", "differs")
    assert told["classes"] == ("3", "3", "same")
    assert told["list of clips"][2] == "same"
    assert told["weights of cav-mae"] == ("vgg.pth", "tiny, SHA-256 abc…", "differs")
    assert told["corruptions in the mean"] == ("15", "2 of 15", "differs")
    assert told["severity"] == ("5", "5", "same")
    assert told["made by"][::2] == ("by hand", "differs")
    assert told["averaging"] == ("mean of batches of 128", "each clip once", "differs")
    assert told["runs"] == ("not stated", "seed 0", "not known")
    assert told["TENT: forgets"] == ("continual", "reset", "differs")


def test_what_changes_in_the_record_changes_what_is_told(maker):
    maker.dataset = "vggsound"
    failures = [("clip-9", "unreadable")]
    for seed in (0, 1):
        facts = {"failures": failures, "seed": seed, "at": "source"}
        maker.add(right(10, of=19), **facts)
        maker.add(right(5, of=19), "rain", 5, **facts)
    (found,) = compared(maker, number("rain"))
    told = differences(found)
    assert told["clips"] == ("not stated", "19, 1 failed", "not known")
    assert told["runs"][1] == "mean of 2 seeds"
    assert told["preparation"][1] == "corrupted at source"
    assert "corruptions in the mean" not in told


def test_corrupted_data_from_disk_is_told_as_such(maker):
    maker.dataset = "vggsound-2c"
    identity = maker.identity("rain", 5)
    identity["corruption"] |= {"provider": "pre-made", "premade": "beef"}
    maker.plan(identity)
    record = {"clips": {"evaluated": 20, "failed": 0}, "seconds": {"total": 1.0}}
    maker.store.put(identity, right(5), record)
    (found,) = compared(maker, number("rain"))
    own = differences(found)["made by"][1]
    assert own == "somebody before the run: files beef, as they are on disk"


def test_a_model_that_the_source_does_not_name_is_told(vgg):
    (found,) = compared(vgg, number(model="unknown"))
    assert differences(found)["model"] == ("not named", "cav-mae:tiny", "not known")


def test_the_report_of_a_run_with_published_numbers_has_them(vgg):
    scores = read_scores(vgg.store.folder, resamples=5)
    shown, table = page(scores), markdown(scores)
    for text in (shown, table):
        assert "AVRobustBench, NeurIPS 2025: VGGSound-2C" in text
        assert "35.54" in text
        assert "project page 2025-11 main table" in text
        assert "how the protocols differ" in text
    papers = {row["paper"] for row in scores_json(scores)["published"]}
    assert papers == {"avrobustbench", "avrecap"}


def test_the_report_of_another_run_has_none(full):
    scores = read_scores(full.store.folder, resamples=5)
    assert scores.published == ()
    assert "published numbers" not in page(scores)


class _Entry:
    def __init__(self, target):
        self.spec = get_registry().get("published", "read").spec
        self.provider, self.qualified, self.load = (
            "theirs 1",
            "theirs/x",
            lambda: target,
        )


class _Registry:
    def __init__(self, *targets):
        self._entries = [_Entry(target) for target in targets]

    def entries(self, kind):
        return self._entries


def test_a_plugin_that_cannot_be_read_costs_a_note_alone():
    def broken():
        raise OSError("gone")

    registry = _Registry(broken, lambda: 7, lambda: source(number()).results)
    found, notes = sound_sources(registry)
    assert len(found) == 1
    assert "theirs/x" in notes[0]
    assert "gone" in notes[0]
    assert "no PublishedResults" in notes[1]
    with pytest.raises(PluginError, match="gone"):
        find_sources(registry)


def test_an_undefined_number_has_no_difference(maker):
    maker.dataset = "vggsound"
    maker.add(predictions(np.ones(20, bool)), "rain", 5)
    rho = number("rain", metric="rho_rel_robustness")
    (found,) = compared(maker, rho, number("snow"))
    assert found.numbers.rows[0][7] is None
