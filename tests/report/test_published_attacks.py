"""Which attacked cells are those that a paper prints: attack, budget, knowledge."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from avplug.core.published import PublishedAttackProtocol, PublishedNumber
from avplug.core.registry import get_registry
from avplug.report.attacked import threat_of
from avplug.report.metrics import find_metrics
from avplug.report.published_attacks import printed_threat
from tests.report.papers import DEVIATIONS, compared, network, rows, sized, told
from tests.report.stores import right

OTHERS = {
    "a budget of pixels": {"about": {"threat": sized(scale=(1.0,))}},
    "a larger budget": {"about": {"threat": sized(0.02)}},
    "a joint ball": {"about": {"threat": sized(joint=True)}},
    "an attack it has not": {"name": "apgd"},
    "a target": {"options": {"steps": 10, "target": "next"}},
    "a transfer": {"about": {"surrogates": [network("sum", fusion="sum")]}},
    "noise": {"facts": {"gradient": False, "forwards": 0}},
    "an adapted network": {"tta": "tent"},
    "corrupted clips": {"corruption": "rain", "severity": 5},
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_another_attack_does_not(maker, under, other):
    under(3, "v", **other)
    assert compared(maker) == []


def test_neither_another_data_set_nor_another_metric_does(ave):
    assert compared(ave, dataset="VGGSound") == []
    (top5,) = find_metrics(get_registry(), ("top5",))
    assert compared(ave, metric=top5) == []
    found = compared(ave, dataset="Kinetics-Sounds27")
    assert [each.dataset for each in found] == ["Kinetics-Sounds27"]


@pytest.fixture
def transfers(maker, under):
    """TIA and TMA on networks of both senses, and carried over between them."""
    maker.dataset = "kinetics-sounds"
    tia = {"steps": 10, "temporal": 0.1}
    two = {"concat": network("undefended"), "sum": network("sum", fusion="sum")}
    for model in two.values():
        maker.add(right(16), model=model)
    under(4, "av", "tia", two["concat"], options=tia)
    from_concat = {"surrogates": [two["concat"]]}
    under(8, "av", "tia", two["sum"], from_concat, options=tia)
    under(12, "av", "tma", two["sum"], from_concat, options=tia)
    return under, two, tia


def test_success_stands_beside_by_what_the_attacker_knows(maker, transfers):
    (found,) = compared(maker, "iclr25")
    white, black, average = rows(found)
    assert (white["published"], white["own"]) == ("82.30", "75.0"), "12 of 16"
    assert (black["published"], black["own"]) == ("54.90", "50.0"), "8 of 16"
    assert (average["published"], average["own"]) == ("95.20", "25.0"), "4 of 16"
    assert "second-hand" in average["note"]
    assert "from undefended #0" in black["own_place"]
    about = told(found)
    assert about["budgets"][::2] == ("not stated", "not known")
    assert about["TIA (minimise Eq.2), 5 steps: steps"] == ("5", "10", "differs")
    assert about["clips"][::2] == ("not stated", "not known")
    assert about["the attacker knows"][1:] == ("white-box, black-box", "same")
    assert about["success is of"][1] == "clips that were right before"


def test_an_ensemble_and_a_defended_surrogate_are_told_apart(maker, transfers):
    under, two, tia = transfers
    defended = {"surrogates": [network("pgd-at", defense="adversarial")]}
    under(0, "av", "tma", two["sum"], defended, options=tia)
    under(0, "a", "tma", two["sum"], {"surrogates": [two["concat"]]}, options=tia)
    several = {"surrogates": [*two.values()]}
    under(2, "av", "tma", two["sum"], several, options=tia)
    (found,) = compared(maker, "iclr25")
    own = {row["model"]: row["own"] for row in rows(found)}
    assert own["8 victims, average"] == "25.0"
    assert own["ensemble attack, all victims"] == "87.5"


def test_knowledge_that_is_not_stated_fits_both(maker, under):
    maker.dataset = "kinetics-sounds"
    for model in (network(), network("sum", fusion="sum")):
        maker.add(right(10), model=model)
    under(5, "av")
    under(
        8, "av", model=network("sum", fusion="sum"), about={"surrogates": [network()]}
    )
    (found,) = compared(maker, "iclr25")
    assert [row["own"] for row in rows(found)] == ["50.0", "20.0"]
    assert {row["place"] for row in rows(found)} == {"third-party reviews"}
    assert told(found)["the attacker knows"][::2] == ("not stated", "not known")


@given(
    st.floats(1e-4, 0.4), st.floats(1.01, 10.0), st.sampled_from(["pixel", "imagenet"])
)
def test_only_the_printed_budget_fits(size, factor, unit):
    scale = DEVIATIONS if unit == "imagenet" else (1.0,)
    protocol = PublishedAttackProtocol(colours=scale)
    number = PublishedNumber(
        "T", "d", "m", "none", "FGSM", f"a={size},v={size}", "acc_xAV", 1.0
    )
    printed = printed_threat(number, protocol)
    assert printed == threat_of(sized(size, scale))
    assert printed != threat_of(sized(size * factor, scale))


@pytest.mark.parametrize("severity", ["avg", "vs none", "a=much,v=0", "a=0.1", "0"])
def test_what_is_no_budget_has_none(severity):
    number = PublishedNumber("T", "d", "m", "none", "FGSM", severity, "acc_xA", 1.0)
    assert printed_threat(number, PublishedAttackProtocol()) is None
