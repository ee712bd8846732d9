"""Networks and attacks known by the names that papers print."""

from __future__ import annotations

import pytest

from avplug.core.registry import get_registry
from avplug.report.published_networks import (
    Network,
    is_attack,
    own_network,
    published_network,
)
from avplug.report.published_sources import find_sources
from tests.report.papers import compared, network, rows, told
from tests.report.stores import right

NOBODY = {
    "trained on": network("concat-longer"),
    "trained against attacks": network("pgd-at", defense="adversarial"),
    "named otherwise than defended": network("concat", defense="pcl"),
    "named otherwise than fused": network("concat", fusion="sum"),
    "one that localises": network("", pool="localised"),
    "another model": {"name": "cav-mae", "weights": "abc", "config": {}},
}


@pytest.mark.parametrize("model", NOBODY.values(), ids=NOBODY)
def test_another_network_does_not(maker, under, model):
    maker.add(right(9), model=model)
    under(3, "a", model=model)
    assert own_network(model) is None
    assert compared(maker) == []


def test_a_network_of_no_suite_is_known_by_its_record(maker, under):
    maker.run["trainings"] = [{"name": "", "seed": 0, "epochs": 6, "seconds": 1.0}]
    under(4, "av", model=network("", fusion="gated-sum"))
    (found,) = compared(maker, dataset="MUSIC")
    (row,) = rows(found)
    assert row["model"] == "AV-Gated-Sum"
    assert row["own"] == "20.0"
    assert row["own_place"].startswith("cvpr21:tiny; fgsm; V linf")
    for name in ("trainings", "epochs"):
        assert told(found)[name][1] == "not in the run's record"


def test_every_network_of_the_papers_tables_is_one_of_the_suite():
    numbers = find_sources(get_registry(), ("cvpr21",))[0].results.numbers
    found = {published_network(n.model, n.method) for n in numbers}
    fusions = ("concat", "sum", "film", "gated-sum", "gated-concat", "audio", "visual")
    expected = {own_network(network(name, fusion=name)) for name in fusions}
    defenses = ("pcl", "maxsim", "minsim", "exfmem")
    expected |= {own_network(network(name, defense=name)) for name in defenses}
    expected |= {own_network(network("minsim-exfmem", defense="exfmem"))}
    assert None not in found
    assert found == expected
    assert own_network(network("undefended")) == Network("concat", "none")


@pytest.mark.parametrize(
    ("published", "name", "options", "same"),
    [
        ("FGSM", "fgsm", {}, True),
        ("MIM", "mim-cvpr21", {}, True),
        ("MIM", "pgd", {}, False),
        ("I-FGSM", "pgd", {}, True),
        ("NI-FGSM", "mim", {}, False),
        ("TIA (minimise Eq.2), 5 steps", "tia", {"temporal": 0.1}, True),
        ("TIA (minimise Eq.2), 5 steps", "tia", {"temporal": -0.1}, False),
        ("TIA with Eq.2 maximised, 5 steps", "tia", {"temporal": -0.1}, True),
        ("TMA (=TIA+MMA)", "tma", {"temporal": 0.1}, True),
        ("FGSM", "fgsm", {"target": "next"}, False),
    ],
)
def test_names_of_attacks(published, name, options, same):
    assert is_attack(published, {"name": name, "options": options}) is same
